"""What is drawn of a ROI, and what its shape is judged by."""

from typing import Any

import numpy as np
import polars as pl
from scipy.ndimage import binary_fill_holes, label

from groundtrace.arrays import FloatArray, IntArray

EDGE = 0.2
"""Share of the largest weight from which a pixel is drawn; Suite2p keeps no fainter ones, CaImAn keeps them all."""
SPECK = 0.1
"""Share of the largest piece's pixels below which a piece is not drawn."""


def outlines(rois: pl.DataFrame) -> list[tuple[IntArray, IntArray]]:
    """(pixel_y, pixel_x) of what is drawn of each ROI. rois: the table Rois."""
    return [drawn(*map(np.asarray, row)) for row in rois.select("pixel_y", "pixel_x", "weight").iter_rows()]


def drawn(y: IntArray, x: IntArray, weight: FloatArray) -> tuple[IntArray, IntArray]:
    """(pixel_y, pixel_x) of a footprint without its faint tails, without specks, without holes.

    Holes are the dark nucleus of a cell, or pixels that saturate the detector. Specks are noise in the weights.
    """
    top, left = int(y.min()), int(x.min())
    clear = weight >= EDGE * weight.max()
    image = np.zeros((int(y.max()) - top + 1, int(x.max()) - left + 1), bool)
    image[y[clear] - top, x[clear] - left] = True
    found: Any = label(image)
    pieces: IntArray = found[0]
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    whole = binary_fill_holes((sizes >= SPECK * sizes.max())[pieces] & image)
    rows, columns = np.nonzero(np.asarray(whole))
    return rows + top, columns + left
