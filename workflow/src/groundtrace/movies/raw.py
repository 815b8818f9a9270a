"""What a format of raw movies brings, and what its reader promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted, ns
from numpy.typing import NDArray

from groundtrace.acquisition import Setting
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError


@dataclass(frozen=True)
class ScanField:
    """One of several fields of view that were scanned in turn and stacked in one image."""

    top: int
    height: int
    """Rows of the image."""
    width: int
    pixel_size: float | None = None
    """µm."""


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
    """Names of all files of the data set that this file says it is part of, in the order of their frames."""
    zoom: float | None = None
    """Of the scanner, without unit: files of one recording have the same."""
    fields: tuple["ScanField", ...] = ()
    """Scan fields stacked in each image, top to bottom; none when the image is one field."""
    settings: tuple[Setting, ...] = field(default=(), compare=False)
    """Of the microscope; nothing of how the movie is read."""


class Raw(ABC):
    """One raw file (or folder) as a row of frames in the order time > plane > channel, channel fastest.

    `metadata` is what it says of the whole recording, `times` and `numbers` of each frame.
    """

    format: str
    """Name of its format, from `open_raw`."""
    block: int = 1
    """Frames that are stored, compressed, together: reading a multiple of it is cheapest."""
    times: FloatArray | None = None
    """Seconds of each raw frame on a clock of the file, (frames,), from its stamps; None when it has none."""
    numbers: IntArray | None = None
    """Each raw frame's number since the start of its acquisition, 0-based, (frames,): lost frames are missing in it,
    and it starts again with each acquisition. None when the file does not count."""
    broken_off: bool = False
    """The file ended too early: what follows does not continue its last volume."""

    def __init__(
        self,
        path: Path,
        *,
        frames: int,
        image: tuple[int, int],
        dtype: np.dtype[Any],
        metadata: Metadata | None = None,
    ):
        self.path = path
        self.frames = frames
        """Raw frames of all planes and channels, flyback included."""
        self.height, self.width = image
        self.dtype = dtype.newbyteorder("=")
        if dtype.kind not in "iuf":
            raise InputError(f"{path}: pixels are of type {dtype}, allowed are integers; export it again")
        self.metadata = metadata or Metadata()

    @abstractmethod
    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        """Read the raw frames numbered `frames` (n,), increasing, into `out` (n, height, width), C-contiguous."""

    def close(self) -> None:  # noqa: B027
        """Release the file, for readers that hold one."""


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Numbers by value, and a name before the same name continued: rec, rec-1, rec-2, rec-10."""
    return natsorted(paths, alg=ns.PATH)


def files_of(path: Path) -> tuple[Path, ...]:
    """The file, or all files of the folder in natural order."""
    if path.is_dir():
        return tuple(natural_order(part for part in path.rglob("*") if part.is_file()))
    return (path,)


@dataclass(frozen=True)
class Format:
    """One format of raw movies. The config lists all of them, so a format's library is imported inside `open`."""

    open: Callable[[Path], Raw]
    """May raise what the library raises; `open_raw` says it in our words."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of its files, lower case; a format without any is named in the column format of the sheet."""
    magic: tuple[bytes, ...] = ()
    """First bytes of its files, one of these."""
    folder: bool = False
    """A recording may be a folder."""
    folder_signs: tuple[str, ...] = ()
    """Files by which a folder is known to be of this format; `{folder}` is its name."""
    files: Callable[[Path], tuple[Path, ...]] = files_of
    """All files behind one entry of the sheet, in natural order."""
    registered: Callable[[Path], bool] = lambda path: False
    """Whether its movie is motion-corrected already, by its name."""
