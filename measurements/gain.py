"""What the gain of each neuron would be worth to the number of spikes in a second, and whether its trace tells it.

    PYTHONPATH=workflow/src python measurements/gain.py results/network/assessed results/ground_truth.parquet

Reads what `snakemake -- train` makes: recordings at 30 Hz, indicator and class told, each predicted by a network that
has not seen its data set. The calibration of counts is fitted on five folds for the sixth, and its intervals are not
stretched. Predicted counts are multiplied by

- the gain Σ true / Σ predicted of the neuron at that ν, of the recording, or of the neuron's other recordings,
- what the amplitude of a spike tells of it: measured with the electrode (the slope of dF/F on that of the indicator's
  binding curve), or estimated from the trace: the posterior given the sizes of isolated rises, which are noise or 1 to
  LARGEST spikes through that curve, in unknown shares.

Prints CRPS over that of a Poisson distribution at the unchanged count, coverage and width of the 90 % interval; and how
far estimated amplitudes go with true ones, and either with the gain.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from intervals import EDGES, EVERY, family
from scipy.ndimage import uniform_filter1d
from scipy.special import gammaincc, ndtr

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.recordings import read_recordings, sample
from groundtrace.indicators import SimulatedIndicator, indicators
from groundtrace.io import read_table
from groundtrace.random import stream
from groundtrace.spikes.counts import ranked_probability_score
from groundtrace.spikes.network.expected import CountCalibration
from groundtrace.spikes.network.features import unit_response
from groundtrace.traces.noise import noise_sd
from groundtrace.training.calibration import Examples, fit_counts

RATE = 30.0
LEVELS = (1.0, 2.0, 4.0, 8.0)
CLEAR, LARGEST = 3.0, 16
"""A rise counts from so many SD of the noise on, and as that of so many spikes at most."""
PRIOR, SCATTER = 0.45, 0.2
"""SD of the logarithm of amplitudes over neurons; scatter of rises of one neuron, over their size."""
GRID = np.linspace(-1.8, 1.8, 73)
"""Logarithm of the amplitude over that of the indicator's median cell."""
SHARES, DECAYS = np.array((0.01, 0.1, 0.3, 0.5, 0.7, 0.9)), np.array((0.2, 0.35, 0.5, 0.65, 0.8))
"""Share of rises that are noise; how many fewer rises there are with each further spike."""
TOLD, WIDEST = -0.6, 1.6
"""Logarithm of the gain per logarithm of the amplitude, the slope in GCaMP8; and the largest that is believed."""
KEY = ["dataset", "neuron", "recording", "noise_level"]
NEURON = ["dataset", "neuron", "noise_level"]


def predicted(folder: Path) -> pl.DataFrame:
    """Rows of Assessment at 30 Hz with their fold, class of recordings, and spikes predicted and true."""
    tables = [read_table(folder / f"offline-{k}.parquet").with_columns(fold=pl.lit(k)) for k in range(6)]
    rows = pl.concat(tables).filter(pl.col("told") & (pl.col("frame_rate") == RATE))
    names = [family(row) for row in rows.select("dataset", "cell_class").iter_rows(named=True)]
    sums = {"found": pl.col("mean").list.sum(), "true": pl.col("count").list.sum()}
    return rows.with_columns(**sums, family=pl.Series(names), part=pl.lit(0), distance=pl.lit(0.0))


def rises(y: FloatArray, indicator: SimulatedIndicator) -> tuple[FloatArray, float]:
    """Sizes of isolated rises of dF/F (n_frames,), and the SD of one from noise."""
    decay, rise = indicator.decay_time, max(indicator.rise_time, 0.008)
    before, after = round(0.25 * RATE), int(np.clip(round((rise + decay) * RATE) + 1, 4, 24))
    kernel = unit_response(round(decay, 4), round(rise, 4), RATE)[:after]
    kernel = np.concatenate([np.zeros(before), kernel, np.zeros(after - len(kernel))])
    weights = np.linalg.pinv(np.column_stack([kernel, np.ones(len(kernel))]))[0]
    size = np.correlate(y, weights, "valid")
    sd = float(noise_sd(y[None].astype(np.float32))[0]) * float(np.linalg.norm(weights))
    peaks = np.flatnonzero((size[1:-1] >= size[:-2]) & (size[1:-1] > size[2:]) & (size[1:-1] > CLEAR * sd)) + 1
    since, until = np.diff(peaks, prepend=-(10**9)), np.diff(peaks, append=10**9)
    alone = (since > max(before, round((rise + 2 * decay) * RATE))) & (until > after)
    return size[peaks[alone]], sd


