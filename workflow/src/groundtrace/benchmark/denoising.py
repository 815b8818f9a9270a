"""Denoising of a simulated plane: what became of the traces of its true footprints, and of their spikes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.benchmark.denoised_traces import (
    Score,
    Truth,
    boxcar_dff,
    false_events,
    find_events,
    score_band,
    score_trace,
    spike_score,
)
from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.tables import DenoisingBenchmark
from groundtrace.indicators import kinetics
from groundtrace.spikes.base import SpikeBackend
from groundtrace.tables import stack
from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.gaps import with_lines


@dataclass(frozen=True)
class Measured:
    """Tables of the true footprints of a plane, in the same order."""

    fluorescence: pl.DataFrame
    """Fluorescence, with the columns of a denoised movie if there is one."""
    traces: pl.DataFrame
    """Traces of it."""
    clean: pl.DataFrame
    """Traces of the movie without noise."""


def score_denoising(
    measured: Measured,
    cells: pl.DataFrame,
    acquisition: Acquisition,
    null_movie: str | None,
    parameters: DffParameters,
    backend: SpikeBackend,
) -> dict[str, Any]:
    """Columns of DenoisingBenchmark that traces decide; cells: rows of TruthCells of the ROIs, in their order.

    backend: infers the spikes. A ROI without a usable baseline, in one of the traces, is left out.
    """
    rate, offset, raw = acquisition.frame_rate, acquisition.offset or 0.0, _whole(measured.traces["dff"])
    # One share of neuropil for all: what a noisy trace says of it is no affair of denoising.
    r = measured.traces["neuropil_coefficient"].to_numpy().astype(np.float64)

    def dff(light: FloatArray, around: FloatArray) -> FloatArray:
        return compute_dff(light, around, rate, offset, parameters, coefficient=r).dff

    clean, found = dff(*(stack(measured.clean[name]) for name in ("fluorescence", "neuropil"))), {"movie": raw}
    if "dff_denoised" in measured.traces.columns:
        denoised = (f"{name}_denoised" for name in ("fluorescence", "neuropil"))
        found["movie"] = dff(*(stack(measured.fluorescence[name]) for name in denoised))
        found["smoothed"] = _whole(measured.traces["dff_denoised"])
    usable = usable_rois(raw, clean, *found.values())
    score: dict[str, Any] = {"null_movie": null_movie, "rois": int(usable.sum()), "events": 0, "rare_events": 0}
    if not usable.any():
        return score
    if null_movie is not None:
        return score | {
            f"{name}_false_events": false_events(trace[usable], raw[usable], rate) for name, trace in found.items()
        }

    def infer(dff: FloatArray) -> FloatArray:
        return np.nan_to_num(backend.run(dff, rate, kinetics(acquisition.indicator)).rate)

    times = [np.asarray(own) for own in cells["spike_times"].filter(pl.Series(usable))]
    truth = Truth(clean[usable], times, rate, infer)
    events = find_events(truth)
    score |= {"events": len(events.roi), "rare_events": int(events.rare().sum())}
    score |= {"clean_spike_correlation": spike_score(truth.clean, truth)}
    for name, trace in found.items():
        score |= {f"{name}_{key}": value for key, value in score_trace(trace[usable], truth, events).items()}
    return score | (_band_score(measured, usable, truth, offset, parameters) if "smoothed" in found else {})


def _band_score(measured: Measured, usable: BoolArray, truth: Truth, offset: float, parameters: DffParameters) -> Score:
    own = measured.traces.filter(pl.Series(usable))
    light, around = (stack(measured.fluorescence[name])[usable] for name in ("fluorescence", "neuropil"))
    r = own["neuropil_coefficient"].to_numpy().astype(np.float64)
    boxcars = boxcar_dff(light, around, truth.frame_rate, offset, parameters, r)
    found = score_band(_whole(own["dff_low"]), _whole(own["dff_high"]), truth.clean, boxcars)
    return {**found, "disagrees": float(own["denoising_disagrees"].mean())}  # pyright: ignore[reportArgumentType]


def _whole(column: pl.Series) -> FloatArray:
    """Traces (n_rois, n_frames) of a column, bridged where frames are bad."""
    return with_lines(stack(column)).astype(np.float32)


def usable_rois(*traces: FloatArray) -> BoolArray:
    """(n_rois,) whose traces (n_rois, n_frames) are all known in all frames."""
    return np.all([np.isfinite(trace).all(axis=1) for trace in traces], axis=0)


def denoising_row(known: Mapping[str, Any]) -> pl.DataFrame:
    """One row of DenoisingBenchmark; what is not known is empty."""
    return table_of(DenoisingBenchmark, [dict.fromkeys(DenoisingBenchmark.columns) | dict(known)])
