"""Response of each indicator to spikes and bursts in single cells, for the simulator.

    PYTHONPATH=workflow/src python measurements/indicator_response.py <folder with recordings.parquet, traces.parquet,
    spikes.parquet>

Prints, per indicator, what stands in the columns peak to spread of resources/indicators.tsv, the misfit, and the
response of one spike beside that of others. Excitatory neurons of mouse cortex and hippocampus.

- peak_time, half_decay: of a difference of exponentials fitted to the average of dF/F over all isolated spikes, each
  sample at its own time (no bins, no smoothing). peak_time is at least FASTEST, the precision of the alignment.
- hill, resting, half: curve g of `Indicator` through the mean dF/F after isolated bursts, by their number of spikes.
  Each neuron has an amplitude of its own; the deviation of a mean is its noise and SCATTER of the response. Posterior
  mode; wide priors keep what the bursts do not tell (saturation, mostly) at plausible values.
- peak: median of the amplitudes over neurons; spread: SD of their logarithm within data sets, noise removed.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import least_squares, minimize

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.indicators import Indicator, indicators, rise_constant

BEFORE = 0.3
"""s of baseline."""
LONGEST = 0.5
"""s from the first to the last spike of a burst."""
FASTEST = 0.01
SCATTER = 0.3
NARROWEST = 1.68
"""half_decay over peak_time that a difference of exponentials cannot go below."""
LINEAR = ("OGB-1", "Cal-520")
"""Synthetic dyes bind one calcium ion (hill = 1); then only resting + half is seen, and resting is 0.3 half (OGB-1:
50 nM at rest, dissociation constant 170 nM)."""
SIZES = np.array([1, 2, 3, 4, 6, 9, 13, 20])
"""Spikes from which a class of bursts starts."""
PUBLISHED = {
    "GCaMP6f": (0.064, 70, 180),
    "GCaMP6s": (0.19, 210, 410),
    "jGCaMP7f": (0.19, 30, 110),
    "jGCaMP8f": (0.28, 10, 50),
    "jGCaMP8m": (0.64, 10, 60),
    "jGCaMP8s": (0.92, 20, 150),
}
"""Mean peak dF/F, ms to the peak, ms from peak to half: isolated spikes in mouse V1. Times of averages in bins of 20 ms
are coarse: the fit to single samples peaks earlier on a flat top (GCaMP6f), and its cells are those given here, not
all of the database (GCaMP6s: 0.11 in the median cell, 0.13 as mean)."""


@dataclass(frozen=True)
class Burst:
    """Spikes with none near them, and the dF/F that follows."""

    neuron: str
    dataset: str
    spikes: FloatArray
    """s, from the first."""
    time: FloatArray
    """s, of the samples from the first spike on."""
    dff: FloatArray
    """Above the mean before the first spike."""
    noise: float
    """SD of a sample."""
    baseline: int
    """Samples before the first spike."""


def bursts(row: dict, quiet: float, after: float) -> Iterator[Burst]:
    """Bursts of one recording with no spike for `quiet` s before and `after` s behind them."""
    time, dff, spikes = row["time_us"].to_numpy() * 1e-6, row["dff"].to_numpy(), row["spike_time"].to_numpy()
    gaps = np.diff(np.concatenate([[-np.inf], spikes, [np.inf]]))
    for first in np.flatnonzero(gaps[:-1] > quiet):
        last = np.searchsorted(spikes, spikes[first] + LONGEST, side="right") - 1
        if gaps[last + 1] <= after:
            continue
        part = slice(*np.searchsorted(time, [spikes[first] - BEFORE, spikes[last] + after]))
        lag, value = time[part] - spikes[first], dff[part].astype(float)
        before = lag < 0
        whole = len(lag) > 4 and np.isfinite(value).all() and np.diff(lag).max() < 2.5 / row["frame_rate"]
        if whole and 2 < before.sum() < len(lag) - 1:
            own = spikes[first : last + 1] - spikes[first]
            above = value[~before] - value[before].mean()
            noise = float(value[before].std(ddof=1))
            neuron = f"{row['dataset']} {row['neuron']}"
            yield Burst(neuron, row["dataset"], own, lag[~before], above, noise, int(before.sum()))


def single_spike(found: list[Burst], known: Indicator) -> tuple[float, float]:
    """peak_time and half_decay, s, of the average response to one spike."""
    time = np.concatenate([burst.time for burst in found])
    dff = np.concatenate([burst.dff for burst in found])
    order = np.argsort(time)
    # Means of a few dozen neighbouring samples say the same and cost less.
    parts = np.array_split(order, max(20, len(order) // 40))
    weight = np.sqrt([len(part) for part in parts])
    time, dff = (np.array([values[part].mean() for part in parts]) for values in (time, dff))

    def response(x: FloatArray) -> tuple[float, float]:
        peak_time = float(np.exp(x[0]))
        return peak_time, peak_time * (NARROWEST + float(np.exp(x[1])))

    def misfit(x: FloatArray) -> FloatArray:
        return weight * (x[2] * shaped(known, *response(x)).kernel(time) - dff)

    start = [np.log(known.peak_time), 1.0, dff.max()]
    bounds = ([np.log(FASTEST), -5, 0], [np.log(0.4), 6, 10])
    return response(least_squares(misfit, np.clip(start, *bounds), bounds=bounds).x)


def shaped(known: Indicator, peak_time: float, half_decay: float, hill=1.0, resting=0.0, half=1e6) -> Indicator:
    """The indicator with another response; by default a linear one."""
    return known.model_copy(
        update={"peak_time": peak_time, "half_decay": half_decay, "hill": hill, "resting": resting, "half": half}
    )


@dataclass(frozen=True)
class Means:
    """Bursts averaged by neuron and class of size; one entry per class unless said."""

    delay: FloatArray
    """(pairs,) s from each spike to each sample."""
    sample: IntArray
    """(pairs,) which sample."""
    burst: IntArray
    """(samples,) which burst."""
    group: IntArray
    """(bursts,) which class of which neuron."""
    neuron: IntArray
    size: IntArray
    count: IntArray
    response: FloatArray
    """Mean dF/F after the first spike."""
    variance: FloatArray
    """Of the response, from noise alone."""

    @classmethod
    def of(cls, found: list[Burst]) -> "Means":
        names = sorted({burst.neuron for burst in found})
        neuron = np.array([names.index(burst.neuron) for burst in found])
        size = np.searchsorted(SIZES, [len(burst.spikes) for burst in found], side="right") - 1
        classes, group, count = np.unique(neuron * len(SIZES) + size, return_inverse=True, return_counts=True)
        response = np.bincount(group, [burst.dff.mean() for burst in found]) / count
        noise = [burst.noise**2 * (1 / burst.baseline + 1 / len(burst.dff)) for burst in found]
        delays = [(burst.time[:, None] - burst.spikes).ravel() for burst in found]
        samples = np.repeat(np.arange(len(found)), [len(burst.time) for burst in found])
        spikes = np.array([len(burst.spikes) for burst in found])[samples]
        quiet = np.array([np.median(np.array(noise)[neuron == k]) for k in range(len(names))])
        owner = classes // len(SIZES)
        pairs = np.repeat(np.arange(len(samples)), spikes)
        of_class = (owner, classes % len(SIZES), count, response, quiet[owner] / count)
        return cls(np.concatenate(delays), pairs, samples, group, *of_class)

    def predicted(self, indicator: Indicator) -> FloatArray:
        """Mean of g after each class of bursts."""
        load = np.bincount(self.sample, indicator.kernel(self.delay))
        of_burst = np.bincount(self.burst, indicator.saturate(load.astype(float))) / np.bincount(self.burst)
        return np.bincount(self.group, of_burst) / self.count

    def amplitudes(self, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Amplitude of each neuron, and the variance of each mean about it."""
        variance = self.variance
        amplitude = np.zeros(0)
        for _ in range(5):
            weighted = np.bincount(self.neuron, self.response * predicted / variance)
            amplitude = weighted / np.bincount(self.neuron, predicted**2 / variance)
            variance = self.variance + (SCATTER * amplitude[self.neuron] * predicted) ** 2
        return amplitude, variance

    def surprise(self, indicator: Indicator) -> float:
        """Negative log-likelihood, Student-t with 4 degrees of freedom."""
        predicted = self.predicted(indicator)
        amplitude, variance = self.amplitudes(predicted)
        deviation = (self.response - amplitude[self.neuron] * predicted) ** 2 / variance
        return float((2.5 * np.log1p(deviation / 4) + 0.5 * np.log(variance)).sum())


