"""The table of ground-truth recordings."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, Times, column


class GroundTruth(Table, key=("dataset", "neuron", "recording")):
    """One row per recording of a neuron whose spikes were measured at the same time as its fluorescence."""

    dataset: Series[str] = column("", "where it comes from; neurons of one data set share microscope and laboratory")
    neuron: Series[str] = column("", "unique in its data set")
    recording: Series[pl.Int32] = column("", "0-based recording of this neuron", low=0)
    indicator: Series[str] = column("", "as in resources/indicators.tsv where it is listed there")
    species: Series[str] = column("", "mouse, zebrafish, ...; empty when unknown")
    area: Series[str] = column("", "brain area; empty when unknown")
    cell_class: Series[str] = column("", "excitatory, PV, SST, VIP, interneuron; empty when unknown")
    frame_rate: Series[pl.Float64] = column("Hz", "mean over frames, gaps left out", low=0)
    noise_level: Series[pl.Float32] = column(
        "% Hz^-1/2", "ν at the native frame rate; missing where the trace is no dF/F", low=0, nullable=True
    )
    regular: Series[bool] = column("", "evenly sampled: every step within 10 % of the median")
    plausible: Series[bool] = column("", "dF/F can be believed: nowhere beyond 60, and not normalised otherwise")
    time: Times = column("s", "middle of each frame, increasing")
    dff: Floats = column("fraction", "dF/F, one value per frame")
    spike_times: Times = column("s", "on the axis of time, sorted; may lie outside the imaged span")
