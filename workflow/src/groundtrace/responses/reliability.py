"""How reliably cells respond: statistics of their trials, each with its standard error.

All follow from three sums over the trials of a condition: their number, and the sums of responses and of their squares.
Errors are in closed form where there is one (`errors.py`), else of a jackknife that leaves out a group of trials at a
time.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.responses.errors import closed_errors

GROUPS, STRIDE = 19, 7
"""Groups of trials of the jackknife, a prime, and their steps from repeat to repeat: conditions and repeats are spread
evenly over them."""
BORDERS = (0, 0.25, 0.5, 0.75)
"""Places of a bin's border, relative to its width, over which the entropy is averaged."""
ROIS = 32
"""ROIs that are looked at together."""


class Sums(NamedTuple):
    """Sums over trials, each (…, n_conditions)."""

    n: FloatArray
    s: FloatArray
    """Of responses."""
    q: FloatArray
    """Of their squares."""


def reliability(response: FloatArray, condition: IntArray, repeat: IntArray) -> dict[str, FloatArray]:
    """Statistics of each ROI and, by the same name with `_error`, their standard errors; each (n_rois,).

    response: (n_rois, n_trials) spikes, NaN where there is none. condition, repeat: (n_trials,) 0-based. Conditions
    with one response of a ROI do not count for it; a statistic that is not defined is NaN.
    """
    parts = [_of_some(response[i : i + ROIS], condition, repeat) for i in range(0, len(response), ROIS)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _of_some(response: FloatArray, condition: IntArray, repeat: IntArray) -> dict[str, FloatArray]:
    count = int(condition.max()) + 1
    # Of conditions shown twice both trials are left out together: one alone says nothing of reliability.
    step = np.where(np.bincount(condition)[condition] > 2, repeat, 0)
    group, half = (STRIDE * step + condition) % GROUPS, repeat % 2
    parts = sums(response, (group * 2 + half) * count + condition, GROUPS * 2 * count)
    parts = Sums(*(part.reshape(len(response), GROUPS, 2, count) for part in parts))
    total = Sums(*(part.sum(axis=1) for part in parts))
    left = Sums(*(whole[:, None] - part for whole, part in zip(total, parts, strict=True)))
    found, without = statistics(total), statistics(left)
    used = (parts.n.sum(axis=(2, 3)) > 0).astype(float)
    number = total.n.sum(axis=1)
    trials = np.where(number >= 2, number, 0).sum(axis=-1)
    each = trials / np.maximum((number >= 2).sum(axis=-1), 1)
    # Strata of conditions: a group has one trial of some of them, or all trials of conditions shown twice.
    strata = np.where(each > 2, np.minimum(each, GROUPS), GROUPS)
    errors = {name: _jackknife(without[name], used, strata) for name in found}
    for name, closed in closed_errors(response, condition, found).items():
        errors[name] = np.where(np.isfinite(closed), closed, errors[name])
    return {"trials": trials, **found, **{f"{name}_error": error for name, error in errors.items()}}


def sums(response: FloatArray, label: IntArray, count: int) -> Sums:
    """Sums (n_rois, count) of responses (n_rois, n_trials) over the trials of each label; NaN is no trial."""
    one = csr_array((np.ones(len(label)), (label, np.arange(len(label)))), shape=(count, len(label)))
    known = np.isfinite(response)
    values = np.where(known, response, 0).astype(np.float64)
    return Sums(*((one @ part.T).T for part in (known.astype(np.float64), values, values**2)))


def statistics(halves: Sums) -> dict[str, FloatArray]:
    """Statistics (…) of sums (…, 2, n_conditions) over odd and even repeats."""
    n, s, q = (part.sum(axis=-2) for part in halves)
    known = n >= 2
    some = np.where(known, n, 2.0)
    mean = np.where(known, s / some, 0)
    within = np.where(known, np.maximum(q - s**2 / some, 0) / (some - 1), 0)
    number = known.sum(axis=-1).astype(float)
    number[number < 2] = np.nan
    grand = mean.sum(axis=-1) / number
    variance = (np.where(known, mean - grand[..., None], 0) ** 2).sum(axis=-1) / (number - 1)
    noise, of_means = (part.sum(axis=-1) / number for part in (within, within / some))
    power = variance - of_means
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "oracle": oracle_correlation(n, s, q),
            "split_half": _split_half(halves),
            "variance": variance,
            "signal_power": power,
            "ceiling": np.sqrt(np.maximum(power, 0) / variance),
            "explainable": power / (power + noise),
            "sparseness": _sparseness(mean, of_means, number),
            "entropy": _entropy(np.where(known, mean - grand[..., None], np.nan), np.sqrt(of_means), number),
        }