def curve(means: Means, known: Indicator, peak_time: float, half_decay: float) -> Indicator:
    """hill, resting and half that make the bursts most likely."""
    linear = known.name in LINEAR

    def candidate(x: FloatArray) -> Indicator:
        hill, resting, half = np.clip(x[0], 1, 4), np.exp(np.clip(x[1], -3, 4)), np.exp(np.clip(x[2], 0, 6))
        return shaped(known, peak_time, half_decay, *((1.0, 0.3 * half, half) if linear else (hill, resting, half)))

    def objective(x: FloatArray) -> float:
        # hill of purified GCaMPs: 2.3 ± 0.7; resting and half within a factor of 150.
        prior = 0.5 * ((x[0] - 2.3) / 0.7) ** 2 + 0.5 * ((x[1] - 1) / 5) ** 2 + 0.5 * ((x[2] - 3) / 5) ** 2
        return means.surprise(candidate(x)) + prior

    options = {"maxiter": 250, "xatol": 0.01, "fatol": 0.01}
    fits = [minimize(objective, start, method="Nelder-Mead", options=options) for start in ((2, 0, 3), (2.5, 1, 2.5))]
    return candidate(min(fits, key=lambda fit: fit.fun).x)


def spread(means: Means, indicator: Indicator, datasets: list[str]) -> tuple[float, float, int]:
    """Median amplitude, SD of its logarithm within data sets without the part that is noise, neurons."""
    predicted = means.predicted(indicator)
    amplitude, variance = means.amplitudes(predicted)
    error = 1 / np.sqrt(np.bincount(means.neuron, predicted**2 / variance))
    sure = amplitude > 3 * error
    logarithm = np.log(amplitude[sure])
    _, own = np.unique(np.array(datasets)[sure], return_inverse=True)
    centered = logarithm - (np.bincount(own, logarithm) / np.bincount(own))[own]
    freedom = max(sure.sum() - own.max() - 1, 1)
    excess = (centered**2).sum() / freedom - np.mean((error[sure] / amplitude[sure]) ** 2)
    return float(np.median(amplitude)), float(np.sqrt(max(excess, 0))), len(amplitude)


