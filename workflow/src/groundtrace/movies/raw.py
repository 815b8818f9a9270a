"""What every reader of raw movies promises, and the one function that opens them."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from natsort import natsorted
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.sessions import Format

# What the libraries behind the readers raise for a file they cannot make sense of.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,  # roiextractors, where an element of the XML is not there
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,  # XML parsers
    TypeError,
    ValueError,
    struct.error,
    tifffile.TiffFileError,
)

FILES: tuple[Format, ...] = ("tiff", "hdf5", "nwb", "npy", "scanbox", "femtonics", "inscopix")
"""Formats whose recordings are not folders."""

# First bytes of a file, and the formats that start with them.
MAGIC: dict[bytes, tuple[Format, ...]] = {
    b"II*\0": ("tiff",),
    b"MM\0*": ("tiff",),
    b"II+\0": ("tiff",),
    b"MM\0+": ("tiff",),
    b"\x89HDF": ("hdf5", "nwb", "femtonics"),
    b"\x93NUMPY": ("npy",),
}


@dataclass(frozen=True)
class Metadata:
    """What a raw file says about itself; None where it says nothing."""

    frame_rate: float | None = None
    """Hz of one plane when the file declares its planes, else of consecutive frames."""
    planes: int | None = None
    channels: int | None = None
    flyback: int = 0
    """Frames to skip after the last plane of each volume, all channels together."""
    pixel_size: float | None = None
    """µm."""
    members: tuple[str, ...] = ()
    """Names of all files of the data set that this file says it is part of."""


class Raw(ABC):
    """One raw file (or folder) as a row of frames in the order time > plane > channel, channel fastest."""

    block: int = 1
    """Frames that are stored, compressed, together: reading a multiple of it is cheapest."""

    def __init__(
        self,
        path: Path,
        format: Format,
        *,
        frames: int,
        image: tuple[int, int],
        dtype: np.dtype[Any],
        metadata: Metadata | None = None,
    ):
        self.path = path
        self.format: Format = format
        self.frames = frames
        """Raw frames of all planes and channels, flyback included."""
        self.height, self.width = image
        self.dtype = dtype.newbyteorder("=")
        if dtype.kind not in "iuf":
            raise InputError(f"{path}: pixels are of type {dtype}, allowed are integers; export it again")
        self.metadata = metadata or Metadata()

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        """Read the raw frames numbered `frames` (n,), increasing, into `out` (n, height, width), C-contiguous."""
        with reading(self.path, self.format):
            self._read(frames, out)

    @abstractmethod
    def _read(self, frames: IntArray, out: NDArray[Any]) -> None: ...

    def close(self) -> None:  # noqa: B027
        """Release the file, for readers that hold one."""


def open_raw(path: Path, format: Format) -> Raw:
    """Open a raw file; raises InputError, naming file and next step, when it is not what `format` says."""
    if not path.exists():
        raise InputError(f"{path}: does not exist; correct the column path of the sheet")
    if path.is_dir() and format in FILES:
        raise InputError(f"{path}: is a folder; write the files in it in the column path, for example {path}/*")
    if not any(part.stat().st_size for part in source_files(path, format)):
        raise InputError(f"{path}: is empty; copy it again from the microscope")
    with reading(path, format):
        return _open(path, format)


def _open(path: Path, format: Format) -> Raw:
    # Each reader imports its own libraries: pynwb and roiextractors take seconds.
    match format:
        case "tiff":
            from groundtrace.movies.tiff import TiffRaw

            return TiffRaw(path)
        case "npy" | "scanbox":
            from groundtrace.movies.binary import NpyRaw, ScanboxRaw

            return NpyRaw(path) if format == "npy" else ScanboxRaw(path)
        case "hdf5" | "nwb" | "zarr":
            from groundtrace.movies import stores

            return {"hdf5": stores.open_hdf5, "nwb": stores.open_nwb, "zarr": stores.open_zarr}[format](path)
        case _:
            from groundtrace.movies.vendors import OPENERS

            return OPENERS[format](path)


@contextmanager
def reading(path: Path, format: Format) -> Iterator[None]:
    """Turn the errors of the libraries into one that names the file and the next step."""
    try:
        yield
    except FAULTS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{path}: cannot be read as {format}: {reason.rstrip('.')}; {_next_step(path, format)}"
        ) from error


def _next_step(path: Path, format: Format) -> str:
    if path.is_file():
        with path.open("rb") as handle:
            start = handle.read(64)
        for magic, formats in MAGIC.items():
            if start.startswith(magic) and format not in formats:
                return f"its content looks like {' or '.join(formats)}: write that in the column format"
        if start and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
            return "its content is text: correct the column path"
    return "check the column format; if no other program opens it either, copy it again from the microscope"


def source_files(path: Path, format: Format) -> tuple[Path, ...]:
    """Every file behind one entry of the sheet, in natural order."""
    if path.is_file() and format == "thor":
        path = path.parent
    if path.is_dir():
        return tuple(natsorted((part for part in path.rglob("*") if part.is_file()), key=str))
    if format == "scanbox":
        return tuple(part for part in (path.with_suffix(".mat"), path.with_suffix(".sbx")) if part.is_file())
    return (path,)
