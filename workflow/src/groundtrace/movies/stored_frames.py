"""Uncompressed frames at known places of a file."""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray


def read_frames(file: int, offsets: IntArray, out: NDArray[Any]) -> None:
    """Fill `out` (n, …), C-contiguous, with what starts at byte `offsets` (n,) of an open file; threads may share it.

    Read, not memory-mapped: mapped pages cost several times the copy, threads wait for each other at every one, and
    they count as the process's memory until they are given back. Raises EOFError when the file is too short.
    """
    for run in runs(offsets, out.itemsize * math.prod(out.shape[1:])):
        content, place = content_of(out[run]), int(offsets[run][0])
        while content:
            count = os.preadv(file, [content], place)
            if not count:
                raise EOFError("it ends inside a frame")
            content, place = content[count:], place + count


def runs(offsets: IntArray, size: int) -> Iterator[slice]:
    """Neighbours: frames of `size` bytes, each where the one before ends, that are read or written in one go."""
    edges = np.flatnonzero(np.diff(offsets) != size) + 1
    for start, stop in zip([0, *edges], [*edges, len(offsets)], strict=True):
        if stop > start:
            yield slice(int(start), int(stop))


def content_of(frames: NDArray[Any]) -> memoryview:
    return frames.reshape(-1).view(np.uint8).data
