"""Inference across gaps: frames without a value are closed up, and rates are put back where their frames belong."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.indicators import Indicator
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.traces.noise import noise_sd

FILLED = 2.0
"""s; longest stretch that stands for a gap. Whatever went on in a longer one has decayed by its end."""
NEAR = 5
"""Frames on either side whose median a gap is bridged between."""
LEAST = 0.1
"""Share of finite frames that a trace needs, over the whole recording, to be one with gaps."""


def frames_missing(time: FloatArray, segment: IntArray, frame_rate: float) -> IntArray:
    """(n_frames,) frames that are missing before each one, at most FILLED; 0 within a segment.

    time: (n_frames,) s. segment: (n_frames,). A pause of unknown length, as between files, counts as a long one.
    """
    longest = max(1, round(FILLED * frame_rate))
    lasting = np.rint(np.diff(time, prepend=time[:1]) * frame_rate).astype(np.int64) - 1
    missing = np.where(lasting > 0, np.minimum(lasting, longest), longest)
    return np.where(np.diff(segment, prepend=segment[:1]) != 0, missing, 0)


def run_across_gaps(
    backend: SpikeBackend,
    dff: FloatArray,
    frame_rate: float,
    indicator: Indicator | None,
    missing: IntArray | None = None,
) -> SpikeRates:
    """Rates of `backend.run`, with NaN where dF/F (n_rois, n_frames) has no finite value, and nowhere else.

    missing: (n_frames,) frames that the recording lacks before each one: nothing is inferred across.

    Each gap becomes a straight line with the trace's own noise, of at most FILLED: noise level, description and
    transients of the other frames stay what they are.
    """
    if missing is not None and missing.any():
        at = np.arange(len(missing)) + np.cumsum(missing)
        spread = np.full((len(dff), at[-1] + 1), np.nan, dff.dtype)
        spread[:, at] = dff
        found = run_across_gaps(backend, spread, frame_rate, indicator)
        bands = {name: None if (v := getattr(found, name)) is None else v[:, at] for name in ("low", "high")}
        return replace(found, rate=found.rate[:, at], **bands)
    finite = np.isfinite(dff)
    gappy = ~finite.all(axis=1) & (finite.mean(axis=1) >= LEAST) if dff.size else np.zeros(len(dff), bool)
    if not gappy.any():
        return backend.run(dff, frame_rate, indicator)
    # Traces with gaps count as unusable here, and are filled in below.
    found = backend.run(np.where(gappy[:, None], np.float32(np.nan), dff), frame_rate, indicator)
    for rows in _alike(finite, gappy):
        inside = finite[rows[0]]
        kept = closed(inside, max(1, round(FILLED * frame_rate)))
        known = inside[kept]
        part = backend.run(bridged(dff[np.ix_(rows, kept)], known), frame_rate, indicator)
        _put_back(part, rows, kept[known], np.flatnonzero(known), found)
    return found


def closed(inside: BoolArray, longest: int) -> IntArray:
    """Frames (n_kept,) of a trace (n_frames,) of which gaps, where `inside` is False, keep at most the first `longest`.

    A gap at an end of the recording is cut off.
    """
    frames = np.flatnonzero(inside)
    first, last = int(frames[0]), int(frames[-1])
    position = np.arange(len(inside))
    before = np.maximum.accumulate(np.where(inside, position, -1))
    return np.flatnonzero((position - before <= longest) & (position >= first) & (position <= last))


def bridged(dff: FloatArray, inside: BoolArray) -> FloatArray:
    """dF/F (n_rois, n_frames) with straight lines, and noise like that of the trace, where `inside` is False.

    Lines run between medians of the NEAR frames on either side; neither end is a gap.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[True], inside, [True]]).astype(np.int8))).reshape(-1, 2)
    filled, sd = dff.copy(), noise_sd(dff)
    noise = np.random.default_rng(0).standard_normal(len(inside))
    for first, after in edges:
        before, then = inside[:first], inside[after:]
        left = np.median(dff[:, np.flatnonzero(before)[-NEAR:]], axis=1)
        right = np.median(dff[:, after + np.flatnonzero(then)[:NEAR]], axis=1)
        share = (np.arange(first, after) - first + 1) / (after - first + 1)
        line = left[:, None] + (right - left)[:, None] * share
        filled[:, first:after] = line + sd[:, None] * noise[first:after]
    return filled


def _alike(finite: BoolArray, gappy: BoolArray) -> Iterator[IntArray]:
    """ROIs with the same gaps: mostly all of them, as those of a shutter are."""
    rows = np.flatnonzero(gappy)
    _, group = np.unique(np.packbits(finite[rows], axis=1), axis=0, return_inverse=True)
    for number in range(group.max() + 1):
        yield rows[group.ravel() == number]


def _put_back(part: SpikeRates, rows: IntArray, frames: IntArray, at: IntArray, found: SpikeRates) -> None:
    """Put what was inferred of some ROIs, at frames `at` of the closed traces, where it belongs."""
    for name in ("rate", "low", "high"):
        values, whole = getattr(part, name), getattr(found, name)
        if values is not None:
            whole[np.ix_(rows, frames)] = values[:, at]
    for name in ("decay_time", "explained_variance"):
        getattr(found, name)[rows] = getattr(part, name)
    if part.unlike is not None and found.unlike is not None:
        found.unlike[rows] = part.unlike
    for group in ("expected", "mean_rate"):
        values, whole = getattr(part, group), getattr(found, group)
        if values is not None:
            for field in fields(values):
                getattr(whole, field.name)[rows] = getattr(values, field.name)
