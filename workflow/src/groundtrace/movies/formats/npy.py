"""NumPy: one array, (T, Y, X) or (T, Z, Y, X)."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw
from groundtrace.movies.stored_frames import read_frames


class NpyRaw(Raw):
    def __init__(self, path: Path):
        with path.open("rb") as handle:
            version = np.lib.format.read_magic(handle)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            if version not in header:
                raise InputError(f"{path}: NumPy format {version} is not supported; save it again with numpy.save")
            shape, fortran, self._stored = header[version](handle)
            self._start = handle.tell()
        if len(shape) not in (3, 4):
            raise InputError(f"{path}: has shape {shape}; a movie is (T, Y, X), or (T, Z, Y, X) with several planes")
        if fortran:
            raise InputError(
                f"{path}: is in Fortran order; save it with numpy.save(path, numpy.ascontiguousarray(movie))"
            )
        declared, size = math.prod(shape[:-2]), math.prod(shape[-2:]) * self._stored.itemsize
        whole = (path.stat().st_size - self._start) // size if size else 0
        self.broken_off = whole < declared
        if self.broken_off:
            tell_cut_short(path, whole, declared)
        super().__init__(
            path,
            frames=min(whole, declared),
            image=(shape[-2], shape[-1]),
            dtype=self._stored,
            metadata=Metadata(planes=shape[1]) if len(shape) == 4 else None,
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        with self.path.open("rb") as handle:
            read_frames(handle.fileno(), self._start + frames.astype(np.int64) * out[0].nbytes, out)
        if not self._stored.isnative:
            out.byteswap(inplace=True)


FORMAT = Format(NpyRaw, suffixes=(".npy",), magic=(b"\x93NUMPY",))
