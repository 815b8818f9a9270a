"""ROIs drawn in ImageJ or Fiji: `.roi`, or `RoiSet.zip` of the ROI manager."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.given.drawn import Drawn

AREAS = ("POLYGON", "RECT", "OVAL", "FREEHAND", "TRACED")


def read(path: Path, plane: int, planes: int) -> Drawn:
    from roifile import roiread

    try:
        found = roiread(path)
    except (ValueError, IndexError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: cannot be read as ROIs of ImageJ ({error}); save them again: ROI Manager > More > Save"
        ) from error
    rois = found if isinstance(found, list) else [found]
    names = [roi.name or f"ROI {number}" for number, roi in enumerate(rois, start=1)]
    return Drawn([_pixels(path, name, roi) for name, roi in zip(names, rois, strict=True)], names)


def _pixels(path: Path, name: str, roi: Any) -> Footprint:
    outlines = [np.asarray(part, float) for part in roi.coordinates(multi=True)]
    if roi.roitype.name not in AREAS or not any(len(part) > 2 for part in outlines):
        raise InputError(
            f"{path}: ROI {name!r} is of type {roi.roitype.name.lower()} and has no area; draw it with the polygon, "
            "freehand, oval or rectangle tool, or delete it in the ROI manager"
        )
    y, x = inside([part for part in outlines if len(part) > 2])
    if not len(y):
        raise InputError(f"{path}: ROI {name!r} has no pixel inside its outline; draw it larger, or delete it")
    return y, x, np.full(len(y), 1 / len(y), np.float32)


def inside(outlines: list[FloatArray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels whose centres are inside closed outlines (n, 2) of x and y; a hole is an outline
    inside another. Pixel (y, x) reaches from (y, x) to (y + 1, x + 1), as in ImageJ."""
    corners = np.concatenate(outlines)
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    columns, odd = np.arange(left, right) + 0.5, np.zeros((bottom - top, right - left), bool)
    for outline in outlines:
        for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            centres = np.arange(top, bottom) + 0.5
            crossed = np.flatnonzero((centres >= min(y0, y1)) & (centres < max(y0, y1)))
            if len(crossed):
                at = x0 + (centres[crossed] - y0) / (y1 - y0) * (x1 - x0)
                odd[crossed] ^= columns >= at[:, None]
    y, x = np.nonzero(odd)
    return (y + top).astype(np.int32), (x + left).astype(np.int32)
