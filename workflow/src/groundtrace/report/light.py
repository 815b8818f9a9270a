"""Envelopes of traces in detector units, which are read one column at a time."""

import math

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.report.html import envelope

LIGHT_SAMPLES = 800_000
"""Samples of fluorescence and neuropil of all ROIs together; about 1 MB in the page."""


def light_envelope(column: pl.Series) -> FloatArray:
    """(n_rois, samples) envelopes of traces in detector units, as coarse as their number wants; NaN where empty."""
    rois = len(column)
    frames = int(column.list.len().max() or 0) if rois else 0  # pyright: ignore[reportArgumentType]
    bins = min(1000, max(50, LIGHT_SAMPLES // (4 * max(rois, 1))), max(1, math.ceil(frames / 2)))
    found = np.full((rois, min(frames, 2 * bins)), np.nan, np.float32)
    for i in range(rois):
        values = column[i].to_numpy()
        if values.size:
            found[i] = envelope(values, bins)
    return found