def oracle_correlation(n: FloatArray, s: FloatArray, q: FloatArray) -> FloatArray:
    """Pearson r (…) over trials between each and the mean of the others of its condition, times the share of conditions
    with at least two; closed form of the sums (…, n_conditions)."""
    known = n >= 2
    share = known.sum(axis=-1) / np.maximum((n > 0).sum(axis=-1), 1)
    others = np.where(known, n - 1, 1.0)
    n, s, q = (np.where(known, part, 0) for part in (n, s, q))
    trials = np.where(share > 0, n.sum(axis=-1), np.nan)
    mean = s.sum(axis=-1) / trials  # the same of trials and of the means of the others
    trial = q.sum(axis=-1) / trials - mean**2
    oracle = (((n - 2) * s**2 + q) / others**2).sum(axis=-1) / trials - mean**2
    both = ((s**2 - q) / others).sum(axis=-1) / trials - mean**2
    return share * both / np.sqrt(np.where((trial > 0) & (oracle > 0), trial * oracle, np.nan))


def _split_half(halves: Sums) -> FloatArray:
    both = np.all(halves.n > 0, axis=-2)
    mean = np.where(both[..., None, :], halves.s / np.maximum(halves.n, 1), 0)
    number = both.sum(axis=-1).astype(float)
    number[number < 3] = np.nan
    off = np.where(both[..., None, :], mean - (mean.sum(axis=-1) / number[..., None])[..., None], 0)
    odd, even = off[..., 0, :], off[..., 1, :]
    r = (odd * even).sum(axis=-1) / np.sqrt((odd**2).sum(axis=-1) * (even**2).sum(axis=-1))
    # Of all repeats instead of half; a correlation below 0 does not get more negative by more trials.
    return np.where(r > 0, 2 * r / (1 + r), r)


def _sparseness(mean: FloatArray, of_means: FloatArray, number: FloatArray) -> FloatArray:
    square = (mean.sum(axis=-1) / number) ** 2 - of_means / number
    squares = (mean**2).sum(axis=-1) / number - of_means
    return np.where(squares > 0, (1 - square / squares) / (1 - 1 / number), np.nan)


def _entropy(off: FloatArray, width: FloatArray, number: FloatArray) -> FloatArray:
    """Bits of values (…, n_conditions), NaN for none, in bins of `width` (…), with the correction of Miller and Madow;
    the mean over places of the bins' borders."""
    scaled = off / np.where(width > 0, width, np.nan)[..., None]
    known = np.asarray(np.isfinite(scaled).sum(axis=-1))
    bits = np.mean([_bits(np.sort(np.floor(scaled + border), axis=-1), known) for border in BORDERS], axis=0)
    return np.where(known > 1, np.minimum(bits, np.log2(number)), np.nan)


def _bits(bins: FloatArray, known: IntArray) -> FloatArray:
    """Entropy (…) of sorted bins (…, n), of which the first `known` (…) are counted."""
    first = np.isfinite(bins) & (np.diff(bins, axis=-1, prepend=-np.inf) != 0)
    before = np.cumsum(np.isfinite(bins).ravel()) - 1
    starts = np.flatnonzero(first.ravel())
    size = np.diff(before[starts], append=before[-1] + 1) if len(starts) else np.zeros(0)
    row = starts // bins.shape[-1]
    count = np.maximum(known.ravel(), 1)
    filled, weighted = (np.bincount(row, part, len(count)) for part in (np.ones(len(row)), size * np.log2(size)))
    return (np.log2(count) - weighted / count + (filled - 1) / (2 * np.log(2) * count)).reshape(known.shape)


