"""Is deconvolution better on denoised dF/F, where an electrode knows the spikes?

    PYTHONPATH=workflow/src python measurements/denoised_spikes.py <folder with recordings, traces, spikes.parquet>

The first neurons of every data set of ground truth, their first seconds at 30 Hz and brought to a noise level by added
photon noise; denoised by the draws that recipes use, without what only a movie gives (neuropil, variance of the
read-out: here the noise from frame to frame). Prints r with the true spikes, means over neurons, then over data sets,
of OASIS and of the network (one that has not seen the data set), each from the measured and the denoised trace.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.recipes import spike_correlation
from groundtrace.groundtruth.importers.parquet import import_three
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.groundtruth.recordings import Recording, Sampled, sample
from groundtrace.indicators import Indicator, indicators
from groundtrace.random import stream
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import noise_sd
from groundtrace.traces.smoothing import Noise, SmoothingParameters, correct_shrinkage, draw

FRAME_RATE = 30.0
SLOWEST = 14.0
"""Hz."""
LEVELS = (2.0, 4.0, 8.0)
FEWEST = 5
"""Spikes of a neuron that counts."""
SHARES = ("OASIS measured", "denoised", "network measured", "denoised")


def recordings(folder: Path, neurons: int, seconds: float) -> Iterator[Recording]:
    """The first recording of the first neurons of each data set, cut."""
    source = GroundTruthSource(source=str(folder), format="parquet")
    seen: dict[str, set[str]] = {}
    for row in import_three(folder, source):
        known = seen.setdefault(row["dataset"], set())
        if not (row["regular"] and row["plausible"]) or row["indicator"] not in indicators():
            continue
        if row["neuron"] in known or len(known) == neurons or row["frame_rate"] < SLOWEST:
            continue
        known.add(row["neuron"])
        time = np.asarray(row["time"])
        time = time[time < time[0] + seconds]
        rest = (np.asarray(row["dff"])[: len(time)], np.asarray(row["spike_times"]))
        yield Recording(
            *(row[name] for name in ("dataset", "neuron", "recording", "indicator", "cell_class")), time, *rest
        )


def denoised(dff: FloatArray, indicator: Indicator) -> FloatArray:
    """dff: (n_frames,)."""
    light = 1 + dff
    noise = Noise(float(noise_sd(dff[None])[0]) ** 2, 0.0, float(light.mean()))
    known, random = np.zeros((len(dff), 1)), np.random.default_rng(0)
    draws, events = draw(light, known, 0.0, noise, FRAME_RATE, indicator, SmoothingParameters(), random)
    return draws.mean(axis=0) + correct_shrinkage(light, draws, events, noise) - 1


def scores(sampled: Sampled) -> list[float] | None:
    """r as in SHARES."""
    recording, indicator = sampled.recording, indicators()[sampled.recording.indicator]
    if sampled.spikes.sum() < FEWEST:
        return None
    traces = np.stack([sampled.dff, denoised(sampled.dff, indicator)]).astype(np.float32)
    times = recording.spike_time - sampled.time[0]
    times = times[(times > -1) & (times < len(sampled.time) / FRAME_RATE)]
    found = []
    for backend in (Oasis(), Network().without(recording.dataset)):
        rates = np.nan_to_num(backend.run(traces, FRAME_RATE, indicator).rate)
        found += [spike_correlation(rate, times, FRAME_RATE) for rate in rates]
    return None if None in found else found


def main(folder: Path, neurons: int, seconds: float) -> None:
    chosen = list(recordings(folder, neurons, seconds))
    print(f"{'ν':>3} {'neurons':>8} {'data sets':>10} {' '.join(f'{name:>17}' for name in SHARES)}   OASIS better in")
    for level in LEVELS:
        found: dict[str, list[list[float]]] = {}
        for recording in chosen:
            random = stream(0, recording.dataset, recording.neuron, level)
            sampled = sample(recording, FRAME_RATE, level, random)
            own = scores(sampled) if sampled else None
            if own is not None:
                found.setdefault(recording.dataset, []).append(own)
        means = np.array([np.mean(own, axis=0) for own in found.values()])
        count, better = sum(map(len, found.values())), int((means[:, 1] > means[:, 0]).sum())
        values = " ".join(f"{value:17.3f}" for value in means.mean(axis=0))
        print(f"{level:3g} {count:8d} {len(means):10d} {values}   {better} of {len(means)} data sets", flush=True)


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    given.add_argument("--neurons", type=int, default=4, help="of each data set")
    given.add_argument("--seconds", type=float, default=90.0, help="of each neuron")
    main(**vars(given.parse_args()))
