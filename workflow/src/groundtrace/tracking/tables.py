"""Tables of a field: which ROIs are one cell, and how the sessions lie on each other."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, column


class Tracks(Table, key=("session", "roi")):
    """One row per ROI of every session of a field, in the order of the sessions in time."""

    session: Series[str] = column("", "sub-…/ses-…")
    roi: Series[pl.Int32] = column("", "0-based, of that session", low=0)
    track: Series[pl.Int32] = column(
        "", "0-based; ROIs with the same are one cell; empty: not accepted, or its session was left out", nullable=True
    )
    sessions: Series[pl.Int32] = column("", "in which the track has a ROI", low=1, nullable=True)
    y: Series[pl.Float32] = column("px", "row of its centroid on the field's reference", nullable=True)
    x: Series[pl.Float32] = column("px", "column of its centroid there", nullable=True)
    probability: Series[pl.Float32] = column(
        "",
        "of belonging to this track, calibrated on simulations; of a track of one ROI, of being in no other",
        low=0,
        high=1,
        nullable=True,
    )
    runner_up: Series[pl.Int32] = column("", "the next likely track; empty for none", nullable=True)
    runner_up_probability: Series[pl.Float32] = column(
        "", "of belonging to that one, were it free", low=0, high=1, nullable=True
    )


class Pairs(Table, key=("session", "roi", "other_session", "other_roi")):
    """One row per pair of ROIs of two sessions that may be one cell."""

    session: Series[str] = column("", "the earlier session")
    roi: Series[pl.Int32] = column("", "its ROI", low=0)
    other_session: Series[str] = column("", "the later session")
    other_roi: Series[pl.Int32] = column("", "its ROI", low=0)
    distance: Series[pl.Float32] = column("cell diameters", "between the centroids after alignment", low=0)
    overlap: Series[pl.Float32] = column("", "cosine between the footprints after alignment", low=0)
    probability: Series[pl.Float32] = column(
        "", "of being one cell, when each ROI is at most one of the other session", low=0, high=1
    )


class Alignment(Table, key=("session",)):
    """One row per session of a field, in the order of time: where it lies, and how much was found again.

    A place p of the reference is at q = c + scale R (p - c) + shift + bending(p), with c the middle of the field
    and R the rotation from y to x.
    """

    session: Series[str] = column("", "sub-…/ses-…")
    reference: Series[bool] = column("", "the others lie on it")
    aligned: Series[bool] = column("", "false: left out of the tracks")
    reason: Series[str] = column("", "why it was left out; empty when it was not")
    pixel_size: Series[pl.Float32] = column("µm", "of the field as aligned; empty: not known", nullable=True)
    rotation: Series[pl.Float32] = column("degrees", "against the reference", nullable=True)
    scale: Series[pl.Float32] = column("", "against the reference", low=0, nullable=True)
    shift_y: Series[pl.Float32] = column("px", "of the middle of the field, positive down", nullable=True)
    shift_x: Series[pl.Float32] = column("px", "of the middle of the field, positive right", nullable=True)
    bending_y: Floats = column(
        "px", "displacement beyond that at 5 × 5 places from edge to edge of the reference, row by row"
    )
    bending_x: Floats = column("px", "the same to the right")
    error: Series[pl.Float32] = column(
        "px", "standard error of the displacement, from halves of the field and simulations", low=0, nullable=True
    )
    likeness: Series[pl.Float32] = column(
        "",
        "correlation of its image with the mean of the others after alignment; falls with axial displacement",
        low=-1,
        high=1,
        nullable=True,
    )
    distinct: Series[pl.Float32] = column(
        "", "correlation that aligned it over the SD of those at other shifts; empty for one session", nullable=True
    )
    rois: Series[pl.Int32] = column("", "accepted ROIs; empty: the session failed", low=0, nullable=True)
    found: Series[pl.Float32] = column(
        "", "share of these that have a partner in another session", low=0, high=1, nullable=True
    )
    found_error: Series[pl.Float32] = column("", "its standard error by the probabilities", low=0, nullable=True)
