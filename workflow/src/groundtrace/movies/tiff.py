"""TIFF in all its dialects: plain, BigTIFF, ImageJ (above 4 GB too), OME-TIFF, ScanImage."""

import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.binary import read_frames
from groundtrace.movies.raw import Metadata, Raw
from groundtrace.movies.tiff_metadata import Described, from_imagej, from_ome, from_scanimage


class TiffRaw(Raw):
    """One TIFF file; frames are read at their offsets, or decoded when they are compressed.

    It is opened for each read: a session may have more files, one a frame, than a process may hold open.
    """

    def __init__(self, path: Path):
        with _open(path) as tif:
            if not tif.pages:
                raise InputError(f"{path}: holds no image; copy it again from the microscope")
            page = tif.pages.first
            _check_image(path, page)
            stack = _contiguous_stack(tif)
            self._offsets, stop = (stack, int(stack[-1]) + page.nbytes) if stack is not None else _page_offsets(tif)
            if stop > path.stat().st_size:
                raise InputError(
                    f"{path}: is truncated: its last frame should end at byte {stop:,}, the file has "
                    f"{path.stat().st_size:,}; copy it again, or save the frames it has as a new file"
                )
            if not page.is_final:
                self._offsets = None
            frames = len(stack) if stack is not None else len(tif.pages)
            described = _described(tif, frames)
            self._order = described.order
            self._swapped = (tif.byteorder == "<") != (sys.byteorder == "little")
            super().__init__(
                path,
                "tiff",
                frames=frames,
                image=(page.imagelength, page.imagewidth),
                dtype=cast(np.dtype, page.dtype),
                metadata=described.metadata,
            )

    def _read(self, frames: IntArray, out: NDArray[Any]) -> None:
        pages = frames if self._order is None else self._order[frames]
        if self._offsets is None:
            with _open(self.path) as tif:
                out[...] = tif.asarray(key=pages.tolist()).reshape(out.shape)
            return
        with self.path.open("rb") as handle:
            read_frames(handle, self._offsets[pages], out)
        if out.itemsize > 1 and self._swapped:
            out.byteswap(inplace=True)


def _open(path: Path) -> tifffile.TiffFile:
    # Were it told of ScanImage, the library would guess the pages of small files from their size, and miss the last.
    return tifffile.TiffFile(path, is_scanimage=False)


def _check_image(path: Path, page: tifffile.TiffPage) -> None:
    if page.samplesperpixel > 1 or page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        raise InputError(
            f"{path}: is a colour image ({page.samplesperpixel} samples per pixel); export the raw grey values of each "
            "channel, channels as separate frames"
        )
    if page.ndim != 2 or page.dtype is None:
        raise InputError(f"{path}: its images have shape {page.shape}, a frame has two axes (Y, X); export it again")


def _contiguous_stack(tif: tifffile.TiffFile) -> IntArray | None:
    """Offsets of frames that follow the first page without pages of their own.

    So ImageJ writes stacks above 4 GB, and tifffile those that it is asked to truncate.
    """
    page = tif.pages.first
    if tif.is_imagej:
        frames = int((tif.imagej_metadata or {}).get("images", 1))
    elif tif.is_shaped:
        frames = int(np.prod((tif.shaped_metadata or ({"shape": ()},))[0]["shape"][:-2]))
    else:
        return None
    if not page.is_final or frames <= 1 or len(tif.pages) >= frames:
        return None
    return page.dataoffsets[0] + np.arange(frames, dtype=np.int64) * page.nbytes


def _page_offsets(tif: tifffile.TiffFile) -> tuple[IntArray | None, int]:
    """Byte at which each page's image starts (None when any is in pieces), and where the last byte of all lies."""
    pages, first = tif.pages, tif.pages.first
    count = len(pages)
    _check_chain(tif, count)
    starts = np.empty(count, np.int64)
    whole, stop = True, 0
    for number in range(count):
        # Read and let go: a million pages would fill the memory.
        page = pages.get(number)
        if page.hash != first.hash:
            raise InputError(
                f"{tif.filehandle.path}: page {number} is {page.shape} {page.dtype}, the first is {first.shape} "
                f"{first.dtype}; a movie has one size and type: save previews and overviews as other files"
            )
        offsets, sizes = page.dataoffsets, page.databytecounts
        if not offsets:
            raise InputError(f"{tif.filehandle.path}: page {number} has no image; copy the file again")
        starts[number] = offsets[0]
        whole = whole and all(a + n == b for a, n, b in zip(offsets, sizes, offsets[1:], strict=False))
        stop = max(stop, *(offset + size for offset, size in zip(offsets, sizes, strict=False)))
    return (starts if whole else None), stop


def _check_chain(tif: tifffile.TiffFile, count: int) -> None:
    """Raise when the last page points to another that is not there: the library stops without an error."""
    handle, tiff = tif.filehandle, tif.tiff
    handle.seek(tif.pages.next_page_offset or 0)
    pointer = handle.read(tiff.offsetsize)
    if len(pointer) < tiff.offsetsize or any(pointer):
        raise InputError(
            f"{handle.path}: is truncated or still being written: page {count - 1} is followed by one that is not in "
            "the file; wait until the acquisition has ended, or copy it again"
        )


def _described(tif: tifffile.TiffFile, pages: int) -> Described:
    path = Path(tif.filehandle.path)
    if tif.pages.first.is_scanimage:
        return from_scanimage(path, tif)
    if tif.is_ome and tif.ome_metadata:
        return from_ome(path, tif.ome_metadata, pages)
    if tif.is_imagej:
        return from_imagej(tif, pages)
    return Described(Metadata())
