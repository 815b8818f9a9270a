"""The table of what a person decided."""

import polars as pl

from groundtrace.tables import Ints, Series, Table, column


class Curation(Table):
    """One row per row of a curation file: what a person decided, and the ROI that it holds for."""

    row: Series[pl.Int32] = column("", "line of the file; 1 is the header", low=2, unique=True)
    roi: Series[pl.Int32] = column(
        "", "ROI of this extraction with that footprint; empty: there is none", low=0, nullable=True
    )
    iou: Series[pl.Float32] = column(
        "",
        "pixels of both footprints over those of either; empty where one of the two is missing",
        low=0,
        high=1,
        nullable=True,
    )
    accepted: Series[bool] = column("", "the person's verdict")
    reason: Series[str] = column("", "why, in the person's words or the page's")
    note: Series[str] = column("", "the person's")
    merge: Series[str] = column("", "rows of the same name are one cell; empty: a cell of its own")
    pixel_y: Ints = column("px", "rows of the footprint's pixels when it was decided on; none where the file has none")
    pixel_x: Ints = column("px", "columns of them")
