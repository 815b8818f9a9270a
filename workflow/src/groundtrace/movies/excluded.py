"""Frames that the user does not want to be used: the file in the column `exclude` of the sheet."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError

FRAMES, INTERVALS = ("frame", "frames"), ({"start", "end"}, {"start", "stop"}, {"start_time", "stop_time"})
"""Headers of a list of frames, and of one of time intervals."""
ALLOWED = (
    "write 0-based frames of a plane, one a line, or a table with the columns start and end (s from the first frame), "
    "or save frames or a mask as .npy (as Suite2p's bad_frames.npy)"
)


@dataclass(frozen=True)
class Excluded:
    """What such a file says."""

    path: Path
    frames: IntArray
    """0-based frames of each plane."""
    intervals: FloatArray
    """(n, 2) from and to, s since the first frame."""
    length: int | None = None
    """Frames of the recording, where a mask tells it."""

    def mask(self, time: FloatArray) -> BoolArray:
        """(n_frames,) whether each frame is excluded. time: (n_frames,) s; raises InputError for what is outside."""
        count = len(time)
        if self.length not in (None, count):
            raise InputError(f"{self.path}: is a mask of {self.length} frames, the recording has {count}; make it anew")
        beyond = self.frames[self.frames >= count]
        if len(beyond):
            raise InputError(
                f"{self.path}: frame {beyond.max()} is outside the recording, whose {count} frames of each plane are 0 "
                f"to {count - 1}; correct it"
            )
        late = self.intervals[self.intervals[:, 0] > time[-1]]
        if len(late):
            raise InputError(
                f"{self.path}: the interval {late[0, 0]:g} to {late[0, 1]:g} s is outside the recording, which lasts "
                f"{time[-1]:.6g} s; times are seconds from its first frame: correct it"
            )
        found = np.zeros(count, bool)
        found[self.frames] = True
        for start, end in self.intervals:
            found |= (time >= start) & (time < end)
        if found.sum() > count - 2:
            raise InputError(f"{self.path}: excludes {found.sum()} of {count} frames; leave the session out instead")
        return found


def read_excluded(path: Path | str) -> Excluded:
    """Read such a file; raises InputError, naming it and what is allowed."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{str(path)!r} {'is a folder' if path.is_dir() else 'does not exist'}; {ALLOWED}")
    return _array(path) if path.suffix.lower() == ".npy" else _text(path)


def _array(path: Path) -> Excluded:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as .npy: {str(error).splitlines()[0]}; {ALLOWED}") from None
    if values.dtype == bool and values.ndim == 1:
        return Excluded(path, np.flatnonzero(values), np.zeros((0, 2)), len(values))
    return Excluded(path, _whole(path, values.ravel() if values.size <= 1 else values), np.zeros((0, 2)))


def _text(path: Path) -> Excluded:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: is no text; {ALLOWED}") from None
    rows = [re.split(r"[,;\s]+", line.strip().lower()) for line in lines if line.strip() and not line.startswith("#")]
    names = rows.pop(0) if rows and not _is_number(rows[0][0]) else None
    widths = {len(row) for row in rows} | ({len(names)} if names else set())
    if not rows or len(widths) > 1 or (names is None and widths != {1}):
        what = "is empty" if not rows else "has lines of several lengths" if len(widths) > 1 else "has no header"
        raise InputError(f"{path}: {what}; {ALLOWED}")
    try:
        values = np.array(rows, float)
    except ValueError:
        wrong = next(cell for row in rows for cell in row if not _is_number(cell))
        raise InputError(f"{path}: {wrong!r} is no number; {ALLOWED}") from None
    if names is None or (len(names) == 1 and names[0] in FRAMES):
        return Excluded(path, _whole(path, values[:, 0]), np.zeros((0, 2)))
    if set(names) not in INTERVALS:
        raise InputError(f"{path}: the columns {', '.join(names)} are not known; {ALLOWED}")
    return Excluded(
        path, np.zeros(0, np.int64), _ordered(path, values if names[0].startswith("start") else values[:, ::-1])
    )


def _whole(path: Path, values: np.ndarray) -> IntArray:
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise InputError(f"{path}: has {values.dtype} of shape {values.shape}; {ALLOWED}")
    wrong = values[~np.isfinite(values) | (values != np.rint(values)) | (values < 0)]
    if len(wrong):
        raise InputError(f"{path}: {wrong[0]:g} is no 0-based frame; {ALLOWED}")
    return values.astype(np.int64)


def _ordered(path: Path, intervals: FloatArray) -> FloatArray:
    wrong = intervals[~(intervals[:, 0] < intervals[:, 1]) | (intervals[:, 1] < 0)]
    if len(wrong):
        raise InputError(f"{path}: the interval {wrong[0, 0]:g} to {wrong[0, 1]:g} s has no length; {ALLOWED}")
    return intervals


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
