"""Tables of motion correction."""

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.tables import Floats, Series, Table, column

AXIAL = {"z": pl.Float32, "z_error": pl.Float32, "away": pl.Boolean} | dict.fromkeys(
    ("axial_mode", "axial_mode_error"), pl.Float32
)
"""Columns of Shifts that say how deep a frame lies."""


class Shifts(Table, version=2):
    """One row per frame: where the tissue was. registered[t, p] = raw[t, p + (y, x)]."""

    frame: Series[pl.Int32] = column("", "0-based frame", low=0, unique=True)
    y: Series[pl.Float32] = column(
        "px", "rigid displacement of the frame's content, positive down; empty: unknown", nullable=True
    )
    x: Series[pl.Float32] = column(
        "px", "rigid displacement of the frame's content, positive right; empty: unknown", nullable=True
    )
    y_error: Series[pl.Float32] = column("px", "standard error of the mean displacement; empty: unknown", nullable=True)
    x_error: Series[pl.Float32] = column("px", "standard error of the mean displacement; empty: unknown", nullable=True)
    correlation: Series[pl.Float32] = column(
        "", "peak of the backend's registration correlation, its own scale; empty: unknown", nullable=True
    )
    block_y: Floats = column("px", "nonrigid displacement beyond (y, x), per block; empty when rigid")
    block_x: Floats = column("px", "nonrigid displacement beyond (y, x), per block; empty when rigid")
    z: Series[pl.Float32] = column(
        "µm", "depth in the z-stack from the recording's median, positive deeper; empty without a stack", nullable=True
    )
    z_error: Series[pl.Float32] = column(
        "µm", "standard error of z, but for a constant that all frames share", low=0, nullable=True
    )
    away: Series[bool] = column("", "z is more than 3 µm from the median: other tissue is seen", nullable=True)
    axial_mode: Series[pl.Float32] = column(
        "SD",
        "without a stack: what changes over the whole field besides brightness and place, sign unknown",
        nullable=True,
    )
    axial_mode_error: Series[pl.Float32] = column("SD", "standard error of axial_mode", low=0, nullable=True)
    template_correlation: Series[pl.Float32] = column(
        "", "Pearson correlation of the registered frame with the template", low=-1, high=1, nullable=True
    )
    bad: Series[bool] = column("", "do not trust this frame")
    reason: Series[str] = column(
        "", "why it is bad: blank, dropped, flash, excluded, lost, jump, decorrelated; empty when good"
    )


def depth_of(shifts: pl.DataFrame) -> FloatArray | None:
    """What is known of the depth of each frame: in the z-stack (µm), else the axial mode (SD); None where neither
    is."""
    known = next((name for name in ("z", "axial_mode") if shifts[name].null_count() < shifts.height), None)
    return None if known is None else shifts[known].to_numpy().astype(np.float64)


class MotionQuality(Table, version=2):
    """One row per plane and motion backend."""

    template_correlation_before: Series[pl.Float32] = column(
        "", "median over frames of the correlation of raw frames with the template", nullable=True
    )
    template_correlation: Series[pl.Float32] = column("", "the same of registered frames", nullable=True)
    crispness_before: Series[pl.Float32] = column(
        "", "norm of the gradient of the mean image over its mean, raw", nullable=True
    )
    crispness: Series[pl.Float32] = column("", "the same of the registered movie", nullable=True)
    residual_motion: Series[pl.Float32] = column(
        "px",
        "estimated displacement that is left, root mean square over field and good frames, from two halves of the "
        "pixels of raw frames",
        low=0,
        nullable=True,
    )
    residual_motion_95: Series[pl.Float32] = column(
        "px", "95th percentile over stretches of about a second of the same", low=0, nullable=True
    )
    displacement: Series[pl.Float32] = column(
        "px", "median length of the rigid shift from its median", low=0, nullable=True
    )
    displacement_max: Series[pl.Float32] = column(
        "px", "largest length of the rigid shift from its median", low=0, nullable=True
    )
    bad_frames: Series[pl.Int32] = column("", "frames marked bad", low=0)
