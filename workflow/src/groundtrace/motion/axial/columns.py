"""The columns of axial motion in the table Shifts."""

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, Movie
from groundtrace.motion.axial.depth import frame_depths
from groundtrace.motion.axial.mode import axial_mode
from groundtrace.movies.tables import unseen
from groundtrace.movies.z_stack import ZStack
from groundtrace.notices import notice

AWAY = 3.0
"""µm, half the radius of a soma: a frame that is farther from the usual depth shows other tissue."""
COVERED = 0.95
"""Share of frames in which a pixel is from inside the field, where it counts."""


def with_axial_motion(
    shifts: pl.DataFrame,
    registered: Movie,
    frames: pl.DataFrame,
    images: dict[str, np.ndarray],
    frame_rate: float,
    stack: ZStack | None = None,
) -> pl.DataFrame:
    """Table Shifts of a registered movie, with the depth of each frame in the stack; without one with the recording's
    own axial mode.

    frames: table Frames of the plane. images: template and coverage of the registration.
    """
    lit, seen = ~unseen(frames), images["coverage"] >= COVERED
    if not seen.any() or not lit.any():
        return shifts
    if stack is None:
        # A mode of the field needs frames that lie where they should.
        found = axial_mode(registered, seen, lit & ~shifts["bad"].to_numpy(), frame_rate)
        if found is None:
            return shifts
        error = np.full(shifts.height, found.error)
        return shifts.with_columns(axial_mode=_single(found.value), axial_mode_error=_single(error))
    segment = frames["segment"].to_numpy()
    begins = np.concatenate([[True], np.diff(segment) != 0])
    depth = frame_depths(registered, stack, images["template"], seen, lit, begins, frame_rate)
    edge = abs(stack.step) * (len(stack.planes) - 1)
    if not abs(stack.step) <= depth.place * np.sign(stack.step) <= edge - abs(stack.step):
        notice(
            "edge_of_z_stack",
            f"the recording lies at the edge of its z-stack ({abs(depth.place):.0f} of {edge:.0f} µm): depths beyond "
            "cannot be told; take a stack that reaches 10 µm to either side of the plane",
        )
    return shifts.with_columns(
        z=_single(depth.z), z_error=_single(depth.error), away=pl.Series(np.abs(depth.z) > AWAY, dtype=pl.Boolean)
    )


def _single(values: FloatArray) -> pl.Series:
    return pl.Series(values.astype(np.float32))
