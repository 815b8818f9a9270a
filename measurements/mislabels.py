"""Does the interval of the expected correlation hold when the sheet names a wrong indicator or frame rate?

    PYTHONPATH=workflow/src python measurements/mislabels.py results/ground_truth.parquet [--neurons 6]

The network that has not seen the data set infers the spikes of some neurons of each data set (90 s, at most 30 Hz, ν of
4 or 8) with the right labels, with other indicators, and with wrong frame rates. A data set stands for a recording: its
neurons tell together how long transients are. Prints, for each kind of label, the share of neurons whose correlation is
in the 90 % interval of the network, and in that which is widened by `groundtrace.spikes.kinetics`; the widths of both;
and how far the expected correlation is above the true one, median.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from groundtrace.groundtruth.recordings import Recording, Sampled, read_recordings, sample
from groundtrace.indicators import Indicator, kinetics
from groundtrace.random import stream
from groundtrace.spikes.base import ExpectedCorrelation
from groundtrace.spikes.comparing import correlation, smooth
from groundtrace.spikes.kinetics import half_decay, largest, ratio_to, size_in_spikes, widened
from groundtrace.spikes.network.backend import Network

SECONDS, FASTEST, LEVELS, FEWEST_SPIKES = 90.0, 30.0, (4.0, 8.0), 8
OTHERS = ("GCaMP6s", "GCaMP6f", "jGCaMP7f", "jGCaMP8f", "jGCaMP8m", "OGB-1")
FACTORS = (1 / 6, 1 / 3, 1 / 2, 2.0, 4.0)
"""Frame rate in the sheet over the true one: planes or channels forgotten, or counted twice."""
Label = tuple[str, Indicator | None, float]


def chosen(path: Path, neurons: int) -> dict[str, list[Sampled]]:
    """Some neurons of each data set."""
    first: dict[str, dict[str, Recording]] = defaultdict(dict)
    for recording in read_recordings(path, regular=True, plausible=True):
        if recording.frame_rate > 7 and not recording.dataset.startswith("X-"):
            first[recording.dataset].setdefault(recording.neuron, recording)
    found: dict[str, list[Sampled]] = {}
    for dataset, recordings in sorted(first.items()):
        sampled = [_sampled(recordings[name]) for name in sorted(recordings)]
        good = [each for each in sampled if each is not None and each.spikes.sum() >= FEWEST_SPIKES]
        if len(good) >= 2:
            found[dataset] = good[:: max(1, len(good) // neurons)][:neurons]
    return found


def _sampled(recording: Recording) -> Sampled | None:
    early = recording.time < recording.time[0] + SECONDS
    short = Recording(**{**vars(recording), "time": recording.time[early], "dff": recording.dff[early]})
    random = stream(0, recording.dataset, recording.neuron)
    rate = min(FASTEST, recording.frame_rate)
    return next((found for level in LEVELS if (found := sample(short, rate, level, random))), None)


def labels(indicator: str) -> Iterator[Label]:
    """What the sheet may say: kind, indicator, factor of the frame rate."""
    yield "right", kinetics(indicator), 1.0
    for other in OTHERS:
        if other != indicator:
            yield f"as {other}", kinetics(other), 1.0
    for factor in FACTORS:
        yield f"rate × {factor:.2g}", kinetics(indicator), factor


def judge(samples: list[Sampled], told: Indicator | None, factor: float) -> np.ndarray:
    """(neurons, 6): true correlation, whether it is in either interval, their widths, what was expected of it."""
    network = Network().without(samples[0].recording.dataset)
    ratio = ratio_to(np.concatenate([half_decay(s.dff[None], s.frame_rate * factor) for s in samples]), told)
    size = size_in_spikes(np.concatenate([largest(s.dff[None], s.frame_rate * factor) for s in samples]), told)
    rows = []
    for each in samples:
        rate = each.frame_rate
        found = network.run(each.dff[None].astype(np.float32), rate * factor, told)
        assert found.expected is not None
        true = correlation(smooth(found.rate[0], rate), smooth(each.spikes * rate, rate))
        plain, wide = found.expected, widened(found.expected, ratio, size)
        rows.append([true, *_holds(plain, true), *_holds(wide, true), wide.value[0] - true])
    return np.array(rows, float)


def _holds(expected: ExpectedCorrelation, true: float) -> tuple[bool, float]:
    low, high = expected.low[0], expected.high[0]
    return bool(low <= true <= high), float(high - low)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--neurons", type=int, default=6)
    given = parser.parse_args()
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for samples in chosen(given.table, given.neurons).values():
        for kind, told, factor in labels(samples[0].recording.indicator):
            rows[kind].append(judge(samples, told, factor))
    columns = ("neurons", "r", "holds", "width", "widened", "width", "above")
    print(f"{'label':14s}" + "".join(f"{name:>9s}" for name in columns))
    for kind, parts in rows.items():
        all_of = np.concatenate(parts)
        all_of = all_of[np.isfinite(all_of).all(axis=1)]
        r, holds, width, wide_holds, wide_width, above = all_of.T
        values = (np.median(r), holds.mean(), width.mean(), wide_holds.mean(), wide_width.mean(), np.median(above))
        print(f"{kind:14s}{len(all_of):9d}" + "".join(f"{value:9.2f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
