"""ROIs as a RoiSet.zip of ImageJ and Fiji."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from roifile import ImagejRoi

from groundtrace.arrays import BoolArray, IntArray
from groundtrace.extraction.outlines import outlines
from groundtrace.io import atomic

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every member: the same ROIs give the same bytes."""


def write_rois(path: Path | str, rois: pl.DataFrame) -> None:
    """Write the outlines of ROIs (table Rois), named by their number, `0007` or `0007-rejected`.

    A faint tail of a footprint is not drawn, as on the session page. The polygon runs along the edges of pixels, so
    that its inside is exactly these pixels.
    """
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        numbers = rois.select("roi", "accepted").iter_rows()
        for (roi, accepted), (y, x) in zip(numbers, outlines(rois), strict=True):
            name = f"{roi:04d}" if accepted else f"{roi:04d}-rejected"
            member = zipfile.ZipInfo(f"{name}.roi", EPOCH)
            archive.writestr(member, ImagejRoi.frompoints(polygon(y, x), name=name).tobytes())


def polygon(y: IntArray, x: IntArray) -> IntArray:
    """(n, 2) corners x, y of one polygon around pixels.

    Parts and holes are loops of their own. All begin and end at the corner where the first one begins: ways there and
    back enclose nothing.
    """
    top, left = y.min(), x.min()
    mask = np.zeros((y.max() - top + 3, x.max() - left + 3), bool)
    mask[y - top + 1, x - left + 1] = True
    path: list[tuple[int, int]] = []
    for loop in _loops(mask):
        path += [*loop, loop[0], *path[:1]]
    return np.array(path) + np.array([left - 1, top - 1])


def _loops(mask: BoolArray) -> Iterator[list[tuple[int, int]]]:
    """Corners (x, y) of each closed border of `mask`, whose outermost pixels are False."""
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j in np.argwhere(mask).tolist():
        corners = ((j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1))
        beyond = ((i - 1, j), (i, j + 1), (i + 1, j), (i, j - 1))
        for k, neighbour in enumerate(beyond):
            if not mask[neighbour]:
                following.setdefault(corners[k], []).append(corners[(k + 1) % 4])
    while following:
        loop = [next(iter(following))]
        while loop[-1] in following:
            loop.append(_next(following, loop[-1]))
        yield _corners(loop[:-1])


def _next(following: dict[tuple[int, int], list[tuple[int, int]]], corner: tuple[int, int]) -> tuple[int, int]:
    """Takes the edge that begins at a corner; of two, where pixels touch, either."""
    found = following[corner].pop()
    if not following[corner]:
        del following[corner]
    return found


def _corners(loop: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A closed loop without the points at which it goes straight on."""
    around = zip(loop[-1:] + loop[:-1], loop, loop[1:] + loop[:1], strict=True)
    return [here for before, here, after in around if before[0] != after[0] and before[1] != after[1]]
