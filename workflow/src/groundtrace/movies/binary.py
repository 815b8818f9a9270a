"""Uncompressed frames at known places of a file: `.npy`, Scanbox, and the bulk of all TIFF files."""

import math
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata, Raw


def read_frames(handle: IO[bytes], offsets: IntArray, out: NDArray[Any]) -> None:
    """Fill `out` (n, height, width) with the frames that start at byte `offsets` (n,); neighbours in one go.

    Read, not memory-mapped: the pages of a map count as resident memory.
    """
    size = out[0].nbytes
    starts = np.flatnonzero(np.diff(offsets, prepend=-1) != size)
    for start, stop in zip(starts, [*starts[1:], len(offsets)], strict=True):
        handle.seek(int(offsets[start]))
        run = out[start:stop].data.cast("B")
        if handle.readinto(run) != len(run):  # pyright: ignore[reportAttributeAccessIssue]
            raise EOFError("it ends inside a frame")


class NpyRaw(Raw):
    """A NumPy file, (T, Y, X) or (T, Z, Y, X)."""

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
        super().__init__(
            path,
            "npy",
            frames=math.prod(shape[:-2]),
            image=(shape[-2], shape[-1]),
            dtype=self._stored,
            metadata=Metadata(planes=shape[1]) if len(shape) == 4 else None,
        )
        missing = self._start + math.prod(shape) * self._stored.itemsize - path.stat().st_size
        if missing > 0:
            raise InputError(f"{path}: is truncated, the last {missing:,} bytes are missing; copy it again")

    def _read(self, frames: IntArray, out: NDArray[Any]) -> None:
        with self.path.open("rb") as handle:
            read_frames(handle, self._start + frames.astype(np.int64) * out[0].nbytes, out)
        if not self._stored.isnative:
            out.byteswap(inplace=True)


class ScanboxRaw(Raw):
    """A Scanbox recording: `<name>.sbx` beside its `<name>.mat`.

    Frames are (row, column, channel), inverted (65535 is dark), planes of the optotune interleaved. Read here and
    not through roiextractors 0.10, which keeps whole Hz of the frame rate and only one channel and one plane; its
    layout of the file is otherwise the same (sbxread.m, scanbox.org).
    """

    def __init__(self, path: Path):
        if not path.with_suffix(".mat").is_file():
            raise InputError(
                f"{path}: its {path.stem}.mat, which holds the frame size, is not beside it; copy it there"
            )
        info = _scanbox_info(path.with_suffix(".mat"))
        self._channels = 2 if info.get("channels", -1) == 1 else 1
        if "chan" in info:  # Scanbox 3 and later
            self._channels = int(info["chan"].nchan)
        unidirectional = int(info["scanmode"])
        lines = int(info["recordsPerBuffer"]) * (1 if unidirectional else 2)
        columns = int(np.atleast_1d(info.get("sz", (512, 796)))[1])
        size = lines * columns * self._channels * 2
        samples, rest = divmod(path.with_suffix(".sbx").stat().st_size, size)
        if rest:
            raise InputError(f"{path}: is truncated, its last frame has {rest:,} of {size:,} bytes; copy it again")
        wave = np.atleast_1d(info.get("otwave", ()))
        planes = len(wave) if info.get("volscan", len(wave)) and len(wave) else 1
        rate = float(info["resfreq"]) * (2 - unidirectional) / float(info["config"].lines)
        super().__init__(
            path,
            "scanbox",
            frames=samples * self._channels,
            image=(lines, columns),
            dtype=np.dtype(np.uint16),
            metadata=Metadata(frame_rate=rate / planes, planes=planes, channels=self._channels),
        )

    def _read(self, frames: IntArray, out: NDArray[Any]) -> None:
        samples, channel = np.divmod(frames.astype(np.int64), self._channels)
        stored = out[..., None] if self._channels == 1 else np.empty((*out.shape, self._channels), np.uint16)
        with self.path.with_suffix(".sbx").open("rb") as handle:
            read_frames(handle, samples * stored[0].nbytes, stored)
        for position, which in enumerate(channel):
            np.invert(stored[position, :, :, which].astype("<u2", copy=False), out=out[position])


def _scanbox_info(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    info = loadmat(path, struct_as_record=False, squeeze_me=True)["info"]
    return vars(info)
