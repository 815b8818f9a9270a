"""What is drawn of a ROI."""

import numpy as np
import polars as pl

from groundtrace.arrays import IntArray

EDGE = 0.2
"""Share of the largest weight from which a pixel is drawn; Suite2p keeps no fainter ones, CaImAn keeps them all."""


def outlines(rois: pl.DataFrame) -> list[tuple[IntArray, IntArray]]:
    """(pixel_y, pixel_x) of each ROI without the faint tails of its footprint. rois: the table Rois."""
    found = []
    for y, x, weight in rois.select("pixel_y", "pixel_x", "weight").iter_rows():
        drawn = np.asarray(weight) >= EDGE * max(weight)
        found.append((np.asarray(y, np.int64)[drawn], np.asarray(x, np.int64)[drawn]))
    return found