def _jackknife(without: FloatArray, used: FloatArray, strata: FloatArray) -> FloatArray:
    """Standard errors (n_rois,) from values (n_rois, GROUPS) without each group.

    used: groups that had a trial. strata: (n_rois,) groups into which the trials of a condition fall.
    """
    without, groups = np.where(used > 0, without, 0), np.maximum(used.sum(axis=1), 1)
    off = without - (without.sum(axis=1) / groups)[:, None]
    error = np.sqrt((used * off**2).sum(axis=1) * (strata - 1) / strata)
    return np.where(groups > 1, error, np.nan)


def tuning_p(response: FloatArray, condition: IntArray, permutations: int, seed: int = 0) -> FloatArray:
    """p (n_rois,) that responses (n_rois, n_trials) do not depend on the condition (n_trials,), by permutation.

    The same permutations of trials serve all ROIs. A missing response counts as the ROI's mean.
    """
    known = np.isfinite(response)
    number = known.sum(axis=1, keepdims=True)
    mean = np.where(known, response, 0).sum(axis=1, keepdims=True) / np.maximum(number, 1)
    off = np.ascontiguousarray(np.where(known, response - mean, 0).T, np.float32)
    order = np.argsort(condition, kind="stable")
    starts = np.flatnonzero(np.diff(condition[order], prepend=-1))
    size = np.diff(np.append(starts, len(order)))[:, None]

    def between(rows: IntArray) -> FloatArray:
        """(n_rois,) sum of squares between conditions: all that depends on the order of trials."""
        return (np.add.reduceat(off[rows], starts, axis=0) ** 2 / size).sum(axis=0)

    measured, random = between(order), np.random.default_rng(seed)
    reached = sum(between(random.permutation(order)) >= measured * (1 - 1e-5) for _ in range(permutations))
    return np.where(number[:, 0] > 0, (1 + reached) / (1 + permutations), np.nan)


def ceiling_normalised(prediction: FloatArray, response: FloatArray, condition: IntArray) -> Mapping[str, FloatArray]:
    """How well predictions (n_rois, n_conditions) explain responses (n_rois, n_trials) of those conditions.

    Returns, each (n_rois,): `cc`, r with the mean responses; `cc_norm`, that over its ceiling (Schoppe et al. 2016);
    `feve`, the fraction of explainable variance that is explained, 1 - (MSE - σ²) / (var - σ²) over trials.
    """
    n, s, q = sums(response, condition, prediction.shape[1])
    known = n >= 2
    some = np.where(known, n, 2.0)
    mean = np.where(known, s / some, np.nan)
    within = np.where(known, (q - s**2 / some) / (some - 1), np.nan)
    a, b = (part - np.nanmean(part, axis=1, keepdims=True) for part in (mean, np.where(known, prediction, np.nan)))
    number = known.sum(axis=1)
    variance, noise = np.nansum(a**2, axis=1) / (number - 1), np.nanmean(within, axis=1)
    power = variance - np.nanmean(within / some, axis=1)
    squared = np.where(known, q - 2 * prediction * s + n * prediction**2, 0).sum(axis=1) / np.where(known, n, 0).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cc = np.nansum(a * b, axis=1) / np.sqrt(np.nansum(a**2, axis=1) * np.nansum(b**2, axis=1))
        cc_norm = np.where(power > 0, cc / np.sqrt(np.maximum(power, 0) / variance), np.nan)
        feve = np.where(power > 0, 1 - (squared - noise) / power, np.nan)
    return {"cc": cc, "cc_norm": cc_norm, "feve": feve}
