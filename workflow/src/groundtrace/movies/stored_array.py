"""Movies that are one array of a store."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata, Raw

# What Suite2p, CaImAn and OME-Zarr call the movie.
USUAL_NAMES = ("data", "mov", "0")


class ArrayRaw(Raw):
    """One array-like with named axes: T, Y and X, and perhaps Z (planes) and C (channels)."""

    def __init__(self, path: Path, array: Any, axes: str, metadata: Metadata, close: Callable[[], None] = lambda: None):
        sizes = dict(zip(axes, array.shape, strict=True))
        self._array, self._axes, self._close = array, axes, close
        self._lead = sizes["T"], sizes.get("Z", 1), sizes.get("C", 1)
        super().__init__(
            path,
            frames=int(np.prod(self._lead)),
            image=(sizes["Y"], sizes["X"]),
            dtype=np.dtype(array.dtype),
            metadata=metadata,
        )
        chunks = getattr(array, "chunks", None)
        if chunks:
            self.block = chunks[axes.index("T")]

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        times, planes, channels = np.unravel_index(frames, self._lead)
        steps = np.unique(np.diff(times))
        if len(steps) > 1 or np.ptp(planes) or np.ptp(channels):
            for position, place in enumerate(zip(times, planes, channels, strict=True)):
                out[position] = self._select(slice(place[0], place[0] + 1), *place[1:])[0]
        else:
            step = int(steps[0]) if len(steps) else 1
            out[...] = self._select(slice(int(times[0]), int(times[-1]) + 1, step), planes[0], channels[0])

    def _select(self, times: slice, plane: Any, channel: Any) -> NDArray[Any]:
        """(n, Y, X) of one plane and channel."""
        where = {"T": times, "Z": int(plane), "C": int(channel)}
        part = np.asarray(self._array[tuple(where.get(axis, slice(None)) for axis in self._axes)])
        left = "".join(axis for axis in self._axes if axis in "TYX")
        return part.transpose([left.index(axis) for axis in "TYX"])

    def close(self) -> None:
        self._close()


def planes_of(array: Any, axis: int = 1) -> int | None:
    return int(array.shape[axis]) if len(array.shape) == 4 else None


def the_only(path: Path, found: Mapping[str, Any], what: str, advice: str, usual: tuple[str, ...] = USUAL_NAMES) -> Any:
    """The only one found, or the one with a usual name."""
    if len(found) == 1:
        return next(iter(found.values()))
    named = [item for name, item in found.items() if name.split("/")[-1] in usual]
    if len(named) == 1:
        return named[0]
    if not found:
        raise InputError(f"{path}: holds no {what}; check the columns path and format")
    raise InputError(f"{path}: holds {len(found)} times a {what} ({', '.join(found)}); {advice}")
