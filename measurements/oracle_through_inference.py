"""What does spike inference take from the oracle correlation, and does its correction give that back?

    PYTHONPATH=workflow/src python measurements/oracle_through_inference.py --ground-truth FOLDER
    PYTHONPATH=workflow/src python measurements/oracle_through_inference.py --seeds 51 52 53 54 55 56

Of ground truth (neurons as in measurements/response_errors.py, at three noise levels, by the network that has not seen
the data set), medians over neurons by the length of windows, for each half of the data sets: λ, the squared correlation
of true and expected numbers of spikes; λ by the stated errors of responses; the squared expected correlation; and the
power of what that leaves unexplained which gives λ, with its quartiles and the standard deviation of its logarithm.

Of simulated cells (a fifth of them untuned) that see patches or gratings, whose calcium gets white noise of a level ν:
means over cells of the oracle correlation minus the true one, from true spikes, inferred, corrected by the λ of these
very cells, by the stated errors (a median), and as shipped (± the standard error over cells), and the stated error of
the last.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from response_errors import FEWEST, WINDOWS, recordings

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.groundtruth.recordings import sample
from groundtrace.indicators import indicators, simulated
from groundtrace.random import stream
from groundtrace.responses.attenuation import Kept, kept, without_inference
from groundtrace.responses.reliability import reliability
from groundtrace.responses.windows import Responses, frame_spans, in_windows
from groundtrace.simulation.activity import calcium_trace
from groundtrace.simulation.evoked import evoke
from groundtrace.simulation.parameters import Simulation, StimulusParameters
from groundtrace.simulation.stimulus import show
from groundtrace.spikes.base import SpikeRates
from groundtrace.spikes.network.backend import Network
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

RATE, LEVELS, EARLY, CELLS = 30.0, (2.0, 4.0, 8.0), 5.0, 24
SHOWN = {
    "patches": StimulusParameters(n_images=60, repeats=8, grey=0.1, height=24, width=32, untuned=0.2),
    "without grey": StimulusParameters(n_images=50, repeats=8, grey=0.0, height=24, width=32, untuned=0.2),
    "gratings": StimulusParameters(
        images="gratings", n_images=36, repeats=10, grey=0.1, height=24, width=32, untuned=0.2
    ),
}


def counted(times: FloatArray, windows: FloatArray) -> FloatArray:
    return np.diff(np.searchsorted(times, windows), axis=1)[:, 0].astype(np.float64)


def responses_of(found: SpikeRates, time: FloatArray, windows: FloatArray) -> Responses:
    assert found.low is not None
    assert found.high is not None
    spans = frame_spans(time, np.zeros(len(time), np.int64), RATE)
    return in_windows(found.rate.astype(np.float64), (found.low, found.high), spans, windows, 0.9)


def squared(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.array([np.corrcoef(*pair)[0, 1] ** 2 for pair in zip(a, b, strict=True)])


def stated(found: Responses) -> FloatArray:
    """λ by the errors that responses have."""
    assert found.error is not None
    variance = found.expected.var(axis=1)
    return variance / (variance + (found.error**2).mean(axis=1))


def of_ground_truth(folder: Path) -> None:
    found: dict[tuple[float, str], list[tuple[float, ...]]] = {}
    for recording in recordings(folder, 3, 120.0):
        backend = Network().without(recording.dataset).knowing("excitatory")
        for level in LEVELS:
            one = sample(recording, RATE, level, stream(0, recording.dataset, recording.neuron, level))
            if one is None or one.spikes.sum() < 4 * FEWEST:
                continue
            inferred = backend.run(one.dff[None].astype(np.float32), RATE, indicators()[recording.indicator])
            assert inferred.expected is not None
            for lasting in WINDOWS:
                edges = np.arange(one.time[0] + 1, one.time[-1] - 1, lasting)
                windows = np.column_stack([edges[:-1], edges[1:]])
                own = responses_of(inferred, one.time, windows)
                true = squared(own.expected, counted(recording.spike_time, windows)[None])[0]
                expected = float(inferred.expected.value[0]) ** 2
                row = (true, stated(own)[0], expected, np.log(1 - true) / np.log(1 - expected))
                found.setdefault((lasting, recording.dataset), []).append(row)
    names = sorted({name for _, name in found})
    for lasting in WINDOWS:
        for half in (names[::2], names[1::2], names):
            rows = np.array([row for name in half for row in found.get((lasting, name), [])])
            true, said, expected, power = np.median(rows, axis=0)
            low, high = np.percentile(rows[:, 3], [25, 75])
            text = f"{lasting:4} s, {len(half):2} sets, {len(rows):3}: λ {true:.2f}, stated {said:.2f}, expected² "
            text += (
                f"{expected:.2f}, power {power:.2f} ({low:.2f} to {high:.2f}), spread {np.log(high / low) / 1.349:.2f}"
            )
            print(text, flush=True)


def of_cells(seed: int, stimulus: StimulusParameters) -> Iterator[tuple[str, float, FloatArray]]:
    """Indicator, ν, and what each estimate is off, (6, n_cells); the last row is the stated error."""
    lasting = stimulus.presentations * (stimulus.duration + stimulus.grey) + 2
    parameters = Simulation(seed=seed, frames=int(np.ceil(lasting * RATE)) + 1, rate=2.0, stimulus=stimulus)
    shown, seconds = show(parameters, "encoders", RATE), parameters.frames / RATE
    assert shown is not None
    spiking, driven = evoke(stream(seed, "cells"), parameters, shown, CELLS, 0.0, -EARLY, seconds)
    begin = shown.presentations["start_time"].to_numpy() + stimulus.latency
    windows = np.column_stack([begin, begin + stimulus.duration])
    true = np.stack([counted(times, windows) for times in spiking.times])
    condition, repeat = shown.order, repeats_of(shown.order)
    repeats = np.full(CELLS, float(stimulus.repeats))
    for indicator in ("jGCaMP8m", "GCaMP6s"):
        kinetics = simulated(indicator)
        spread = np.exp(kinetics.spread * stream(seed, indicator).standard_normal(CELLS))
        traces = [calcium_trace(train, parameters.frames, RATE, kinetics) for train in spiking.times]
        for level in LEVELS:
            noise = stream(seed, "noise", level).standard_normal((CELLS, parameters.frames))
            dff = spread[:, None] * np.stack(traces) + level / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE * noise
            inferred = Network().run(dff.astype(np.float32), RATE, indicators()[indicator])
            assert inferred.expected is not None
            own = responses_of(inferred, np.arange(parameters.frames) / RATE, windows)
            found = reliability(own.expected, condition, repeat)
            known = [Kept(share, np.zeros(CELLS)) for share in (squared(own.expected, true), stated(own))]
            by = [*known, kept(inferred.expected.value, stimulus.duration)]
            corrected = [without_inference(found, repeats, one) for one in by]
            given = [
                reliability(true, condition, repeat)["oracle"],
                found["oracle"],
                *(value for value, _ in corrected),
            ]
            yield indicator, level, np.stack([*(value - driven.oracle for value in given), corrected[-1][1]])


def repeats_of(condition: IntArray) -> IntArray:
    order = np.argsort(condition, kind="stable")
    first = np.searchsorted(condition[order], condition[order])
    repeat = np.empty_like(order)
    repeat[order] = np.arange(len(order)) - first
    return repeat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ground-truth", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    given = parser.parse_args()
    if given.ground_truth:
        of_ground_truth(given.ground_truth)
    for name, stimulus in SHOWN.items() if given.seeds else ():
        found: dict[tuple[str, float], list[FloatArray]] = {}
        for seed in given.seeds:
            for indicator, level, off in of_cells(seed, stimulus):
                found.setdefault((indicator, level), []).append(off)
        for (indicator, level), parts in found.items():
            off = np.concatenate(parts, axis=1)
            off = off[:, np.isfinite(off).all(axis=0)]
            true, inferred, own, _, shipped, error = off.mean(axis=1)
            said = np.median(off[3])  # a cell of hardly any variance may have any mean
            text = (
                f"{name:12} {indicator:8} ν {level:g}, {off.shape[1]} cells: true {true:+.3f} inferred {inferred:+.3f}"
            )
            text += f" own λ {own:+.3f} stated {said:+.3f} corrected {shipped:+.3f}"
            print(f"{text} ± {off[4].std() / np.sqrt(off.shape[1]):.3f}, stated error {error:.2f}", flush=True)


if __name__ == "__main__":
    main()
