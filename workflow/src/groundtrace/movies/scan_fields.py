"""One of several fields of view that are stacked in each image of a file."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Raw
from groundtrace.sessions import Session


class ScanFieldRaw(Raw):
    """The rows of one scan field, without those in which the mirrors fly to the next."""

    def __init__(self, whole: Raw, field: int):
        chosen = whole.metadata.fields[field - 1]
        self._whole = whole
        self._rows = slice(chosen.top, chosen.top + chosen.height)
        self.format, self.block, self.broken_off = whole.format, whole.block, whole.broken_off
        self.times, self.numbers = whole.times, whole.numbers
        super().__init__(
            whole.path,
            frames=whole.frames,
            image=(chosen.height, chosen.width),
            dtype=whole.dtype,
            metadata=replace(whole.metadata, pixel_size=chosen.pixel_size),
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        images = np.empty((len(out), self._whole.height, self._whole.width), out.dtype)
        self._whole.read(frames, images)
        out[...] = images[:, self._rows, : self.width]

    def close(self) -> None:
        self._whole.close()


def in_field(session: Session, raw: Raw) -> Raw:
    """The session's scan field of a raw file, or the file itself when it has but one."""
    fields, chosen = len(raw.metadata.fields), session.scan_field
    if chosen is None and fields > 1:
        raise InputError(
            f"{raw.path}: each image is {fields} scan fields, one below the other (ScanImage mroiEnable); write one "
            f"row for each, with another `session` and scan_field = 1 to {fields}"
        )
    if chosen is not None and chosen > max(fields, 1):
        raise InputError(
            f"{raw.path}: has {max(fields, 1)} scan field(s), the sheet's scan_field is {chosen}; correct or empty it"
        )
    return ScanFieldRaw(raw, chosen or 1) if fields else raw
