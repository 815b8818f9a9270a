"""How the spike network stands against CASCADE and OASIS, data set by data set.

    python measurements/spike_targets.py results/benchmark/spikes.parquet results/ground_truth.parquet

Reads the table of `snakemake benchmark`, in which every network has been scored on data sets it has not seen and
CASCADE on those it was trained on. OASIS gets more than any user has: of its decay times (0.5 to 2.5 times the
table's) and lags (-2 to 8 frames), the pair that is best on the very neurons it is scored on, per indicator, on the
same traces. Prints medians over neurons of each excitatory data set, then over data sets; count ratios per indicator;
coverage of the intervals.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter1d

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import Condition, draw, neurons
from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.indicators import indicators
from groundtrace.spikes.comparing import correlation, smooth, smoothing
from groundtrace.spikes.oasis import deconvolve_trace

CONDITIONS = ((30.0, 2.0), (30.0, 4.0), (30.0, 8.0), (7.5, 2.0), (60.0, 2.0))
DECAYS = (0.5, 0.75, 1.0, 1.5, 2.5)
LAGS = range(-2, 9)
UNKNOWN_DECAY = 0.4
"""s, for the one indicator without a table entry."""


def tuned_oasis(path: Path, frame_rate: float, level: float) -> dict[tuple[str, str], float]:
    """Correlation of each (dataset, neuron) with the decay and lag that are best for its indicator."""
    sigma = smoothing(frame_rate) * frame_rate
    by_indicator: dict[str, dict[tuple[str, str], np.ndarray]] = defaultdict(dict)
    recordings = read_recordings(path, plausible=True)
    for neuron in neurons(recordings, BenchmarkParameters()):
        samples, _ = draw(neuron, Condition(frame_rate, level), 0)
        if not samples or sum(s.spikes.sum() for s in samples) < 2:
            continue
        first = neuron.recordings[0]
        decay = neuron.indicator.decay_time if neuron.indicator else UNKNOWN_DECAY
        truth = np.concatenate([smooth(s.spikes, frame_rate) for s in samples])
        found = np.zeros((len(DECAYS), len(LAGS)))
        for i, factor in enumerate(DECAYS):
            events = [deconvolve_trace(s.dff, frame_rate, decay * factor)[0] for s in samples]
            for j, lag in enumerate(LAGS):
                moved = np.concatenate([gaussian_filter1d(np.roll(e, -lag), sigma) for e in events])
                found[i, j] = correlation(moved, truth)
        by_indicator[first.indicator][first.dataset, first.neuron] = found
    best = {}
    for members in by_indicator.values():
        medians = np.nanmedian(np.stack(list(members.values())), axis=0)
        at = np.unravel_index(np.argmax(medians), medians.shape)
        best |= {key: float(found[at]) for key, found in members.items()}
    return best


def by_dataset(values: dict[tuple[str, str], float]) -> dict[str, float]:
    groups: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), value in values.items():
        groups[dataset].append(value)
    return {name: float(np.nanmedian(group)) for name, group in groups.items()}


def scores(table: pl.DataFrame, backend: str, metric: str, **condition: object) -> dict[tuple[str, str], float]:
    rows = table.filter(
        (pl.col("backend") == backend) & (pl.col("metric") == metric) & pl.col("snr").is_null(),
        *(pl.col(name).eq_missing(pl.lit(value)) for name, value in condition.items()),
    )
    return {(row["dataset"], row["neuron"]): row["value"] for row in rows.iter_rows(named=True)}


def compare(table: pl.DataFrame, truth: Path, frame_rate: float, level: float, excitatory: set[str]) -> None:
    at = {"frame_rate": frame_rate, "noise_level": level, "lookahead": None, "indicator_told": True}
    found = {"network": by_dataset(scores(table, "network", "correlation", **at))}
    found["untold"] = by_dataset(scores(table, "network", "correlation", **(at | {"indicator_told": False})))
    # The better of its rates as given and smoothed once more.
    given = [by_dataset(scores(table, "cascade", name, **at)) for name in ("correlation", "correlation_as_given")]
    found["CASCADE"] = {name: max(each.get(name, -1) for each in given) for name in given[0]}
    found["OASIS tuned"] = by_dataset(tuned_oasis(truth, frame_rate, level))
    print(f"\n## {frame_rate:g} Hz, ν = {level:g}\n\n| data set | {' | '.join(found)} | network - best |")
    print("|---" * (len(found) + 2) + "|")
    ahead = []
    for name in sorted(found["network"]):
        values = [each.get(name, np.nan) for each in found.values()]
        difference = values[0] - np.nanmax(values[2:])
        if name in excitatory:
            ahead.append(difference)
        shown = " | ".join(f"{value:.3f}" for value in values)
        print(f"| {name}{'' if name in excitatory else ' (not counted)'} | {shown} | {difference:+.3f} |")
    medians = {
        key: np.nanmedian([v for name, v in each.items() if name in excitatory]) if each else np.nan
        for key, each in found.items()
    }
    print(f"\nMedian over {len(ahead)} excitatory data sets: " + ", ".join(f"{k} {v:.3f}" for k, v in medians.items()))
    print(
        f"network - best of each data set: median {np.median(ahead):+.3f}, worst {min(ahead):+.3f}; "
        f"below by more than 0.02 in {sum(a < -0.02 for a in ahead)}"
    )


def main(scored: Path, truth: Path) -> None:
    table = pl.read_parquet(scored).filter(pl.col("dataset") != "population")
    classes = table.filter(pl.col("backend") == "network").group_by("dataset").agg(pl.col("cell_class").first())
    excitatory = {
        row["dataset"]
        for row in classes.iter_rows(named=True)
        if row["cell_class"] == "excitatory" and not row["dataset"].startswith("X-")
    }
    for frame_rate, level in CONDITIONS:
        compare(table, truth, frame_rate, level, excitatory)
    centre = table.filter(
        (pl.col("frame_rate") == 30) & (pl.col("noise_level") == 2) & pl.col("lookahead").is_null(),
        pl.col("snr").is_null() & pl.col("indicator_told"),
    )
    excitatory_rows = centre.filter(pl.col("dataset").is_in(list(excitatory)))
    print("\n## Σ inferred / Σ true spikes, 30 Hz, ν = 2, excitatory, median over neurons\n")
    counts = excitatory_rows.filter(pl.col("metric") == "count_ratio", pl.col("indicator").is_in(list(indicators())))
    print(counts.pivot("backend", index="indicator", values="value", aggregate_function="median").sort("indicator"))
    print("\n## Coverage of the intervals of spikes in 1 s, mean over neurons of each data set\n")
    covered = centre.filter((pl.col("backend") == "network") & pl.col("metric").str.starts_with("coverage"))
    per_set = covered.pivot("metric", index="dataset", values="value", aggregate_function="mean").sort("dataset")
    print(per_set)
    print(per_set.select(pl.col("^coverage.*$").mean()), per_set.select(pl.col("^coverage.*$").min()))


if __name__ == "__main__":
    pl.Config.set_tbl_rows(100)
    pl.Config.set_tbl_cols(20)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
