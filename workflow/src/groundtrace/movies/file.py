"""A canonical movie on disk, `.npy` (T, Y, X), that is indexed as an array is."""

import math
import os
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import ArrayLike, NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.io import need_room
from groundtrace.movies.stored_frames import content_of, read_frames, runs

FRAMES_AT_ONCE = 32


class MovieFile:
    """Indexing reads frames into an array, assigning writes them; no memory is held for either afterwards.

    It is not memory-mapped (see `read_frames`). Threads may share it. Other packages take its `path`.
    """

    def __init__(self, path: Path | str, frames: slice = slice(None), writable: bool = False):
        mapped: Any = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.ndim != 3 or not mapped.flags.c_contiguous:
            raise InputError(f"{path}: a movie has three axes (T, Y, X), this one has shape {mapped.shape}")
        self.path, self.dtype = Path(path), mapped.dtype
        self._numbers = np.arange(len(mapped))[frames]
        self.shape: tuple[int, int, int] = (len(self._numbers), *mapped.shape[1:])
        self._start, self._row_bytes = mapped.offset, mapped.strides[1]
        self._file = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Frames by number, slice, numbers or mask; then, if wanted, rows and columns."""
        which, *field = key if isinstance(key, tuple) else (key,)
        numbers = self._numbers[which]
        out = self._parts(numbers.ravel(), *field) if field else self._read(numbers.ravel())
        return out.reshape(numbers.shape + out.shape[1:])

    def __setitem__(self, which: Any, frames: ArrayLike) -> None:
        places = self._places(self._numbers[which].ravel())
        values = np.broadcast_to(frames, (len(places), *self.shape[1:]))
        for run in runs(places, self.shape[1] * self._row_bytes):
            content, place = content_of(np.ascontiguousarray(values[run], self.dtype)), int(places[run][0])
            while content:
                count = os.pwrite(self._file, content, place)
                content, place = content[count:], place + count

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _places(self, numbers: IntArray) -> IntArray:
        """Bytes at which frames begin."""
        return self._start + numbers * (self.shape[1] * self._row_bytes)

    def _read(self, numbers: IntArray, rows: slice = slice(None)) -> NDArray[Any]:
        """A stretch of rows of frames, (n, rows, width)."""
        lines = range(self.shape[1])[rows]
        out = np.empty((len(numbers), len(lines), self.shape[2]), self.dtype)
        try:
            read_frames(self._file, self._places(numbers) + lines.start * self._row_bytes, out)
        except EOFError:
            frame = numbers.max() + 1
            raise InputError(f"{self.path}: the movie ends before frame {frame}; make the file again") from None
        return out

    def _parts(self, numbers: IntArray, rows: Any, columns: Any = slice(None)) -> NDArray[Any]:
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            return self._read(numbers)[:, rows, columns]
        one = np.empty(self.shape[1:], np.bool_)[rows, columns]
        out = np.empty((len(numbers), *one.shape), self.dtype)
        # A few frames at a time: whole rows are read, and may be much more than the part.
        for start in range(0, len(numbers), FRAMES_AT_ONCE):
            part = slice(start, start + FRAMES_AT_ONCE)
            out[part] = self._read(numbers[part], rows)[..., columns]
        return out


def open_movie(path: Path | str, frames: slice = slice(None)) -> MovieFile:
    """Open a canonical movie (T, Y, X), or some of its frames, for reading."""
    return MovieFile(path, frames)


def create_movie(path: Path | str, shape: tuple[int, ...], dtype: np.dtype | str) -> MovieFile:
    """Create a movie (T, Y, X) of zeros that can be written and read; inside `atomic`.

    Raises InputError when the disk has no room for it.
    """
    need_room(Path(path).parent, math.prod(shape) * np.dtype(dtype).itemsize)
    open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)
    return MovieFile(path, writable=True)


def nearby(movie: Path | str, folder: Path) -> Path:
    """Copy a movie to `folder`, a node's own disk: passes over a movie are slow on a shared one."""
    need_room(folder, Path(movie).stat().st_size)
    return Path(shutil.copyfile(movie, folder / Path(movie).name))
