"""How good trained networks are on data sets they have not seen, and what follows for their intervals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.recordings import Recording, sample
from groundtrace.indicators import indicators
from groundtrace.random import stream
from groundtrace.spikes.comparing import correlation, count_windows, smooth
from groundtrace.spikes.network.expected import fit_accuracy, fit_counts, to_dict
from groundtrace.spikes.network.features import Response
from groundtrace.spikes.network.inference import infer_trace
from groundtrace.spikes.network.model import Checkpoint
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
"""1 s windows kept per neuron and condition."""
FITTED = 20
"""Windows among these that the calibration is fitted to."""
FEWEST_SPIKES = 3


def assess(checkpoint: Checkpoint, recordings: Iterable[Recording], online: bool, seed: int) -> pl.DataFrame:
    """One row per neuron of `recordings` and condition; the indicator is told to two thirds of the neurons."""
    rows = []
    ordered = sorted(recordings, key=lambda r: (r.dataset, r.neuron, r.recording))
    for number, (_, group) in enumerate(groupby(ordered, lambda r: (r.dataset, r.neuron))):
        members, seconds = [], 0.0
        for recording in group:
            if seconds < LONGEST:
                members.append(recording)
                seconds += recording.time[-1] - recording.time[0]
        for frame_rate, level, lookahead in ONLINE_CONDITIONS if online else CONDITIONS:
            rows += _assess_neuron(checkpoint, members, (frame_rate, level, lookahead), number % 3 != 2, seed)
    types = {name: declared.dtype.type for name, declared in Assessment.to_schema().columns.items() if declared.dtype}
    return pl.DataFrame(rows, schema=types)


def _assess_neuron(
    checkpoint: Checkpoint, members: list[Recording], condition: tuple[float, float, int | None], tell: bool, seed: int
) -> Iterator[Mapping[str, object]]:
    """One row, or none for a neuron too slow, too noisy or too quiet."""
    frame_rate, level, lookahead = condition
    first = members[0]
    known = indicators().get(first.indicator) if tell else None
    rates, truths, features, windows = [], [], [], []
    for recording in members:
        random = stream(seed, recording.dataset, recording.neuron, recording.recording, frame_rate, level)
        if recording.frame_rate < frame_rate / 2:
            continue
        sampled = sample(recording, frame_rate, level, random)
        if sampled is None or len(sampled.dff) < 2 * frame_rate:
            continue
        found = infer_trace(checkpoint, sampled.dff, frame_rate, Response.of(known), lookahead)
        frames, counts = count_windows(sampled.time, frame_rate, recording.spike_time)
        rates.append(smooth(found.rate, frame_rate))
        truths.append(smooth(sampled.spikes * frame_rate, frame_rate))
        features.append((len(found.rate), found.features))
        windows.append(np.stack([found.mean[frames], found.size[frames], found.zero[frames], counts]))
    if not rates or np.concatenate(truths).sum() < FEWEST_SPIKES * frame_rate:
        return
    r = correlation(np.concatenate(rates), np.concatenate(truths))
    joined = np.concatenate(windows, axis=1)
    kept = joined[:, np.linspace(0, joined.shape[1] - 1, min(WINDOWS, joined.shape[1])).astype(int)]
    weights = np.array([length for length, _ in features], float)
    yield {
        "dataset": first.dataset,
        "neuron": first.neuron,
        "frame_rate": frame_rate,
        "noise_level": level,
        "lookahead": lookahead,
        "told": known is not None,
        "correlation": r,
        "features": np.average([f for _, f in features], axis=0, weights=weights),
        **dict(zip(("mean", "size", "zero", "count"), kept.astype(np.float32), strict=True)),
    }


def calibrate(checkpoint: Checkpoint, assessed: pl.DataFrame) -> Checkpoint:
    """`checkpoint` with intervals and expected accuracy from the rows of data sets other than those it left out.

    A network that leaves data sets out is thus calibrated without them: its intervals there are a fair test.
    """
    rows = assessed.filter(~pl.col("dataset").is_in(list(checkpoint.left_out)))
    # Every data set counts the same, and within it every neuron and condition.
    rows = rows.with_columns((1 / pl.len().over("dataset")).alias("weight"))
    counts = fit_counts(*_windows(rows))
    accuracy = fit_accuracy(
        np.stack(rows["features"].to_list()), rows["correlation"].to_numpy(), rows["weight"].to_numpy()
    )
    return replace(checkpoint, calibration=to_dict(counts, accuracy))


def _windows(rows: pl.DataFrame) -> FloatArray:
    """mean, size, zero, count and weight (5, n_windows) of at most FITTED windows of each row."""
    found = []
    for row in rows.iter_rows(named=True):
        values = np.array([row[name] for name in ("mean", "size", "zero", "count")], np.float64)
        kept = values[:, np.linspace(0, values.shape[1] - 1, min(FITTED, values.shape[1])).astype(int)]
        found.append(np.vstack([kept, np.full(kept.shape[1], row["weight"] / kept.shape[1])]))
    return np.concatenate(found, axis=1)
