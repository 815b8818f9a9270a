"""Tables of raw recordings."""

import polars as pl
from pandera.typing.polars import Series

from groundtrace.tables import Table, column


class Frames(Table):
    """Raw frames of a plane, as acquired."""

    frame: Series[pl.Int32] = column("", "0-based frame of this plane", low=0, unique=True)
    brightness: Series[pl.Float32] = column("detector units", "mean pixel value", nullable=True)
    saturated: Series[pl.Float32] = column(
        "fraction", "share of pixels at or above saturation", low=0, high=1, nullable=True
    )
    blank: Series[bool] = column("", "no signal: shutter closed, or a frame without light")
    dropped: Series[bool] = column("", "a repeat of the frame before, pixel by pixel: the acquisition lost a frame")
    time: Series[pl.Float64] = column("s", "since the first frame, from the file's stamps or else from the rate", low=0)
    segment: Series[pl.Int32] = column("", "0-based stretch of frames without a gap or a border of files", low=0)


class RawQuality(Table):
    """One row per plane: is this recording fit for analysis."""

    frames: Series[pl.Int32] = column("", "frames of this plane", low=2)
    gain: Series[pl.Float32] = column("detector units per photon", "slope of variance on mean", nullable=True)
    offset: Series[pl.Float32] = column("detector units", "pixel value at zero photons", nullable=True)
    photons: Series[pl.Float32] = column("photons per pixel and frame", "mean over the field", nullable=True)
    brightness: Series[pl.Float32] = column("detector units", "mean over the movie", nullable=True)
    brightness_drift: Series[pl.Float32] = column(
        "fraction", "last tenth against first tenth, minus one", nullable=True
    )
    saturated: Series[pl.Float32] = column("fraction", "share of saturated pixels", low=0, high=1, nullable=True)
    blank_frames: Series[pl.Int32] = column("", "frames without light", low=0, nullable=True)
    dropped_frames: Series[pl.Int32] = column("", "exact repeats of the frame before", low=0, nullable=True)
