"""What is drawn of a ROI."""

import numpy as np
import polars as pl
from scipy.ndimage import binary_fill_holes

from groundtrace.arrays import FloatArray, IntArray

EDGE = 0.2
"""Share of the largest weight from which a pixel is drawn; Suite2p keeps no fainter ones, CaImAn keeps them all."""


def outlines(rois: pl.DataFrame) -> list[tuple[IntArray, IntArray]]:
    """(pixel_y, pixel_x) of each ROI without the faint tails of its footprint. rois: the table Rois.

    Holes are filled: the dark nucleus of a cell, pixels that saturate the detector.
    """
    return [_drawn(*map(np.asarray, row)) for row in rois.select("pixel_y", "pixel_x", "weight").iter_rows()]


def _drawn(y: IntArray, x: IntArray, weight: FloatArray) -> tuple[IntArray, IntArray]:
    top, left = int(y.min()), int(x.min())
    clear = weight >= EDGE * weight.max()
    image = np.zeros((int(y.max()) - top + 1, int(x.max()) - left + 1), bool)
    image[y[clear] - top, x[clear] - left] = True
    rows, columns = np.nonzero(np.asarray(binary_fill_holes(image)))
    return rows + top, columns + left