def report(found: list[Burst], singles: list[Burst], known: Indicator) -> None:
    """Fit one indicator and print it."""
    many = [burst.neuron for burst in found]
    found = [burst for burst in found if many.count(burst.neuron) >= 3]
    peak_time, half_decay = single_spike(singles, known)
    means = Means.of(found)
    fitted = curve(means, known, peak_time, half_decay)
    datasets = dict(sorted((burst.neuron, burst.dataset) for burst in found))
    peak, sd, neurons = spread(means, fitted, list(datasets.values()))
    print(
        f"{known.name:11s} peak {peak:.3f}  peak_time {peak_time:.3f}  half_decay {half_decay:.3f}"
        f"  hill {fitted.hill:.2f}  resting {fitted.resting:.2f}  half {fitted.half:.1f}  spread {sd:.2f}"
        f"  ({neurons} neurons, {len(singles)} spikes, {sum(len(burst.spikes) > 1 for burst in found)} bursts)"
    )
    predicted = means.predicted(fitted)
    amplitude, _ = means.amplitudes(predicted)
    linear = shaped(known, peak_time, half_decay)
    gain = means.surprise(linear) - means.surprise(fitted)
    print(f"    mean response over the cell's amplitude, measured / fitted; log-likelihood above a line {gain:.1f}")
    positive = amplitude[means.neuron] > 0
    for k, size in enumerate(SIZES):
        chosen = positive & (means.size == k)
        if chosen.sum() >= 3:
            seen = np.median(means.response[chosen] / amplitude[means.neuron[chosen]])
            told = np.median(predicted[chosen])
            misfit = f"{seen:6.2f} / {told:6.2f}  misfit {seen / told - 1:+.0%}"
            print(f"    {size:2d}+ spikes {misfit}  ({chosen.sum()} neurons)")


def compare() -> None:
    """One spike of every indicator as the simulator makes it, beside what inference is told and published means."""
    print("\nOne spike: dF/F, ms to the peak, ms from peak to half. Mean over simulated cells, what inference is told,")
    print("published means (* where the simulated one is off by more than a third)")
    for known in indicators().values():
        simulated = known.peak * np.exp(known.spread**2 / 2), 1000 * known.peak_time, 1000 * known.half_decay
        told = known.amplitude, 1000 * known.rise_time, 1000 * half_decay_told(known)
        shown = "   ".join("{:5.3f} {:4.0f} {:4.0f}".format(*values) for values in (simulated, told))
        pairs = zip(simulated, PUBLISHED.get(known.name, ()), strict=False)
        marks = " ".join(f"{there:g}{'' if abs(here / there - 1) < 1 / 3 else '*'}" for here, there in pairs)
        print(f"{known.name:11s} {shown}   {marks}")


def half_decay_told(known: Indicator) -> float:
    """s from the peak to its half, of the response that spike inference is told."""
    time = np.arange(0, 5, 0.001)
    response = np.exp(-time / known.decay_time) - np.exp(-time / rise_constant(known.rise_time, known.decay_time))
    return float(time[response > response.max() / 2][-1] - known.rise_time)


def main(folder: Path) -> None:
    key = ["dataset", "neuron", "recording"]
    recordings = pl.read_parquet(folder / "recordings.parquet").filter(
        "plausible",
        pl.col("frame_rate") > 5,
        pl.col("species") == "mouse",
        pl.col("cell_class") == "excitatory",
        pl.col("area") != "spinal cord",
    )
    tables = [pl.read_parquet(folder / f"{name}.parquet") for name in ("traces", "spikes")]
    rows = recordings.join(tables[0], on=key).join(tables[1], on=key).sort(key)
    for known in indicators().values():
        found: list[Burst] = []
        singles: list[Burst] = []
        for number in np.flatnonzero(rows["indicator"] == known.name):
            row = {name: rows[name][int(number)] for name in rows.columns}
            quiet = max(1.0, 4 * known.decay_time)
            found += bursts(row, quiet, known.rise_time + known.decay_time)
            singles += [b for b in bursts(row, quiet, 3 * known.decay_time) if len(b.spikes) == 1]
        if len({burst.neuron for burst in found}) >= 5:
            report(found, singles, known)
    compare()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
