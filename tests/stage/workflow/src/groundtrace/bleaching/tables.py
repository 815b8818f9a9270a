"""Table of bleaching."""

import polars as pl

from groundtrace.tables import Series, Table, column


class Bleaching(Table):
    """One row per plane: how fast its light fades."""

    rate: Series[pl.Float32] = column("1/min", "minus the slope of the logarithm of brightness on time")
    rate_error: Series[pl.Float32] = column("1/min", "its standard error", low=0)
