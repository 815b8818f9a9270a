"""The table that networks are calibrated with."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, Times, column


class Assessment(Table):
    """One row per recording and condition: a network on a data set that it has not seen."""

    dataset: Series[str] = column("", "ground-truth data set")
    neuron: Series[str] = column("", "neuron of the data set")
    recording: Series[pl.Int32] = column("", "recording of the neuron")
    cell_class: Series[str] = column("", "excitatory or interneuron")
    frame_rate: Series[pl.Float64] = column("Hz", "of the trace", low=0)
    noise_level: Series[pl.Float64] = column("% Hz^-1/2", "ν of the trace", low=0)
    lookahead: Series[pl.Int32] = column("frames", "of the network; empty is all", low=0, nullable=True)
    told: Series[bool] = column("", "the network was told the indicator")
    correlation: Series[pl.Float64] = column(
        "", "Pearson r with the true rate, both smoothed; empty with fewer than 3 spikes", low=-1, high=1, nullable=True
    )
    inferred_rate: Series[pl.Float64] = column("Hz", "mean over the recording", low=0)
    true_rate: Series[pl.Float64] = column("Hz", "mean over the recording", low=0)
    features: Times = column("", "that errors are predicted from")
    context: Floats = column("", "description of the recording that the network was given")
    beginnings: Floats = column("", "the same of its first 75, 150, 300, … frames alone, one after the other")
    mean: Floats = column("", "expected spikes in each 1 s window")
    dispersion: Floats = column("", "log(variance / mean) of their number, as the network has it")
    count: Floats = column("", "true spikes in the window")