def estimated(size: FloatArray, sd: float, indicator: SimulatedIndicator) -> tuple[float, float]:
    """Mean and SD of the logarithm of the amplitude over that of the median cell, given sizes of isolated rises."""
    made = np.exp(GRID)[:, None] * indicator.peak * indicator.saturate(np.arange(1.0, LARGEST + 1))
    # Peaks are chosen where noise is high.
    centre, spread, least = made + 0.3 * sd, np.hypot(sd, SCATTER * made), CLEAR * sd
    share = DECAYS[:, None] ** np.arange(LARGEST)
    share /= share.sum(axis=1, keepdims=True)
    size = size[:400, None]
    density = np.exp(-0.5 * ((size[..., None] - centre) / spread) ** 2) / spread / np.sqrt(2 * np.pi) @ share.T
    density /= ndtr((centre - least) / spread) @ share.T + 1e-6
    noise, any_size = (np.exp(-(size - least) / scale) / scale for scale in (0.3 * sd, 20 * sd))
    spikes = 0.97 * density + 0.03 * any_size[..., None]
    both = (1 - SHARES) * spikes[..., None] + SHARES * noise[..., None, None]
    log = np.log(both + 1e-300).sum(axis=0) - 0.5 * (GRID[:, None, None] / PRIOR) ** 2
    weight = np.exp(log - log.max()).sum(axis=(1, 2))
    weight /= weight.sum()
    mean = float(weight @ GRID)
    return mean, float(np.sqrt(weight @ (GRID - mean) ** 2))


def amplitude(y: FloatArray, spikes: FloatArray, indicator: SimulatedIndicator) -> float:
    """Logarithm of the amplitude over that of the median cell, from dF/F and spikes (n_frames,); NaN where none is."""
    time = np.arange(int(8 * indicator.decay_time * RATE) + 10) / RATE
    shown = indicator.saturate(np.convolve(spikes, indicator.kernel(time + 0.5 / RATE))[: len(spikes)])
    shown, y = (each - uniform_filter1d(each, round(10 * RATE), mode="nearest") for each in (shown, y))
    slope = float(shown @ y / max(shown @ shown, 1e-12)) / indicator.peak
    return float(np.clip(np.log(slope), -WIDEST, WIDEST)) if spikes.sum() >= 3 and slope > 0.02 else np.nan


