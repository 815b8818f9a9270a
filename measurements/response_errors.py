"""Are responses to stimuli as uncertain as their errors say, where an electrode knows the spikes?

    PYTHONPATH=workflow/src python measurements/response_errors.py <folder with recordings, traces, spikes.parquet>

The first excitatory neurons of every data set of ground truth, their first seconds at 30 Hz and brought to a noise
level by added photon noise; spikes by the network that has not seen the data set. The recording is cut into windows one
after the other. Prints, means over data sets: true spikes in a window, root mean square of the difference to the
expected number and of its standard error, the share of true numbers within 1.64 standard errors, and the median over
data sets of the ratio of the two roots. Data sets are in two halves: a rule is chosen on the first, and judged by the
second.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.importers.parquet import import_three
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.groundtruth.recordings import Recording, Sampled, sample
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.responses.windows import HALF, frame_spans, in_windows
from groundtrace.spikes.network.backend import Network

FRAME_RATE = 30.0
SLOWEST = 14.0
"""Hz."""
FEWEST = 5
"""Spikes of a neuron that counts."""
NAMES = ("dataset", "neuron", "recording", "indicator", "cell_class")
WINDOWS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""s."""


def recordings(folder: Path, neurons: int, seconds: float) -> Iterator[Recording]:
    """The first recording of the first excitatory neurons of each data set, cut."""
    seen: dict[str, set[str]] = {}
    for row in import_three(folder, GroundTruthSource(source=str(folder), format="parquet")):
        known = seen.setdefault(row["dataset"], set())
        usable = row["regular"] and row["plausible"] and row["indicator"] in indicators()
        usable &= row["frame_rate"] >= SLOWEST and row["cell_class"] == "excitatory"
        if not usable or row["neuron"] in known or len(known) == neurons:
            continue
        known.add(row["neuron"])
        time = np.asarray(row["time"])
        time = time[time < time[0] + seconds]
        given = {name: row[name] for name in NAMES}
        dff, spikes = np.asarray(row["dff"])[: len(time)], np.asarray(row["spike_times"])
        yield Recording(**given, time=time, dff=dff, spike_time=spikes)


def compared(sampled: Sampled) -> dict[float, FloatArray]:
    """True and expected numbers and their errors, (3, n_windows), by the length of windows."""
    recording, rate = sampled.recording, FRAME_RATE
    backend = Network().without(recording.dataset).knowing("excitatory")
    found = backend.run(sampled.dff[None].astype(np.float32), rate, indicators()[recording.indicator])
    spans = frame_spans(sampled.time, np.zeros(len(sampled.time), np.int64), rate)
    given = {}
    for lasting in WINDOWS:
        edges = np.arange(sampled.time[0] + 1, sampled.time[-1] - 1, lasting)
        true = np.histogram(recording.spike_time, edges)[0]
        band = (found.low, found.high) if found.low is not None and found.high is not None else None
        inside = in_windows(found.rate, band, spans, np.column_stack([edges[:-1], edges[1:]]), 1.0)
        assert inside.error is not None
        given[lasting] = np.stack([true, inside.expected[0], inside.error[0]])
    return given


def main(folder: Path, neurons: int, seconds: float, level: float) -> None:
    found: dict[float, dict[str, list[FloatArray]]] = {lasting: {} for lasting in WINDOWS}
    for recording in recordings(folder, neurons, seconds):
        sampled = sample(recording, FRAME_RATE, level, stream(0, recording.dataset, recording.neuron, level))
        if sampled is None or sampled.spikes.sum() < FEWEST:
            continue
        for lasting, values in compared(sampled).items():
            found[lasting].setdefault(recording.dataset, []).append(values)
    print(f"{'half':>6} {'window':>6} {'sets':>4} {'spikes':>7} {'error':>7} {'said':>7} {'within':>7} {'ratio':>7}")
    for half in (0, 1):
        for lasting, sets in found.items():
            rows = []
            for values in list(sets.values())[half::2]:
                true, expected, error = np.concatenate(values, axis=1)
                off = true - expected
                roots = np.sqrt((off**2).mean()), np.sqrt((error**2).mean())
                rows.append([true.mean(), *roots, (np.abs(off) < HALF * error).mean(), roots[0] / roots[1]])
            table = np.array(rows)
            values = " ".join(f"{value:7.3f}" for value in [*table[:, :4].mean(axis=0), np.median(table[:, 4])])
            print(f"{('first', 'second')[half]:>6} {lasting:6g} {len(table):4d} {values}", flush=True)


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    given.add_argument("--neurons", type=int, default=3, help="of each data set")
    given.add_argument("--seconds", type=float, default=90.0, help="of each neuron")
    given.add_argument("--level", type=float, default=3.0, help="ν, %% Hz^-1/2")
    main(**vars(given.parse_args()))
