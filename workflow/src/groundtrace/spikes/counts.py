"""How many spikes a stretch of time holds: two logistic distributions of log(count), cut into whole counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray, IntArray

WINDOW = 1.0
"""The stretch of time that spike counts and their intervals are about, s."""
OFFSET = 0.5
"""Added to a count before its logarithm is taken, beside the ½ that cuts between two counts."""
LARGEST = 30.0
"""The largest logarithm of a count that is told apart."""
STEPS = 24
"""Bisections of a quantile: its error is the widest bracket over 2^STEPS."""


PARTS = ("weight", "centre", "spread", "other_centre", "other_spread")


@dataclass(frozen=True)
class CountDistribution:
    """Predictive distribution of spike counts, arrays of equal shapes.

    P(N ≤ n) = w L((x - a) / s) + (1 - w) L((x - b) / t) with x = log(n + ½ + OFFSET) and L the logistic function. One
    part is of a neuron read as it should be, the other of one misjudged; with a scale each, a count can be sharper
    than Poisson's, and its tail longer.
    """

    weight: FloatArray
    """Probability of the first part, w."""
    centre: FloatArray
    """Its median on the scale of x, a."""
    spread: FloatArray
    """Its scale, s."""
    other_centre: FloatArray
    other_spread: FloatArray
    """The same of the second part, b and t."""
    widened: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))
    """Level of an interval as asked, and that of the distribution's own that covers as much (Kuleshov et al. 2018)."""

    def __getitem__(self, index: Any) -> "CountDistribution":
        """The distributions of some elements."""
        return replace(self, **{name: getattr(self, name)[index] for name in PARTS})

    def cdf(self, count: FloatArray | IntArray) -> FloatArray:
        """P(N ≤ count)."""
        count = np.floor(np.asarray(count, np.float64))
        below = self._below(np.log(np.maximum(count, 0) + 0.5 + OFFSET))
        return np.where(count < 0, 0.0, below)

    def quantile(self, probability: float) -> FloatArray:
        """Smallest count N with P(≤ N) ≥ probability."""
        return to_count(self.log_quantile(probability))

    def log_quantile(self, probability: float) -> FloatArray:
        """The x at which the distribution, before it is cut into counts, reaches `probability`."""
        odds = np.log(probability / (1 - probability))
        ends = self.centre + self.spread * odds, self.other_centre + self.other_spread * odds
        low, high = np.minimum(*ends), np.maximum(*ends)
        for _ in range(STEPS):
            middle = (low + high) / 2
            reached = self._below(middle) >= probability
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return high

    def own_interval(self, level: float) -> tuple[float, float]:
        """Probabilities of this distribution whose quantiles bound the central interval of `level`."""
        asked, own = zip(*self.widened, strict=True)
        own_level = float(np.interp(level, asked, own))
        return (1 - own_level) / 2, (1 + own_level) / 2

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Central interval that covers the count with probability of at least `level`."""
        low, high = self.own_interval(level)
        return self.quantile(low), self.quantile(high)

    def coverage(self, counts: FloatArray | IntArray, level: float) -> FloatArray:
        """Share of each observed count that lies in the central interval of `level`; averages to `level` if calibrated.

        A count is a whole number, so its probability integral transform is an interval [P(N < n), P(N ≤ n)]; the
        share is the part of it within the central range (Czado, Gneiting & Held 2009, non-randomised).
        """
        low, high = self.own_interval(level)
        upper, lower = self.cdf(counts), self.cdf(np.asarray(counts, np.float64) - 1)
        inside = np.clip(upper, low, high) - np.clip(lower, low, high)
        return inside / np.maximum(upper - lower, 1e-300)

    def crps(self, counts: FloatArray | IntArray) -> FloatArray:
        """Continuous ranked probability score of each count (n,), spikes: Σ_n (P(N ≤ n) - [count ≤ n])²; 0 is best."""
        counts = np.asarray(counts, np.float64)
        return ranked_probability_score(lambda n: self[:, None].cdf(n), counts)

    def _below(self, x: FloatArray) -> FloatArray:
        first, second = (x - self.centre) / self.spread, (x - self.other_centre) / self.other_spread
        return self.weight * _logistic(first) + (1 - self.weight) * _logistic(second)


def ranked_probability_score(cdf: Callable[[FloatArray], FloatArray], counts: FloatArray) -> FloatArray:
    """CRPS of counts (n,) under cdf((1, n_values)) → (n, n_values); beyond 40, sums are over ever wider steps."""
    values = np.concatenate([np.arange(40.0), np.round(np.geomspace(40, 1000, 60))])
    width = np.diff(values, append=values[-1] + 1)
    return ((cdf(values[None]) - (counts[:, None] <= values)) ** 2) @ width


def to_count(x: FloatArray) -> FloatArray:
    """The smallest count whose log(count + ½ + OFFSET) reaches `x`."""
    return np.maximum(np.ceil(np.exp(np.minimum(x, LARGEST)) - 0.5 - OFFSET - 1e-9), 0.0)


def _logistic(x: FloatArray) -> FloatArray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
