"""Events of astrocytes against those of a simulated recording."""

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray

OVERLAP = 0.2
"""Least intersection over union of the areas of a pair."""


def matched(found: pl.DataFrame, true: pl.DataFrame, side: int, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Rows of AstrocyteEvents and TruthEvents that are pairs: they last at one time, and their areas overlap most.

    side: px of an averaged pixel. shape: (height, width) of the recording.
    """
    areas = [_images(table, side, shape) for table in (found, true)]
    alike = areas[0] @ areas[1].T
    alike = alike / np.maximum(areas[0].sum(axis=1)[:, None] + areas[1].sum(axis=1) - alike, 1)
    starts, lasts = ([table[name].to_numpy() for table in (found, true)] for name in ("start_time", "duration"))
    late = np.maximum(starts[0][:, None], starts[1])
    early = np.minimum((starts[0] + lasts[0])[:, None], starts[1] + lasts[1])
    alike = np.where(early > late, alike, 0)
    pairs = []
    while alike.size and alike.max() > OVERLAP:
        one, other = np.unravel_index(alike.argmax(), alike.shape)
        pairs.append((int(one), int(other)))
        alike[one], alike[:, other] = 0, 0
    return pairs


def _images(table: pl.DataFrame, side: int, shape: tuple[int, int]) -> FloatArray:
    """(events, pixels) 1 in the averaged pixels of each."""
    rows, columns = shape[0] // side, shape[1] // side
    images = np.zeros((table.height, rows, columns), np.float32)
    for image, y, x in zip(images, table["pixel_y"], table["pixel_x"], strict=True):
        at_y, at_x = (np.asarray(places) // side for places in (y, x))
        kept = (at_y < rows) & (at_x < columns)
        image[at_y[kept], at_x[kept]] = 1
    return images.reshape(len(images), rows * columns)
