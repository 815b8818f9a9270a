"""Standard errors, in closed form, of statistics that are functions of two sums over conditions.

With x the responses to a condition, centred on the mean over conditions: U, the mean of xᵢ xⱼ over pairs of trials,
which tends to the square of the true mean, and w, the mean of x². A statistic moves by Σ (a U + b w) to first order.
Conditions are independent, and the variances of U and w follow without a bias from sums of powers of x up to the
fourth: a product of expectations is estimated by a mean over trials that all differ (Hoeffding 1948). A jackknife
counts what is quadratic in the noise twice (Efron & Stein 1981), and of cells that hardly respond little else is left.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from groundtrace.arrays import BoolArray, FloatArray, IntArray

FEWEST = 4
"""Trials of a condition that such variances need."""
Slope = tuple[FloatArray, FloatArray]
"""a and b of a statistic, each (n_rois, n_conditions)."""


class Powers(NamedTuple):
    """Per condition, each (n_rois, n_conditions); 0 of conditions with one trial, which do not count."""

    repeated: FloatArray
    """(n_rois, 1) share of conditions with more."""
    n: FloatArray
    pairs: FloatArray
    """U"""
    squares: FloatArray
    """w"""
    of_pairs: FloatArray
    """Variance of U."""
    both: FloatArray
    """Covariance of U and w."""
    of_squares: FloatArray
    """Variance of w."""

    def error(self, slope: Slope) -> FloatArray:
        """(n_rois,) of a statistic; NaN where some condition has too few trials."""
        a, b = slope
        variance = (a**2 * self.of_pairs + 2 * a * b * self.both + b**2 * self.of_squares).sum(axis=1)
        enough = np.all((self.n == 0) | (self.n >= FEWEST), axis=1) & (variance > 0)
        return np.sqrt(np.where(enough, variance, np.nan))


def closed_errors(response: FloatArray, condition: IntArray, found: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Errors (n_rois,) of `oracle`, `variance`, `signal_power`, `ceiling` and `explainable`, of values in `found`.

    response: (n_rois, n_trials), NaN where there is none. condition: (n_trials,). NaN where some condition has two or
    three trials.
    """
    powers = powers_of(response, condition)
    n = np.maximum(powers.n, 1)
    counted = powers.n > 0
    number = np.maximum(counted.sum(axis=1, keepdims=True), 2)
    power, variance, explainable = (found[key][:, None] for key in ("signal_power", "variance", "explainable"))
    of_variance = _of(counted, (n - 1) / n / (number - 1), 1 / n / (number - 1))
    of_noise = _of(counted, -1 / number, 1 / number)
    of_power = _of(counted, of_variance[0] + 1 / n / number, of_variance[1] - 1 / n / number)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = power / explainable  # signal and noise
        of_explainable = [(p - explainable * (p + v)) / whole for p, v in zip(of_power, of_noise, strict=True)]
        # Of the square of the ceiling: its root has no slope at 0.
        of_square = [(p - power / variance * v) / variance for p, v in zip(of_power, of_variance, strict=True)]
    squared = powers.error(_of(counted, *of_square))
    return {
        "oracle": powers.error(_of_oracle(powers, found["oracle"][:, None])),
        "variance": powers.error(of_variance),
        "signal_power": powers.error(of_power),
        "ceiling": squared / (2 * np.maximum(found["ceiling"], np.sqrt(squared))),
        "explainable": powers.error(_of(counted, *of_explainable)),
    }


def _of_oracle(powers: Powers, oracle: FloatArray) -> Slope:
    """Of B / √(W O) times the share of conditions that were repeated: the covariance of trials with the mean of the
    others, the variance of trials, and that of the others, each a mean over trials."""
    n, counted = np.maximum(powers.n, 2), powers.n > 0
    share = powers.n / np.maximum(powers.n.sum(axis=1, keepdims=True), 1)
    others = (share * ((n - 2) * powers.pairs + powers.squares) / (n - 1)).sum(axis=1, keepdims=True)
    trials = (share * powers.squares).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        a = share * (powers.repeated / np.sqrt(trials * others) - oracle / 2 * (n - 2) / (n - 1) / others)
        b = -share * oracle / 2 * (1 / trials + 1 / (n - 1) / others)
    return _of(counted, a, b)


def _of(counted: BoolArray, a: FloatArray, b: FloatArray) -> Slope:
    return np.where(counted, a, 0), np.where(counted, b, 0)


def powers_of(response: FloatArray, condition: IntArray) -> Powers:
    """From responses (n_rois, n_trials); conditions with one trial do not count."""
    count = int(condition.max()) + 1
    one = csr_array((np.ones(len(condition)), (condition, np.arange(len(condition)))), (count, len(condition)))
    known = np.isfinite(response)
    n, total = ((one @ part.T).T for part in (known.astype(np.float64), np.where(known, response, 0)))
    shown, counted = n > 0, n >= 2
    mean = np.where(counted, total / np.maximum(n, 1), 0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    x = np.where(known, response - mean[:, None], 0)
    p1, p2, p3, p4 = ((one @ (x**power).T).T for power in (1, 2, 3, 4))
    n1, n2, n3 = np.maximum(n - 1, 1), np.maximum(n - 2, 1), np.maximum(n - 3, 1)
    n = np.maximum(n, 1)
    pairs, squares = (p1**2 - p2) / (n * n1), p2 / n
    triples = p2 * p1**2 - p2**2 - 2 * p3 * p1 + 2 * p4
    quadruples = p1**4 - 6 * p1**2 * p2 + 3 * p2**2 + 8 * p1 * p3 - 6 * p4
    parts = (
        n,
        pairs,
        squares,
        pairs**2 - quadruples / (n * n1 * n2 * n3),
        pairs * squares - triples / (n * n1 * n2),
        (p4 / n - squares**2) / n1,
    )
    repeated = counted.sum(axis=1, keepdims=True) / np.maximum(shown.sum(axis=1, keepdims=True), 1)
    return Powers(repeated, *(np.where(counted, part, 0) for part in parts))
