"""TIFF in all its dialects: plain, BigTIFF, ImageJ (above 4 GB too), OME-TIFF, ScanImage."""

import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.line_fields import line_fields, lines_file
from groundtrace.movies.notes import tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw, files_of
from groundtrace.movies.scanimage import FrameHeader, describe_scanimage, frame_header, stamps
from groundtrace.movies.stored_frames import read_frames
from groundtrace.movies.tiff_metadata import Described, from_imagej, from_ome, open_tiff

if TYPE_CHECKING:
    import tifffile


class TiffRaw(Raw):
    """One TIFF file; frames are read at their offsets, or decoded when they are compressed.

    It is opened for each read: a session may have more files, one a frame, than a process may hold open.
    """

    def __init__(self, path: Path):
        with open_tiff(path) as tif:
            if not tif.pages:
                raise InputError(f"{path}: holds no image; copy it again from the microscope")
            page = tif.pages.first
            _check_image(path, page)
            found = _contiguous_stack(tif) or _pages(tif)
            if found.broken_off:
                tell_cut_short(path, found.frames, found.expected)
            self.broken_off = found.broken_off
            self._offsets = found.offsets if page.is_final else None
            described = _described(tif, found.frames)
            self._order, self.times = described.order, described.times
            self._swapped = (tif.byteorder == "<") != (sys.byteorder == "little")
            if found.headers:
                self.numbers, self.times = stamps(found.headers, described.metadata.channels or 1)
            super().__init__(
                path,
                frames=found.frames,
                image=(page.imagelength, page.imagewidth),
                dtype=cast(np.dtype, page.dtype),
                metadata=_in_fields(path, page, described.metadata),
            )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        pages = frames if self._order is None else self._order[frames]
        if self._offsets is None:
            with open_tiff(self.path) as tif:
                out[...] = tif.asarray(key=pages.tolist()).reshape(out.shape)
            return
        with self.path.open("rb") as handle:
            read_frames(handle.fileno(), self._offsets[pages], out)
        if out.itemsize > 1 and self._swapped:
            out.byteswap(inplace=True)


def _check_image(path: Path, page: "tifffile.TiffPage") -> None:
    # A palette is for display: the pixels are grey values.
    if page.samplesperpixel > 1:
        raise InputError(
            f"{path}: is a colour image ({page.samplesperpixel} samples per pixel); export the raw grey values of each "
            "channel, channels as separate frames"
        )
    if page.ndim != 2 or page.dtype is None:
        raise InputError(f"{path}: its images have shape {page.shape}, a frame has two axes (Y, X); export it again")


@dataclass(frozen=True)
class Found:
    """The whole frames of a file."""

    frames: int
    offsets: IntArray | None
    """Byte at which each starts; None when any is in pieces."""
    broken_off: bool = False
    """Frames are missing at the end."""
    expected: int | None = None
    """Frames there should be, when that is known."""
    headers: Sequence[FrameHeader] = ()
    """What ScanImage writes into each page."""


def _contiguous_stack(tif: "tifffile.TiffFile") -> Found | None:
    """Frames that follow the first page without pages of their own.

    So ImageJ writes stacks above 4 GB, and tifffile those that it is asked to truncate. Files of an image sequence
    may keep the number of frames of the stack that they were saved from: then only one frame is there.
    """
    page = tif.pages.first
    if tif.is_imagej:
        frames = int((tif.imagej_metadata or {}).get("images", 1))
    elif tif.is_shaped:
        # Of the first page alone: the library would read all of them, and fail in a file that was cut short.
        frames = int(np.prod(json.loads(page.shaped_description or "{}").get("shape", ())[:-2]))
    else:
        return None
    start = page.dataoffsets[0]
    whole = min(frames, (tif.filehandle.size - start) // page.nbytes)
    if not page.is_final or len(tif.pages) > 1 or whole <= 1 or page.offset > start:
        return None
    return Found(whole, start + np.arange(whole, dtype=np.int64) * page.nbytes, whole < frames, frames)


def _pages(tif: "tifffile.TiffFile") -> Found:
    """Pages, as far as they are whole."""
    pages, first = tif.pages, tif.pages.first
    count = len(pages)
    starts, headers, contiguous = np.empty(count, np.int64), [], True
    for number in range(count):
        # Read and let go: a million pages would fill the memory.
        page = _whole_page(tif, number)
        if page is None:
            expected = None if _chain_is_broken(tif) else count
            return Found(number, starts[:number] if contiguous else None, True, expected, headers)
        starts[number] = page.dataoffsets[0]
        ends = [offset + size for offset, size in zip(page.dataoffsets, page.databytecounts, strict=False)]
        contiguous = contiguous and ends[:-1] == list(page.dataoffsets[1:])
        if first.is_scanimage:
            headers.append(frame_header(page.description))
    return Found(count, starts if contiguous else None, _chain_is_broken(tif), None, headers)


def _whole_page(tif: "tifffile.TiffFile", number: int) -> "tifffile.TiffPage | None":
    """A page, checked; None when the file ends inside it."""
    first, path = tif.pages.first, tif.filehandle.path
    try:
        page = cast("tifffile.TiffPage", tif.pages.get(number))
    except (ValueError, struct.error):
        return None
    if page.hash != first.hash:
        raise InputError(
            f"{path}: page {number} is {page.shape} {page.dtype}, the first is {first.shape} {first.dtype}; a movie "
            "has one size and type: save previews and overviews as other files"
        )
    offsets, sizes = page.dataoffsets, page.databytecounts
    if not offsets:
        raise InputError(f"{path}: page {number} has no image; copy the file again")
    last = max(offset + size for offset, size in zip(offsets, sizes, strict=False))
    return page if last <= tif.filehandle.size else None


def _chain_is_broken(tif: "tifffile.TiffFile") -> bool:
    """The last page points to another that is not there: the library stops without an error."""
    handle, tiff = tif.filehandle, tif.tiff
    handle.seek(tif.pages.next_page_offset or 0)
    pointer = handle.read(tiff.offsetsize)
    return len(pointer) < tiff.offsetsize or any(pointer)


def _described(tif: "tifffile.TiffFile", pages: int) -> Described:
    path = Path(tif.filehandle.path)
    if tif.pages.first.is_scanimage:
        return Described(describe_scanimage(path, tif))
    if tif.is_ome and tif.ome_metadata:
        return from_ome(path, tif.ome_metadata, pages)
    if tif.is_imagej:
        return from_imagej(tif, pages)
    return Described(Metadata())


def _in_fields(path: Path, page: "tifffile.TiffPage", metadata: Metadata) -> Metadata:
    """With the scan fields of Suite2p's JSON, where the file itself tells none."""
    fields = metadata.fields or line_fields(path, page.imagelength, page.imagewidth)
    return replace(metadata, fields=fields)


def _files(path: Path) -> tuple[Path, ...]:
    lines = lines_file(path)
    return (path, lines) if lines else files_of(path)


FORMAT = Format(
    TiffRaw, suffixes=(".tif", ".tiff", ".btf"), magic=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), files=_files
)
