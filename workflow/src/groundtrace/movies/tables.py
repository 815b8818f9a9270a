"""Tables of raw recordings."""

import polars as pl

from groundtrace.arrays import BoolArray
from groundtrace.tables import Series, Table, column

UNUSABLE = ("blank", "dropped", "flash", "excluded")
"""Columns of Frames: why nothing is to be told from a frame."""


def unusable(frames: pl.DataFrame) -> BoolArray:
    """(n_frames,) frames of a table Frames from which nothing is to be told."""
    return frames.select(pl.any_horizontal(UNUSABLE)).to_series().to_numpy()


def unseen(frames: pl.DataFrame) -> BoolArray:
    """(n_frames,) those that do not show the tissue, or not as it is; a repeat of a frame does."""
    return frames.select(pl.any_horizontal("blank", "flash", "excluded")).to_series().to_numpy()


class Frames(Table):
    """Raw frames of a plane, as acquired."""

    frame: Series[pl.Int32] = column("", "0-based frame of this plane", low=0, unique=True)
    brightness: Series[pl.Float32] = column("detector units", "mean pixel value", nullable=True)
    saturated: Series[pl.Float32] = column(
        "fraction", "share of pixels at or above saturation", low=0, high=1, nullable=True
    )
    blank: Series[bool] = column("", "no signal in the frame or a part of it: shutter closed, or no light")
    dropped: Series[bool] = column("", "a repeat of the frame before, pixel by pixel: the acquisition lost a frame")
    flash: Series[bool] = column("", "light that is not the tissue's: rows far brighter than usual, for a moment")
    excluded: Series[bool] = column("", "by the user: the sheet's column `exclude`")
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
    flash_frames: Series[pl.Int32] = column("", "frames with light that is not the tissue's", low=0, nullable=True)
