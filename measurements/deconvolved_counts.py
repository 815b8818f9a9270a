"""How many spikes `oasis` and `convex` count, per indicator, and how their two constants were chosen.

    PYTHONPATH=workflow/src python measurements/deconvolved_counts.py results/ground_truth.parquet

Up to NEURONS excitatory neurons of each data set that was imaged at 15 Hz or more, recordings until 150 s are
reached, at 30 Hz and ν = 1, 2 and 4, by OASIS. CLEAR and SMALLEST (`spikes/autoregressive.py`) are chosen anew without
each data set: those of GRID with the least mean |log(inferred / true)|, medians over neurons of each data set and ν.
Prints per indicator the median ratio over neurons with 3 spikes or more, with events over amplitude (as before), with
the constants of each data set left out, and as shipped; of `convex` on CONVEX neurons of each indicator; and the
constants chosen.
"""

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.groundtruth.recordings import Recording, Sampled, read_recordings, sample
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.spikes import autoregressive
from groundtrace.spikes.convex import Convex
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import overall_noise_sd

NEURONS, CONVEX = 14, 4
SECONDS = 150.0
RATE = 30.0
LEVELS = (1.0, 2.0, 4.0)
GRID = tuple(product((0.5, 1.0, 1.5, 2.0), (0.0, 0.25, 0.5, 0.75, 1.0)))
"""CLEAR and SMALLEST."""
FEWEST = 3
"""Spikes of a neuron."""


def chosen(path: Path) -> list[Recording]:
    """Recordings of some neurons of each data set, cut to SECONDS, until a neuron has as much."""
    used: dict[str, dict[str, float]] = {}
    found = []
    for recording in read_recordings(path, plausible=True):
        seconds = used.setdefault(recording.dataset, {})
        wanted = recording.neuron in seconds or len(seconds) < NEURONS
        excitatory = recording.cell_class in ("excitatory", "")
        if not (wanted and excitatory and recording.frame_rate >= 15 and recording.indicator in indicators()):
            continue
        if seconds.setdefault(recording.neuron, 0.0) < SECONDS:
            inside = recording.time < recording.time[0] + SECONDS
            found.append(replace(recording, time=recording.time[inside], dff=recording.dff[inside]))
            seconds[recording.neuron] += float(np.ptp(found[-1].time))
    return found


def counts(sampled: Sampled) -> dict[str, float]:
    """Spikes inferred by OASIS as it was, and with each of GRID."""
    indicator, backend = indicators()[sampled.recording.indicator], Oasis()
    response, trace = backend.response(RATE, indicator), sampled.dff.astype(np.float64)
    events, _ = backend.deconvolve(trace, response)
    noise, found = overall_noise_sd(trace), {"before": float(events.sum()) * response.peak / indicator.amplitude}
    for autoregressive.CLEAR, autoregressive.SMALLEST in GRID:
        scale = autoregressive.spikes_per_event(events, response, indicator, noise)
        found[f"{autoregressive.CLEAR:g} {autoregressive.SMALLEST:g}"] = scale * float(events.sum())
    autoregressive.CLEAR, autoregressive.SMALLEST = shipped
    return found


shipped = autoregressive.CLEAR, autoregressive.SMALLEST


def ratios(recordings: list[Recording]) -> pl.DataFrame:
    """One row for each neuron, ν and variant: log(inferred / true)."""
    rows = []
    for recording, level in product(recordings, LEVELS):
        random = stream(0, recording.dataset, recording.neuron, recording.recording, RATE, level)
        sampled = sample(recording, RATE, level, random)
        if sampled is not None and len(sampled.dff) >= 10 * RATE:
            own = {"dataset": recording.dataset, "neuron": recording.neuron, "indicator": recording.indicator}
            own |= {"level": level, "true": float(sampled.spikes.sum())}
            rows += [own | {"variant": name, "count": count} for name, count in counts(sampled).items()]
    whole = pl.DataFrame(rows).group_by("dataset", "neuron", "indicator", "level", "variant", maintain_order=True)
    table = whole.agg(pl.col("true", "count").sum()).filter(pl.col("true") >= FEWEST)
    return table.with_columns(error=(pl.max_horizontal("count", pl.col("true") / 100) / pl.col("true")).log())


def best(table: pl.DataFrame) -> str:
    """The variant of GRID with the least error over data sets."""
    medians = table.filter(pl.col("variant") != "before").group_by("dataset", "level", "variant")
    errors = medians.agg(pl.col("error").median()).group_by("variant").agg(pl.col("error").abs().mean())
    return errors.sort("error", "variant")["variant"][0]


def per_indicator(table: pl.DataFrame, name: str) -> pl.DataFrame:
    medians = table.group_by("indicator", "level").agg(pl.col("error").median().exp().alias(name), pl.len().alias("n"))
    return medians if name == "before" else medians.drop("n")


def convex(recordings: list[Recording]) -> None:
    for name in sorted({recording.indicator for recording in recordings}):
        rows = []
        for recording in [each for each in recordings if each.indicator == name][:CONVEX]:
            random = stream(0, recording.dataset, recording.neuron, recording.recording, RATE, 2.0)
            short = replace(recording, time=recording.time[:1800], dff=recording.dff[:1800])
            sampled = sample(short, RATE, 2.0, random)
            if sampled is not None and sampled.spikes.sum() >= FEWEST:
                dff = sampled.dff[None].astype(np.float32)
                found = [backend.run(dff, RATE, indicators()[name]).rate.sum() for backend in (Convex(), Oasis())]
                rows.append(np.array(found) / RATE / sampled.spikes.sum())
        if rows:
            print(f"| {name} | {len(rows)} | " + " | ".join(f"{ratio:.2f}" for ratio in np.median(rows, axis=0)) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground_truth", type=Path)
    recordings = chosen(parser.parse_args().ground_truth)
    table = ratios(recordings)
    left_out, names = [], []
    for dataset in table["dataset"].unique().sort():
        names.append(best(table.filter(pl.col("dataset") != dataset)))
        left_out.append(table.filter(pl.col("dataset") == dataset, pl.col("variant") == names[-1]))
    print(f"shipped: {shipped}; best on all: {best(table)}; chosen without one data set: {sorted(set(names))}")
    own = table.filter(pl.col("variant") == f"{shipped[0]:g} {shipped[1]:g}")
    shown = per_indicator(table.filter(pl.col("variant") == "before"), "before")
    for name, rows in (("left out", pl.concat(left_out)), ("shipped", own)):
        shown = shown.join(per_indicator(rows, name), on=["indicator", "level"])
    print("| indicator | ν | neurons | before | left out | shipped |")
    for row in shown.sort("indicator", "level").iter_rows(named=True):
        values = " | ".join(f"{row[name]:.2f}" for name in ("before", "left out", "shipped"))
        print(f"| {row['indicator']} | {row['level']:g} | {row['n']} | {values} |")
    print("convex and oasis at ν = 2, 60 s:")
    convex(recordings)


if __name__ == "__main__":
    main()
