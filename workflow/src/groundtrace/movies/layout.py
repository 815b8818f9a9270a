"""Which raw frames belong to which plane and channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import note
from groundtrace.movies.raw import Raw
from groundtrace.sessions import Session


@dataclass(frozen=True)
class Layout:
    """Frames of one session, its files one after the other: time > plane > channel, channel fastest."""

    planes: int
    channels: int
    starts: IntArray
    """Raw frame with which each whole volume begins, (volumes,)."""

    @property
    def volumes(self) -> int:
        return len(self.starts)

    def frames(self, plane: int, channel: int) -> IntArray:
        """Raw frames of one plane (0-based) and channel (1-based), (volumes,)."""
        return self.starts + plane * self.channels + channel - 1


def lay_out(session: Session, raws: Sequence[Raw]) -> Layout:
    """Check what the files say against the sheet and find their whole volumes."""
    for raw in raws:
        check_declared(session, raw)
    planes, channels = session.planes, session.channels
    imaged, total = planes * channels, sum(raw.frames for raw in raws)
    cycle = imaged + flyback_of(session, raws[0])
    where = f"{raws[0].path}" if len(raws) == 1 else f"{raws[0].path} and {len(raws) - 1} more"
    if total % channels and not any(raw.broken_off for raw in raws):
        raise InputError(
            f"{where}: {total} raw frames cannot be {channels} channels, {total % channels} left over; channels are "
            "always complete: correct the column channels"
        )
    numbers = _numbers(raws)
    starts = _whole_volumes(numbers, imaged, cycle)
    if len(starts) < 2:
        raise InputError(
            f"{where}: {total} raw frame(s) make {len(starts)} frame(s) of each plane with planes = {planes} and "
            f"channels = {channels}, a movie needs at least 2; correct these columns, or leave the session out"
        )
    _tell_left_out(raws, numbers, starts, imaged, cycle)
    return Layout(planes, channels, starts)


def flyback_of(session: Session, raw: Raw) -> int:
    """Raw frames to skip after the last plane of each volume: the sheet's, else the file's."""
    return raw.metadata.flyback if session.flyback is None else session.flyback * session.channels


def _numbers(raws: Sequence[Raw]) -> IntArray:
    """Number of each raw frame since the start of its acquisition; files that do not count go on in the next file."""
    parts: list[IntArray] = []
    following = 0
    for raw in raws:
        numbers = np.arange(raw.frames, dtype=np.int64) + following if raw.numbers is None else raw.numbers
        following = 0 if raw.broken_off else int(numbers[-1]) + 1
        parts.append(numbers)
    return np.concatenate(parts)


def _whole_volumes(numbers: IntArray, imaged: int, cycle: int) -> IntArray:
    """Raw frames at which a volume begins of which all imaged frames are there; only its flyback may be missing."""
    starts = np.flatnonzero(numbers % cycle == 0)
    starts = starts[starts + imaged <= len(numbers)]
    return starts[numbers[starts + imaged - 1] == numbers[starts] + imaged - 1]


def _tell_left_out(raws: Sequence[Raw], numbers: IntArray, starts: IntArray, imaged: int, cycle: int) -> None:
    used = np.zeros(len(numbers), bool)
    used[(starts[:, None] + np.arange(imaged)).ravel()] = True
    left = np.flatnonzero(~used & (numbers % cycle < imaged))
    if len(left) and left[0] > starts[-1]:
        note(
            raws[-1].path,
            f"the last volume is incomplete ({len(left)} of {cycle} raw frames) and left out; if the "
            "acquisition did not stop there, correct the columns planes and channels",
            "last_volume_left_out",
        )
    elif len(left):
        note(
            raws[0].path,
            f"{len(left)} raw frames, the first of them number {left[0]}, belong to volumes of which others "
            "are missing, because an acquisition was stopped or frames were lost, and are left out; align other "
            "signals by the column `time` of frames.parquet, not by counting frames",
            "volumes_left_out",
        )
    uncounted = [raw for raw, after in pairwise(raws) if raw.numbers is None and after.numbers is None]
    inside = [raw.path for raw in uncounted if raw.frames % cycle and not raw.broken_off]
    if inside and not any(raw.metadata.members for raw in raws):
        note(
            inside[0],
            f"ends inside a volume of {cycle} frames, as do {len(inside) - 1} other files of the session; "
            "planes are taken to go on in the next file, as in one acquisition split into files; if each file begins "
            "with the first plane, use one row for each",
            "file_ends_in_volume",
        )


def check_declared(session: Session, raw: Raw) -> None:
    """Raise InputError where a file says that it has other planes or channels than the sheet."""
    for name, declared in (("planes", raw.metadata.planes), ("channels", raw.metadata.channels)):
        given = getattr(session, name)
        if declared is not None and declared != given:
            raise InputError(
                f"{raw.path}: its metadata says {name} = {declared}, the sheet {given}; write {declared} in the column "
                f"{name}"
            )
