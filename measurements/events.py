"""Spikes outside an event of the recording (shutter, flash, steps of brightness, NaN, pause), beside those without it.

    PYTHONPATH=workflow/src python measurements/events.py [--rois 60] [--seconds 300] [--seed 0]

Simulated F and Fneu of neurons that fire each for itself in a neuropil that they share, through dF/F to rates. Prints
the median correlation with the true rate and inferred over true spikes, in the frames that the event leaves, of the
recording with the event and of the same one without. Target: within 0.02 and 10 %.
"""

import argparse
from collections.abc import Callable

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.simulation.activity import calcium_trace
from groundtrace.simulation.processes import fluctuations
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.comparing import correlation, smooth
from groundtrace.spikes.gaps import frames_missing, run_across_gaps
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.dff import DffParameters, compute_dff

RATE, INDICATOR, OFFSET = 30.0, "GCaMP6s", 200.0
Recording = tuple[FloatArray, FloatArray]
"""F and Fneu (n_rois, n_frames) above the offset."""
Event = Callable[[Recording, np.random.Generator], tuple[Recording, BoolArray]]
"""The recording with an event, and the frames (n_frames,) that are lost to it."""


def recording(rois: int, seconds: float, seed: int = 0) -> tuple[Recording, list[FloatArray]]:
    """What a microscope sees of neurons at 0.5 Hz, and their spike times, s."""
    random, frames = stream(seed, "events"), round(seconds * RATE)
    times = [np.sort(random.uniform(0, seconds, random.poisson(0.5 * seconds))) for _ in range(rois)]
    calcium = np.stack([calcium_trace(own, frames, RATE, indicators()[INDICATOR]) for own in times])
    waves = fluctuations(random, rois + 1, frames, 1 / RATE, 1.0)
    around = 300 * (1 + 0.05 * waves[:-1] + 0.05 * waves[-1])
    light = 500 * (1 + calcium) + 0.7 * around
    return (light + 1.2 * np.sqrt(light) * random.standard_normal(light.shape), around), times


def shutter(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    dark = np.arange(given[0].shape[1]) % round(10 * RATE) < round(0.5 * RATE)
    f, around = (np.where(dark, random.normal(0, 5, values.shape), values) for values in given)
    return (f, around), dark


def flash(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    lit = np.arange(given[0].shape[1]) % round(10 * RATE) < 3
    f, around = (np.where(lit, 8 * values, values) for values in given)
    return (f, around), lit


def steps(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    frames = given[0].shape[1]
    gain = np.repeat(random.uniform(0.6, 1.4, 10), -(-frames // 10))[:frames]
    f, around = (gain * values for values in given)
    return (f, around), np.zeros(frames, bool)


def files(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    """As steps, told as the borders of ten files, between which any time may have passed."""
    return steps(given, random)


def missing(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    frames = given[0].shape[1]
    return given, (np.arange(frames) < frames // 3) | (np.arange(frames) % round(3 * RATE) < round(0.5 * RATE))


def pause(given: Recording, random: np.random.Generator) -> tuple[Recording, BoolArray]:
    frames = given[0].shape[1]
    return given, (np.arange(frames) > frames // 3) & (np.arange(frames) < frames // 2)


EVENTS: dict[str, Event] = {
    "shutter": shutter,
    "flash": flash,
    "steps": steps,
    "files": files,
    "NaN": missing,
    "pause": pause,
}


def scores(
    given: Recording,
    lost: BoolArray,
    known: bool,
    backend: SpikeBackend,
    times: list[FloatArray],
    segment: IntArray | None = None,
) -> tuple[float, float]:
    """Median r and inferred over true spikes in the frames that are not lost. known: the lost frames are told.

    segment: (n_frames,) the file of each.
    """
    bad = lost if known else None
    missing = None if segment is None else frames_missing(np.arange(len(segment)) / RATE, segment, RATE)
    f, around = (np.asarray(OFFSET + values, np.float32) for values in given)
    dff = compute_dff(f, around, RATE, OFFSET, DffParameters(), bad_frames=bad, segment=segment).dff
    rates = run_across_gaps(backend, dff, RATE, indicators()[INDICATOR], missing).rate
    frames, r, inferred, true = np.arange(rates.shape[1]) / RATE, [], 0.0, 0.0
    for rate, own in zip(rates, times, strict=True):
        rest = ~lost & np.isfinite(rate)
        spikes = spike_counts(own, frames, RATE) * RATE
        pair = (smooth(np.where(rest, values, 0), RATE)[rest] for values in (rate, spikes))
        r.append(correlation(*pair))
        inferred, true = inferred + rate[rest].sum(), true + spikes[rest].sum()
    return float(np.median(r)), inferred / true


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rois", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    seen, times = recording(given.rois, given.seconds, given.seed)
    print(f"{'event':10s}{'method':10s}{'r':>7s}{'without':>9s}{'spikes':>9s}{'without':>9s}")
    for name, event in EVENTS.items():
        changed, lost = event(seen, stream(given.seed, name))
        # Ingest and motion correction mark flashes and gaps as bad frames; a shutter and steps are found in the light.
        known = name in ("flash", "NaN", "pause")
        segment = np.arange(len(lost)) // -(-len(lost) // 10) if name == "files" else None
        for backend in (Network(), Oasis()):
            with_event = scores(changed, lost, known, backend, times, segment)
            without = scores(seen, lost, False, backend, times)
            row = (with_event[0], without[0], with_event[1], without[1])
            print(f"{name:10s}{backend.backend:10s}{row[0]:7.3f}{row[1]:9.3f}{row[2]:9.2f}{row[3]:9.2f}", flush=True)


if __name__ == "__main__":
    main()
