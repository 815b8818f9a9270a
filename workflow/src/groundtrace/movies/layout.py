"""Which raw frames belong to which plane and channel."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata, Raw
from groundtrace.sessions import Session


@dataclass(frozen=True)
class Layout:
    """Frames of one session, its files one after the other: time > plane > channel, channel fastest."""

    planes: int
    channels: int
    flyback: int
    """Frames after the last plane of each volume that show nothing, all channels together."""
    volumes: int

    @property
    def cycle(self) -> int:
        """Raw frames of one volume."""
        return self.planes * self.channels + self.flyback

    def frames(self, plane: int, channel: int) -> IntArray:
        """Raw frames of one plane (0-based) and channel (1-based), (volumes,)."""
        return np.arange(self.volumes, dtype=np.int64) * self.cycle + plane * self.channels + channel - 1


def lay_out(session: Session, raws: Sequence[Raw]) -> Layout:
    """Check what the files say against the sheet and count their volumes."""
    for raw in raws:
        _check_declared(session, raw.path, raw.metadata)
    first = raws[0]
    planes, channels, flyback = session.planes, session.channels, first.metadata.flyback
    cycle, total = planes * channels + flyback, sum(raw.frames for raw in raws)
    where = f"{first.path}" if len(raws) == 1 else f"{first.path} and {len(raws) - 1} more"
    if total % channels:
        raise InputError(
            f"{where}: {total} raw frames cannot be {channels} channels, {total % channels} left over; channels are "
            "always complete: correct the column channels"
        )
    # The last volume counts when only its flyback frames are missing.
    volumes = (total + flyback) // cycle
    if volumes < 2:
        raise InputError(
            f"{where}: {total} raw frame(s) make {volumes} frame(s) of each plane with planes = {planes} and "
            f"channels = {channels}, a movie needs at least 2; correct these columns, or leave the session out"
        )
    left = total - volumes * cycle
    if left > 0:
        warnings.warn(
            f"{where}: the last volume is incomplete ({left} of {cycle} raw frames) and left out; if the acquisition "
            "did not stop there, correct the columns planes and channels",
            stacklevel=3,
        )
    inside = [raw.path for raw in raws[:-1] if raw.frames % cycle]
    if inside:
        warnings.warn(
            f"{inside[0]}: ends inside a volume of {cycle} frames, as do {len(inside) - 1} other files of the session; "
            "planes are taken to go on in the next file, as in one acquisition split into files",
            stacklevel=3,
        )
    return Layout(planes, channels, flyback, volumes)


def _check_declared(session: Session, path: object, metadata: Metadata) -> None:
    for name, declared in (("planes", metadata.planes), ("channels", metadata.channels)):
        given = getattr(session, name)
        if declared is not None and declared != given:
            raise InputError(
                f"{path}: its metadata says {name} = {declared}, the sheet {given}; write {declared} in the column "
                f"{name}"
            )
