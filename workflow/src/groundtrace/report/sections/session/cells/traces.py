"""Traces of all ROIs packed into a page: an overview of every ROI, and full resolution for as many as fit."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.report.html import envelope, pack, quantise, to_json

OVERVIEW_SAMPLES = 3_000_000
"""Samples of all ROIs together; about 3 MB in the page."""
LIGHT_STEPS = 250
"""They are stored in steps of this part of their range."""
STEPS_PER_NOISE = 10
"""Full-resolution dF/F is stored in steps of a tenth of its noise, which raises it by 0.04 %."""
STEPS_PER_RATE = 2000
"""Spike rates are stored in steps of this part of their largest value."""


def overview(traces: pl.DataFrame, spikes: pl.DataFrame, frame_rate: float, trace_points: int) -> dict[str, Any]:
    """Envelopes of every ROI: of dF/F smallest and largest value in turn, of the rate the largest value, of its
    interval, when there is one, the widest."""
    rois = traces.height
    frames = _frames(traces)
    bins = min(trace_points // 2, max(50, OVERVIEW_SAMPLES // (3 * max(rois, 1))), max(1, math.ceil(frames / 2)))
    # A coarser step than at full resolution: a quarter of the noise cannot be seen in an overview.
    dff_steps = dff_resolution(traces, frame_rate) * STEPS_PER_NOISE / 4
    rate_steps = rate_resolution(spikes)
    dff = np.zeros((rois, min(frames, 2 * bins)), np.int16)
    for i in range(rois):
        dff[i] = quantise(envelope(traces["dff"][i].to_numpy(), bins), dff_steps[i])
    found = {"dff": {"data": pack(dff), "steps": dff_steps, "samples": dff.shape[1]}}
    for name, extreme in {"rate": np.fmax, "rate_low": np.fmin, "rate_high": np.fmax}.items():
        if name != "rate" and not has_interval(spikes):
            continue
        rate = np.zeros((rois, min(frames, bins)), np.int16)
        for i in range(rois):
            rate[i] = quantise(_extremes(spikes[name][i].to_numpy(), rate.shape[1], extreme), rate_steps[i])
        found[name] = {"data": pack(rate), "steps": rate_steps, "samples": rate.shape[1]}
    return found


def pack_light(envelopes: Mapping[str, FloatArray]) -> dict[str, Any]:
    """Envelopes (n_rois, samples) for the page, those of one ROI in the same steps above the same origin."""
    present = {name: values for name, values in envelopes.items() if values.size and np.isfinite(values).any()}
    if not present:
        return {}
    every = np.concatenate(list(present.values()), axis=1)
    known = np.isfinite(every).any(axis=1)
    low, high = np.zeros(len(every)), np.zeros(len(every))
    low[known], high[known] = np.nanmin(every[known], axis=1), np.nanmax(every[known], axis=1)
    origins, steps = (low + high) / 2, np.maximum((high - low) / LIGHT_STEPS, 1e-9)
    return {
        name: {
            "data": pack(quantise((values - origins[:, None]) / steps[:, None], 1.0)),
            "steps": steps,
            "origins": origins,
            "samples": values.shape[1],
        }
        for name, values in present.items()
    }


def full_resolution(traces: pl.DataFrame, spikes: pl.DataFrame, frame_rate: float, room: int) -> dict[str, Any]:
    """dF/F and rate of every frame, for the ROIs with the highest SNR that fit into `room` bytes, by position."""
    dff_steps, rate_steps = dff_resolution(traces, frame_rate), rate_resolution(spikes)
    chosen: dict[str, Any] = {}
    for i in _by_snr(traces).tolist():
        dff_step, rate_step = float(dff_steps[i]), float(rate_steps[i])
        steps = {"dff": dff_step, "rate": rate_step, "rate_low": rate_step, "rate_high": rate_step}
        tables = {"dff": traces, "rate": spikes, "rate_low": spikes, "rate_high": spikes}
        entry = {}
        for name, table in tables.items():
            values = table[name][i].to_numpy()
            if values.size:
                entry[name] = {"data": pack(quantise(values, steps[name])), "step": steps[name]}
        room -= len(to_json({i: entry}))
        if room < 0:
            break
        chosen[str(i)] = entry
    return chosen


def dff_resolution(traces: pl.DataFrame, frame_rate: float) -> FloatArray:
    """(n_rois,) step in which dF/F is stored: a tenth of its noise SD, more if the largest value would not fit."""
    # ν = 100 median|Δ| / sqrt(rate), and median|Δ| of white noise is 0.954 of its SD.
    level = traces["noise_level"].cast(pl.Float64).fill_null(math.nan).to_numpy()
    noise = level / 100 * math.sqrt(frame_rate) / 0.954 / STEPS_PER_NOISE
    largest = _largest(traces["dff"])
    steps = np.where(np.isfinite(noise) & (noise > 0), noise, largest / STEPS_PER_RATE)
    return np.maximum(steps, np.maximum(largest / 32_000, 1e-9))


def rate_resolution(spikes: pl.DataFrame) -> FloatArray:
    """(n_rois,) step in which rates are stored, Hz."""
    columns = [_largest(spikes[name]) for name in ("rate", "rate_high")]
    return np.maximum(np.maximum.reduce(columns) / STEPS_PER_RATE, 1e-9)


def _largest(column: pl.Series) -> FloatArray:
    """(n_rois,) largest finite absolute value of each list; 0 where there is none."""
    found = np.zeros(len(column))
    for i in range(len(column)):
        values = column[i].to_numpy()
        # Two passes without a copy of the trace; NaN only where all is NaN.
        ends = [np.fmin.reduce(values), np.fmax.reduce(values)] if values.size else [0.0]
        found[i] = np.nan_to_num(np.abs(ends), posinf=0).max()
    return found


def has_interval(spikes: pl.DataFrame) -> bool:
    """Whether the spike inference gave an interval of the rate."""
    return bool(spikes["rate_high"].list.len().sum())


def _extremes(values: FloatArray, bins: int, extreme: np.ufunc) -> FloatArray:
    """(bins,) largest (np.fmax) or smallest (np.fmin) value of each of `bins` equal stretches of time."""
    edges = np.linspace(0, values.size, bins + 1).astype(int)[:-1]
    return extreme.reduceat(values, edges) if bins else values


def _by_snr(traces: pl.DataFrame) -> IntArray:
    return np.argsort(-traces["snr"].cast(pl.Float64).fill_null(math.nan).fill_nan(-math.inf).to_numpy(), kind="stable")


def _frames(traces: pl.DataFrame) -> int:
    return int(traces["dff"].list.len()[0]) if traces.height else 0
