"""What the benchmark measures: pure functions on arrays, one neuron at a time.

Rates and truth are (n_frames,) in Hz on one frame grid. p is the predicted and g the true rate, both smoothed by the
same Gaussian. Sums over recordings of a neuron are over the recordings laid end to end.
"""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.special import gammaincc

from groundtrace.arrays import FloatArray
from groundtrace.spikes.comparing import correlation
from groundtrace.spikes.counts import CountDistribution, ranked_probability_score

SPIKEFINDER_BIN = 0.04
"""s; 25 Hz."""
PRECISION = 0.1
"""Time scale of the spike-time distances, s: time constant of van Rossum's kernel, and what moving a spike costs 1."""
STRETCH = 20.0
"""Spike-time distances are summed over stretches of this length, s: their cost grows with the square of the spikes."""


def error(p: FloatArray, g: FloatArray) -> float:
    """Σ|p - g| / Σg: spikes put in the wrong place, added or lost, per true spike (Rupprecht et al. 2021).

    1 for a prediction of no spikes at all; NaN without true spikes.
    """
    return _per_spike(np.abs(p - g).sum(), g)


def bias(p: FloatArray, g: FloatArray) -> float:
    """Σ(p - g) / Σg: spikes too many per true spike (Rupprecht et al. 2021); -1 for no spikes at all."""
    return _per_spike((p - g).sum(), g)


def count_ratio(p: FloatArray, g: FloatArray) -> float:
    """Σp / Σg; 0 for a prediction of no spikes at all."""
    return _per_spike(p.sum(), g)


def _per_spike(total: float, g: FloatArray) -> float:
    spikes = g.sum()
    return float(total / spikes) if spikes > 0 else float("nan")


def spikefinder_bins(
    rate: FloatArray, time: FloatArray, frame_rate: float, spike_time: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Predicted and true spikes in bins of 40 ms; their `correlation` is the metric of the Spikefinder challenge.

    time: (n_frames,) s, the middle of each frame; the rate is taken as constant within a frame, so a frame that a bin
    cuts gives each part its share (Berens et al. 2018, whose data lie on a grid of 10 ms).
    """
    edges = time[0] - 0.5 / frame_rate + np.arange(len(time) + 1) / frame_rate
    bins = edges[0] + SPIKEFINDER_BIN * np.arange(int((edges[-1] - edges[0]) / SPIKEFINDER_BIN + 1e-6) + 1)
    expected = np.concatenate([[0.0], np.cumsum(rate, dtype=np.float64)]) / frame_rate
    return np.diff(np.interp(bins, edges, expected)), np.histogram(spike_time, bins)[0].astype(np.float64)


def spike_distances(predicted: FloatArray, true: FloatArray, start: float, stop: float) -> tuple[float, float]:
    """Victor and Purpura's distance, and the square of van Rossum's, of two sorted spike trains (s) in [start, stop).

    Summed over stretches of STRETCH; divide by the spikes of both trains together to have 0 for equal trains and 1
    for isolated spikes of which none has a partner. Victor and Purpura (1996): each spike added or deleted costs 1,
    moving one by t costs t / PRECISION. Van Rossum (2001): the integral of the squared difference of both trains
    filtered by a decaying exponential, scaled to 1 for a single spike.
    """
    import quantities as units
    from elephant.spike_train_dissimilarity import van_rossum_distance, victor_purpura_distance
    from neo import SpikeTrain

    purpura = rossum = 0.0
    for first in np.arange(start, stop, STRETCH):
        last = min(first + STRETCH, stop)
        pair = [train[(train >= first) & (train < last)] - first for train in (predicted, true)]
        if any(map(len, pair)):
            trains = [SpikeTrain(times, t_stop=last - first, units="s") for times in pair]
            purpura += float(victor_purpura_distance(trains, cost_factor=1 / PRECISION / units.s)[0, 1])
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "van_rossum_distance: very small negative")  # of equal trains
                rossum += float(van_rossum_distance(trains, time_constant=PRECISION * units.s)[0, 1]) ** 2
    return purpura, rossum


LEVELS = (50, 80, 90, 95)
"""Of intervals of spike counts, %."""


def count_scores(
    made: CountDistribution, counts: FloatArray, expected: FloatArray, climate: FloatArray
) -> dict[str, FloatArray]:
    """Scores (n_windows,) of the predictive distribution of each window's spikes.

    coverage: share of the count inside the central interval of a level. width: of that interval, spikes. interval: its
    interval score (Gneiting & Raftery 2007), spikes. crps: continuous ranked probability score, spikes; also of a
    Poisson distribution with the mean `expected`, and of the distribution of `climate`, all counts of the neuron.
    """
    found: dict[str, FloatArray] = {"crps": made.crps(counts)}
    for level in LEVELS:
        low, high = made.interval(level / 100)
        outside = np.maximum(low - counts, 0) + np.maximum(counts - high, 0)
        found[f"coverage_{level}"] = made.coverage(counts, level / 100)
        found[f"width_{level}"] = high - low
        found[f"interval_score_{level}"] = high - low + 2 / (1 - level / 100) * outside
    ordered = np.sort(climate)
    found["crps_poisson"] = ranked_probability_score(
        lambda n: gammaincc(n + 1, np.maximum(expected, 1e-4)[:, None]), counts
    )
    found["crps_climatology"] = ranked_probability_score(
        lambda n: np.searchsorted(ordered, n, side="right") / len(ordered), counts
    )
    return found


def bootstrap(
    values: FloatArray,
    groups: np.ndarray,
    generator: np.random.Generator,
    draws: int,
    statistic: Callable[[FloatArray], float] = np.median,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval of `statistic` over new data sets and new neurons: both are drawn anew, data sets first.

    values, groups: (n_neurons,), one value per neuron and the data set it is from. Neurons of one data set share
    their preparation, so drawing neurons alone would promise too much.
    """
    parts = [values[groups == group] for group in np.unique(groups)]
    if not parts:
        return float("nan"), float("nan")
    found = np.empty(draws)
    for draw in range(draws):
        chosen = generator.integers(len(parts), size=len(parts))
        again = [parts[k][generator.integers(len(parts[k]), size=len(parts[k]))] for k in chosen]
        found[draw] = statistic(np.concatenate(again))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def pairwise_correlations(traces: FloatArray, frame_rate: float, bin_width: float = 1.0) -> FloatArray:
    """Pearson correlations (n_rois, n_rois) of `traces` (n_rois, n_frames) averaged over bins of `bin_width` s.

    NaN where a trace does not vary.
    """
    size = max(round(bin_width * frame_rate), 1)
    bins = traces.shape[1] // size
    binned = traces[:, : bins * size].reshape(len(traces), bins, size).mean(axis=2, dtype=np.float64)
    binned -= binned.mean(axis=1, keepdims=True)
    norm = np.sqrt((binned**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(norm[:, None] > 1e-12, binned / norm[:, None], np.nan)
    return unit @ unit.T


def pairwise_fidelity(found: FloatArray, true: FloatArray) -> tuple[float, float]:
    """How well the correlations of pairs (n_rois, n_rois) are kept: Pearson r with the true ones, and the slope.

    The slope is that of found on true by least squares: 1 keeps differences between pairs, 0 loses them. A pair
    without a found correlation counts as 0: the method saw nothing in common.
    """
    pairs = np.triu(np.ones_like(true, bool), 1) & np.isfinite(true)
    x, y = true[pairs], np.nan_to_num(found[pairs])
    r = correlation(y, x)
    return r, float(r * y.std() / x.std()) if np.isfinite(r) else float("nan")
