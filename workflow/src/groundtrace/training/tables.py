"""The table that networks are calibrated with."""

import polars as pl
from pandera.typing.polars import Series

from groundtrace.tables import Floats, Table, Times, column


class Assessment(Table):
    """One row per neuron and condition: a network on a data set that it has not seen."""

    dataset: Series[str] = column("", "ground-truth data set")
    neuron: Series[str] = column("", "neuron of the data set")
    frame_rate: Series[pl.Float64] = column("Hz", "of the trace", low=0)
    noise_level: Series[pl.Float64] = column("% Hz^-1/2", "ν of the trace", low=0)
    lookahead: Series[pl.Int32] = column("frames", "of the network; empty is all", low=0, nullable=True)
    told: Series[bool] = column("", "the network was told the indicator")
    correlation: Series[pl.Float64] = column("", "Pearson r with the true rate, both smoothed", low=-1, high=1)
    features: Times = column("", "that the expected correlation is fitted to")
    mean: Floats = column("", "expected spikes in each 1 s window")
    size: Floats = column("", "dispersion of their distribution, before calibration")
    zero: Floats = column("", "probability of excess zeros, before calibration")
    count: Floats = column("", "true spikes in the window")
