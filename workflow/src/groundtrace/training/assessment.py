"""How good trained networks are on data sets that they have not seen."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import polars as pl

from groundtrace.groundtruth.recordings import Recording, sample
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.spikes.comparing import correlation, count_windows, smooth
from groundtrace.spikes.network.features import Response, read_recording
from groundtrace.spikes.network.inference import infer_trace
from groundtrace.spikes.network.model import Checkpoint
from groundtrace.training.parameters import INTERNEURONS
from groundtrace.training.tables import Assessment

CONDITIONS = (
    *((30.0, level, None) for level in (1.0, 2.0, 4.0, 8.0)),
    *((rate, 2.0, None) for rate in (7.5, 15.0, 60.0)),
)
"""Frame rate (Hz), ν (% Hz^-1/2) and lookahead (frames) of the assessment."""
ONLINE_CONDITIONS = ((30.0, 2.0, 0), (30.0, 2.0, 4), (30.0, 2.0, 16), (30.0, 6.0, 4))
LONGEST = 300.0
"""Imaging time used of each neuron, s, whole recordings."""
WINDOWS = 300
"""1 s windows kept per recording and condition."""
FEWEST_SPIKES = 3
BEGINNINGS = (75, 150, 300, 600, 1200, 2400)
"""Frames from the start of a recording that are described by themselves: few frames describe it less well."""


def assess(checkpoint: Checkpoint, recordings: Iterable[Recording], online: bool, seed: int) -> pl.DataFrame:
    """Table Assessment of `recordings`, with the indicator told and without."""
    rows: list[Mapping[str, object]] = []
    seconds: dict[tuple[str, str], float] = {}
    for recording in sorted(recordings, key=lambda r: (r.dataset, r.neuron, r.recording)):
        neuron = recording.dataset, recording.neuron
        if seconds.get(neuron, 0.0) >= LONGEST:
            continue
        seconds[neuron] = seconds.get(neuron, 0.0) + recording.time[-1] - recording.time[0]
        for condition in ONLINE_CONDITIONS if online else CONDITIONS:
            rows += _assess_recording(checkpoint, recording, condition, seed)
    return pl.DataFrame(rows, schema=Assessment.types())


def _assess_recording(
    checkpoint: Checkpoint, recording: Recording, condition: tuple[float, float, int | None], seed: int
) -> Iterator[Mapping[str, object]]:
    """Two rows, one where the indicator is not in the table, none for a recording too slow, too noisy or too short."""
    frame_rate, level, lookahead = condition
    random = stream(seed, recording.dataset, recording.neuron, recording.recording, frame_rate, level)
    if recording.frame_rate < frame_rate / 2:
        return
    sampled = sample(recording, frame_rate, level, random)
    if sampled is None or len(sampled.dff) < 2 * frame_rate:
        return
    frames, counts = count_windows(sampled.time, frame_rate, recording.spike_time)
    kept = np.linspace(0, len(frames) - 1, min(WINDOWS, len(frames))).astype(int)
    truth = smooth(sampled.spikes * frame_rate, frame_rate)
    spikes = float(sampled.spikes.sum())
    # Of online networks nobody asks for them: a recording is described alike.
    lengths = [frames for frames in BEGINNINGS if frames <= len(sampled.dff) and lookahead is None]
    described = [read_recording(sampled.dff[:frames], frame_rate, Response.unknown())[1] for frames in lengths]
    indicator = indicators().get(recording.indicator)
    for known in (indicator, None) if indicator else (None,):
        found = infer_trace(checkpoint, sampled.dff, frame_rate, Response.of(known), lookahead)
        r = correlation(smooth(found.rate, frame_rate), truth) if spikes >= FEWEST_SPIKES else None
        windows = found.mean[frames[kept]], found.dispersion[frames[kept]], counts[kept]
        yield {
            "dataset": recording.dataset,
            "neuron": recording.neuron,
            "recording": recording.recording,
            "cell_class": "interneuron" if any(word in recording.dataset for word in INTERNEURONS) else "excitatory",
            "frame_rate": frame_rate,
            "noise_level": level,
            "lookahead": lookahead,
            "told": known is not None,
            "correlation": r,
            "inferred_rate": float(found.rate.mean()),
            "true_rate": spikes * frame_rate / len(sampled.dff),
            "features": found.features,
            "context": found.context,
            "beginnings": np.concatenate([*described, np.zeros(0, np.float32)]),
            **dict(zip(("mean", "dispersion", "count"), (each.astype(np.float32) for each in windows), strict=True)),
        }
