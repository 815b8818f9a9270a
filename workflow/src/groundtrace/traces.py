"""The tables of traces and spikes: joins pure functions on arrays with what is known of a ROI."""

import warnings

import numpy as np
import polars as pl
from scipy.stats import skew

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.denoising.smoothing import SmoothingParameters, smooth_rois
from groundtrace.dff import Dff, DffParameters, compute_dff, expected_noise, signal_to_noise
from groundtrace.indicators import indicators
from groundtrace.noise import noise_level
from groundtrace.spikes.base import SpikeBackend
from groundtrace.tables import list_column, stack

SATURATED_FRAMES = 1e-3
"""A ROI counts as saturated when one of its pixels saturates in more than this share of frames."""
DENOISED = 0.5
"""A trace whose ν is below this share of its shot noise was smoothed before."""


def compute_traces(
    fluorescence: pl.DataFrame,
    rois: pl.DataFrame,
    acquisition: Acquisition,
    saturated: FloatArray,
    parameters: DffParameters,
    smoothing: SmoothingParameters | None = None,
) -> pl.DataFrame:
    """Table Traces from the tables Fluorescence and Rois; saturated: (height, width) share of saturated frames.

    smoothing: of a recipe that denoises.
    """
    f, neuropil = stack(fluorescence["fluorescence"]), stack(fluorescence["neuropil"])
    offset = (acquisition.offset or 0.0) if parameters.subtract_offset else 0.0
    dff = compute_dff(f, neuropil, acquisition.frame_rate, offset, parameters)
    level = noise_level(dff.dff, acquisition.frame_rate)
    expected = expected_noise(dff, effective_pixels(rois), acquisition.gain, acquisition.frame_rate)
    reliable = ~dff.near_zero & np.isfinite(expected)
    return pl.DataFrame(
        {
            "roi": rois["roi"],
            "accepted": rois["accepted"],
            "fluorescence": fluorescence["fluorescence"],
            "neuropil": fluorescence["neuropil"],
            "dff": list_column(dff.dff),
            "neuropil_coefficient": single(dff.coefficient),
            "neuropil_coefficient_error": single(dff.coefficient_error),
            "baseline": single(dff.baseline),
            "noise_level": single(level),
            "expected_noise_level": single(np.where(reliable, expected, np.nan)),
            "snr": single(signal_to_noise(dff.dff)),
            "skew": single(skew(dff.dff, axis=1)) if dff.dff.size else pl.Series([], dtype=pl.Float32),
            "baseline_near_zero": dff.near_zero,
            "negative_fluorescence": dff.negative,
            "saturated": roi_maximum(rois, saturated) > SATURATED_FRAMES,
            "looks_denoised": reliable & (level < DENOISED * expected),
            **(_smoothed(fluorescence, dff, offset, acquisition, parameters, smoothing) if smoothing else {}),
        }
    )


def _smoothed(
    fluorescence: pl.DataFrame,
    dff: Dff,
    offset: float,
    acquisition: Acquisition,
    parameters: DffParameters,
    smoothing: SmoothingParameters,
) -> dict[str, pl.Series]:
    """Columns of recipes that denoise."""
    found = smooth_rois(
        fluorescence,
        dff,
        offset,
        acquisition.frame_rate,
        indicators()[acquisition.indicator],
        smoothing,
        parameters.baseline,
    )
    lists = {"dff_denoised": found.dff, "dff_low": found.low, "dff_high": found.high}
    return {name: list_column(values) for name, values in lists.items()} | {
        "denoising_disagrees": pl.Series(found.disagrees)
    }


def infer_spikes(
    traces: pl.DataFrame, acquisition: Acquisition, backend: SpikeBackend, trace: str = "dff"
) -> pl.DataFrame:
    """Table Spikes from the table Traces; trace: its column that spikes are inferred from."""
    dff = stack(traces[trace])
    found = backend.run(dff, acquisition.frame_rate, indicators()[acquisition.indicator])
    empty = np.zeros((len(dff), 0), np.float32)
    unusable = int(np.isnan(dff).any(axis=1).sum()) if dff.size else 0
    if unusable:
        warnings.warn(f"{unusable} of {len(dff)} ROIs have no usable dF/F; their rates are NaN", stacklevel=2)
    unknown = pl.Series([None] * len(dff), dtype=pl.Float32)
    return pl.DataFrame(
        {
            "roi": traces["roi"],
            "accepted": traces["accepted"],
            "rate": list_column(found.rate.astype(np.float32)),
            "rate_low": list_column(empty if found.low is None else found.low.astype(np.float32)),
            "rate_high": list_column(empty if found.high is None else found.high.astype(np.float32)),
            "mean_rate": single(found.rate.mean(axis=1)) if len(dff) else unknown,
            "noise_level": traces["noise_level"],
            "decay_time": single(found.decay_time),
            "explained_variance": single(found.explained_variance),
            "expected_correlation": single(found.expected.value) if found.expected else unknown,
            "expected_correlation_low": single(found.expected.low) if found.expected else unknown,
            "expected_correlation_high": single(found.expected.high) if found.expected else unknown,
        }
    )


def single(values: FloatArray) -> pl.Series:
    """A float32 column in which NaN and infinity are missing values."""
    values = np.asarray(values, np.float32)
    return pl.Series(np.where(np.isfinite(values), values, np.nan), dtype=pl.Float32).fill_nan(None)


def effective_pixels(rois: pl.DataFrame) -> FloatArray:
    """1 / Σ w² of each footprint: how many equal pixels average as well."""
    return np.array([1 / (np.asarray(weight, float) ** 2).sum() for weight in rois["weight"]], float)


def roi_maximum(rois: pl.DataFrame, image: FloatArray) -> FloatArray:
    """Largest value of `image` within each footprint."""
    pairs = zip(rois["pixel_y"], rois["pixel_x"], strict=True)
    return np.array([image[np.asarray(y), np.asarray(x)].max() for y, x in pairs], float)