def amplitudes(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Of each recording and ν: estimated amplitude and its SD, and the true one; logarithms."""
    wanted, found = set(rows.select(KEY).iter_rows()), []
    for recording in read_recordings(path):
        indicator = indicators().get(recording.indicator)
        for level in LEVELS:
            key = (recording.dataset, recording.neuron, recording.recording, level)
            if key not in wanted or not isinstance(indicator, SimulatedIndicator):
                continue
            random = stream(0, recording.dataset, recording.neuron, recording.recording, RATE, level)
            if (sampled := sample(recording, RATE, level, random)) is not None:
                y = np.asarray(sampled.dff, np.float64)
                found.append(
                    (*key, *estimated(*rises(y, indicator), indicator), amplitude(y, sampled.spikes, indicator))
                )
    return pl.DataFrame(found, schema=[*KEY, "estimate", "sd", "amplitude"], orient="row")


def seconds(fitted: CountCalibration, row: dict[str, Any]) -> pl.DataFrame:
    """One row for each second that is scored."""
    mean, dispersion, count = (np.asarray(row[name], float)[::EVERY] for name in ("mean", "dispersion", "count"))
    unchanged = np.maximum(mean / row["gain"], 1e-4)
    made = fitted.apply(mean, dispersion, np.asarray(row["features"]), row["cell_class"])
    values = {
        "crps": made.crps(count),
        "poisson": ranked_probability_score(lambda n: gammaincc(n + 1, unchanged[:, None]), count),
        "covered": made.coverage(count, 0.9),
        "width": np.ptp(made.interval(0.9), axis=0),
        "bin": np.digitize(unchanged, EDGES),
    }
    return pl.DataFrame(values).with_columns(dataset=pl.lit(row["dataset"]), family=pl.lit(row["family"]))


def score(title: str, rows: pl.DataFrame, gain: pl.Expr) -> None:
    """Print what counts of other folds are worth when predictions are multiplied by `gain`."""
    moved = rows.with_columns(gain=gain.cast(pl.Float32)).with_columns(mean=pl.col("mean") * pl.col("gain"))
    scored = []
    for k in range(6):
        fitted = fit_counts(Examples.seconds(moved.filter(pl.col("fold") != k)))
        scored += [seconds(fitted, row) for row in moved.filter(pl.col("fold") == k).iter_rows(named=True)]
    everything = pl.concat(scored)
    ratio = pl.col("crps").mean() / pl.col("poisson").mean()
    sets = everything.group_by("dataset", "family").agg(ratio, pl.col("covered").mean())
    wide = everything.filter((pl.col("family") == "GCaMP8") & (pl.col("bin") == 3))["width"].median()
    families = sets.group_by("family").agg(pl.col("crps").mean()).sort("family").iter_rows()
    each = ", ".join(f"{name} {value:.2f}" for name, value in families)
    below = f"{(sets['crps'] < 1).sum()} of {len(sets)}"
    print(
        f"| {title} | {sets['crps'].mean():.3f} | {below} | {each} | {sets['covered'].mean():.0%} | {wide} |",
        flush=True,
    )


def correlations(rows: pl.DataFrame) -> None:
    """Print per class and ν how estimated and true amplitudes and log gains of neurons go together."""
    sums, means = pl.col("found", "true").sum(), pl.col("estimate", "amplitude").mean()
    neurons = rows.filter(pl.col("amplitude").is_finite()).group_by(*NEURON, "family").agg(sums, means)
    neurons = neurons.filter(pl.col("true") >= 5).with_columns(gain=(pl.col("true") / pl.col("found")).log())
    print("\n| class | ν | neurons | SD of log gain | r: estimated, true amplitude | true, gain | estimated, gain |")
    for (name, level), own in sorted(neurons.group_by("family", "noise_level")):
        pairs = ("estimate", "amplitude"), ("amplitude", "gain"), ("estimate", "gain")
        r = " | ".join(f"{np.corrcoef(own[a], own[b])[0, 1]:.2f}" for a, b in pairs)
        print(f"| {name} | {level:g} | {len(own)} | {own['gain'].std():.2f} | {r} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assessed", type=Path, help="folder of offline-*.parquet")
    parser.add_argument("ground_truth", type=Path, help="table of ground truth")
    given = parser.parse_args()
    rows = predicted(given.assessed)
    rows = rows.join(amplitudes(given.ground_truth, rows), on=KEY, how="left", maintain_order="left")
    correlations(rows)
    found, true = (pl.col(name).sum().over(NEURON) for name in ("found", "true"))
    size = pl.col("amplitude").fill_nan(None).mean().over("dataset", "neuron").fill_null(0)
    gains = {
        "as it is": pl.lit(1.0),
        "gain of the neuron": (true + 0.5) / (found + 0.5),
        "gain of the recording": (pl.col("true") + 0.5) / (pl.col("found") + 0.5),
        "true amplitude": (TOLD * size).exp(),
        "estimated amplitude": (TOLD * pl.col("estimate").fill_null(0)).exp(),
    }
    print("\n| counts times | CRPS / Poisson's | below 1 | by class | covers | width, GCaMP8, 3 to 10 |")
    for title, gain in gains.items():
        score(title, rows, gain)
    several = rows.filter(pl.len().over(NEURON) > 1)
    others = (true - pl.col("true") + 0.5) / (found - pl.col("found") + 0.5)
    score("as it is, neurons of several recordings", several, pl.lit(1.0))
    score("gain of their other recordings", several, others)


if __name__ == "__main__":
    main()
