"""What `network` infers of cells that do not fire.

    PYTHONPATH=workflow/src python measurements/silent_cells.py results/ground_truth.parquet

The longest stretch without a spike of up to NEURONS recordings of each data set, from 5 s after the last spike on, 30
to 120 s, at 30 Hz and ν = 1, 2 and 4, by the weights that have not seen the data set, indicator told and not. Prints,
in the median over stretches, the mean rate as the network has it and as it is shipped (`seen` in
`spikes/network/expected.py`), and both ends of its 90 % interval, in two halves of the data sets: DOUBTED was chosen
on both.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.groundtruth.recordings import Recording, read_recordings, sample
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.network.expected import from_dict
from groundtrace.spikes.network.features import Response
from groundtrace.spikes.network.inference import infer_trace
from groundtrace.spikes.network.model import load

NEURONS = 10
SHORTEST, LONGEST, AFTER = 30.0, 120.0, 5.0
RATE, LEVELS = 30.0, (1.0, 2.0, 4.0)


def silent(path: Path) -> Iterator[Recording]:
    """Stretches of recordings without any spike."""
    used: dict[str, set[str]] = {}
    for recording in read_recordings(path, plausible=True):
        names = used.setdefault(recording.dataset, set())
        if recording.frame_rate < RATE / 2 or recording.dataset.startswith("X-") or len(names) >= NEURONS:
            continue
        start, stop = recording.time[[0, -1]]
        spikes = recording.spike_time[(recording.spike_time > start - AFTER) & (recording.spike_time < stop)]
        ends = np.concatenate([[start - AFTER], spikes, [stop]])
        longest = int(np.argmax(np.diff(ends)))
        start, stop = ends[longest] + AFTER, ends[longest + 1] - 0.2
        inside = (recording.time >= start) & (recording.time < min(stop, start + LONGEST))
        if stop - start >= SHORTEST and recording.neuron not in names:
            names.add(recording.neuron)
            yield replace(recording, time=recording.time[inside], dff=recording.dff[inside])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground_truth", type=Path)
    rows = []
    for recording, level in product(silent(parser.parse_args().ground_truth), LEVELS):
        random = stream(0, recording.dataset, recording.neuron, recording.recording, RATE, level)
        sampled = sample(recording, RATE, level, random)
        if sampled is None or len(sampled.dff) < SHORTEST / 2 * RATE:
            continue
        unseen = Network().without(recording.dataset)
        checkpoint = load(unseen.folder / f"{unseen.weights}.safetensors")
        calibration = from_dict(checkpoint.calibration)
        assert calibration is not None
        known = indicators().get(recording.indicator)
        for indicator in (known, None) if known else (None,):
            dff = sampled.dff.astype(np.float32)
            found = infer_trace(checkpoint, dff, RATE, Response.of(indicator), None)
            shipped = float(found.rate.mean())
            low, high = calibration.mean_rate_interval(shipped, calibration.about(found.features, found.context), "")
            row = {"dataset": recording.dataset, "level": level, "told": indicator is not None}
            rows.append(row | {"network": float(found.mean.mean()), "shipped": shipped, "low": low, "high": high})
    table = pl.DataFrame(rows)
    names = table["dataset"].unique().sort().to_list()
    table = table.with_columns(half=pl.col("dataset").replace_strict({name: k % 2 for k, name in enumerate(names)}))
    shown = table.group_by("half", "level", "told").agg(
        pl.len(), pl.col("network", "shipped", "low", "high").median(), below=(pl.col("shipped") <= 0.03).mean()
    )
    print("| data sets | ν | indicator told | stretches | network, Hz | shipped, Hz | at most 0.03 Hz | interval, Hz |")
    for row in shown.sort("half", "told", "level").iter_rows(named=True):
        print(
            f"| {('first', 'second')[row['half']]} half | {row['level']:g} | {'yes' if row['told'] else 'no'} | "
            f"{row['len']} | {row['network']:.3f} | {row['shipped']:.3f} | {row['below']:.0%} | "
            f"{row['low']:.2f} to {row['high']:.1f} |"
        )


if __name__ == "__main__":
    main()
