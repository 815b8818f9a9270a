"""When each frame was taken: from the stamps of the files, else from the rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.movies.notes import note
from groundtrace.movies.raw import Raw

GAP = 1.5
"""Two frames further apart than so many usual steps have lost frames, or a pause, between them."""
OFTEN = 0.1
"""Share of frames that follow sooner than usual, from which the rate of a recording changes."""
LISTED = 5
"""Gaps that are listed."""


@dataclass(frozen=True)
class Timing:
    """Of the frames of a plane."""

    time: FloatArray
    """(n,) s, from the first frame on; a pause that no stamp measures counts as one step."""
    segment: IntArray
    """(n,) number of the stretch without a gap or a border of files."""


def stamped_rate(parts: Sequence[tuple[Raw, IntArray]]) -> float | None:
    """Hz of the frames of one plane, from the stamps; None when there are none."""
    steps = np.diff(_stamps(parts))
    steps = steps[steps > 0]
    return float(1 / np.median(steps)) if len(steps) else None


def time_frames(parts: Sequence[tuple[Raw, IntArray]], frame_rate: float) -> Timing:
    """Times and segments of the frames `parts`, file by file; says how many frames are missing, where and how long, and
    what stamps do not tell."""
    stamps = _stamps(parts)
    steps = np.diff(stamps)
    unknown = ~(steps >= 0)  # no stamps, or the clock of another acquisition
    usual = 1 / (stamped_rate(parts) or frame_rate)
    gaps = ~unknown & (steps > GAP * usual)
    between = _between_files(parts)
    borders = gaps | (unknown & (np.isfinite(steps) | between))
    time = np.concatenate([[0.0], np.cumsum(np.where(unknown, usual, steps))])
    if gaps.any():
        _tell_gaps(parts, time, np.flatnonzero(gaps), usual)
    _tell_odd(parts[0][0].path, stamps, np.where(between, np.nan, steps), usual)
    return Timing(time, np.concatenate([[0], np.cumsum(borders)]))


def _stamps(parts: Sequence[tuple[Raw, IntArray]]) -> FloatArray:
    return np.concatenate(
        [np.full(len(frames), np.nan) if raw.times is None else raw.times[frames] for raw, frames in parts]
    )


def _between_files(parts: Sequence[tuple[Raw, IntArray]]) -> np.ndarray:
    """(n - 1,) whether two frames are of two files, where files are more than single images."""
    sizes = [len(frames) for _, frames in parts]
    file = np.repeat(np.arange(len(sizes)), sizes)
    return np.diff(file).astype(bool) & (max(sizes) > 1)


def _tell_odd(path: Path, stamps: FloatArray, steps: FloatArray, usual: float) -> None:
    """What is wrong with stamps (n,) s; steps: (n - 1,) s between those of one file, NaN where there is none."""
    missing, back = int(np.isnan(stamps).sum()), np.flatnonzero(steps < 0)
    if len(back):
        times = f"{len(back)} time{'s' * (len(back) > 1)}"
        note(
            path,
            f"its time stamps run back {times}, first after {back[0] + 1} frames; there a segment ends, and times go "
            "on at the rate; if these are several recordings, use one row for each",
            "stamps_run_back",
        )
    if 0 < missing < len(stamps):
        note(
            path,
            f"{missing} of {len(stamps)} frames have no time stamp, and are taken to follow at the rate; pauses there "
            "are not known",
            "stamps_missing",
        )
    sooner = (steps >= 0) & (steps < usual / GAP)
    if sooner.sum() > OFTEN * np.isfinite(steps).sum():
        note(
            path,
            f"{sooner.sum()} of {len(stamps)} frames follow sooner than the usual {usual:.4g} s, after "
            f"{np.median(steps[sooner]):.4g} s: the rate changes within the recording, and dF/F and spikes take it as "
            "constant; use one row for each rate",
            "rate_changes",
        )


def _tell_gaps(parts: Sequence[tuple[Raw, IntArray]], time: FloatArray, gaps: IntArray, usual: float) -> None:
    lasting = np.diff(time)[gaps] - usual
    missing = np.rint(lasting / usual).astype(int)
    places = [
        f"{seconds:.3g} s ({count} frames) after {gap + 1} frames ({time[gap]:.4g} s)"
        for gap, count, seconds in zip(gaps[:LISTED], missing, lasting, strict=False)
    ]
    note(
        parts[0][0].path,
        f"the time stamps have {len(gaps)} gap{'s' * (len(gaps) > 1)}, by lost frames or pauses, "
        f"of {lasting.sum():.4g} s or {missing.sum()} frames of each plane together: {'; '.join(places)}"
        f"{' …' * (len(gaps) > LISTED)}; align other signals by the column `time` of frames.parquet, not by counting "
        "frames",
        "gaps",
    )
