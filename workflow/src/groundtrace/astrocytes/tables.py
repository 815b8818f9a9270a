"""The tables of astrocytes."""

import polars as pl

from groundtrace.tables import Floats, Ints, Series, Table, column


class AstrocyteEvents(Table):
    """One row per event of astrocytes: light above the baseline that is connected in space and time."""

    event: Series[pl.Int32] = column("", "0-based, in the order of time", low=0, unique=True)
    start_time: Series[pl.Float32] = column("s", "the mean dF/F of its area rises through half of its peak")
    start_time_error: Series[pl.Float32] = column("s", "standard error of start_time", low=0, nullable=True)
    stop_time: Series[pl.Float32] = column("s", "...and falls through it")
    stop_time_error: Series[pl.Float32] = column("s", "standard error of stop_time", low=0, nullable=True)
    duration: Series[pl.Float32] = column("s", "between the two", low=0)
    duration_error: Series[pl.Float32] = column("s", "standard error of duration", low=0, nullable=True)
    peak: Series[pl.Float32] = column("fraction", "largest mean dF/F of its area")
    peak_error: Series[pl.Float32] = column("fraction", "standard error of peak", low=0, nullable=True)
    area: Series[pl.Float32] = column(
        "µm²", "where dF/F is above half of the event's; missing without a pixel size", low=0, nullable=True
    )
    area_px: Series[pl.Float32] = column("px", "the same, in pixels of the movie", low=0)
    area_error: Series[pl.Float32] = column("fraction", "standard error of area, over area", low=0)
    y: Series[pl.Float32] = column("px", "row of its centroid", low=0)
    x: Series[pl.Float32] = column("px", "column of its centroid", low=0)
    speed: Series[pl.Float32] = column(
        "µm/s", "of its front from where it starts; missing where it is not told from all at once", low=0, nullable=True
    )
    speed_error: Series[pl.Float32] = column("µm/s", "standard error of speed", low=0, nullable=True)
    mass: Series[pl.Float32] = column(
        "", "sum over its voxels of how far light is above the threshold, noise SD", low=0
    )
    cut: Series[bool] = column("", "it reaches a border of the field, or the first or last second")
    pixel_y: Ints = column("px", "rows of the centres of its pixels")
    pixel_x: Ints = column("px", "columns of the centres of its pixels")
    onset: Floats = column("s", "when each pixel rises through half of its own peak, from start_time; NaN if not told")
    course_start: Series[pl.Float32] = column("s", "first time of its course")
    course: Floats = column("fraction", "mean dF/F of its area around the event, every `step` of EventQuality")


class EventQuality(Table):
    """One row per plane: how events were told from noise."""

    step: Series[pl.Float32] = column("s", "between two frames of the averaged movie", low=0)
    side: Series[pl.Int32] = column("px", "of an averaged pixel", low=1)
    noise: Series[pl.Float32] = column(
        "fraction", "median noise of dF/F of such a pixel and frame", low=0, nullable=True
    )
    least_mass: Series[pl.Float32] = column("", "mass from which components are events", low=0)
    false_events: Series[pl.Float32] = column("1/min", "events by noise that are expected at that mass", low=0)
    dips: Series[pl.Float32] = column(
        "1/min", "as large components of light below the baseline, which no event is", low=0
    )
    minutes: Series[pl.Float32] = column("min", "of the recording in which frames are good", low=0)
    active: Series[pl.Float32] = column("fraction", "of pixels and frames that belong to events", low=0, high=1)
