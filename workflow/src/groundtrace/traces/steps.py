"""The tables of traces and spikes: joins pure functions on arrays with what is known of a ROI."""

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.indicators import kinetics_for
from groundtrace.tables import list_column, single, stack
from groundtrace.traces.axial import Axial, axial_part
from groundtrace.traces.dff import Dff, DffParameters, compute_dff, expected_noise, signal_to_noise
from groundtrace.traces.noise import noise_level
from groundtrace.traces.smoothing import SmoothingParameters, smooth_rois

SATURATED_FRAMES = 1e-3
"""A ROI counts as saturated when one of its pixels saturates in more than this share of frames."""
NEEDED = "denoised traces need; name one in the sheet, or use a recipe without denoising"
DENOISED_LIGHT = ("fluorescence_denoised", "neuropil_denoised")
AXIAL_SHARE = 0.1
"""Share of its variance that depth explains from which a ROI is flagged."""
DENOISED = 0.5
"""A trace whose ν is below this share of its shot noise was smoothed before."""


def compute_traces(
    fluorescence: pl.DataFrame,
    rois: pl.DataFrame,
    acquisition: Acquisition,
    saturated: FloatArray,
    bad_frames: BoolArray,
    parameters: DffParameters,
    smoothing: SmoothingParameters | None = None,
    segment: IntArray | None = None,
    depth: FloatArray | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables Traces and Brightness from the tables Fluorescence and Rois.

    saturated: (height, width) share of saturated frames. bad_frames: (n_frames,) that nothing is told from.
    smoothing: of a recipe that denoises. segment: (n_frames,) stretch without a gap or a border of files. depth:
    (n_frames,) of each frame, or the axial mode.
    """
    measured = fluorescence
    f, neuropil = stack(fluorescence["fluorescence"]), stack(fluorescence["neuropil"])
    offset = (acquisition.offset or 0.0) if parameters.subtract_offset else 0.0
    believed, rate = rois["accepted"].to_numpy(), acquisition.frame_rate
    axial = axial_part(f, neuropil, depth, ~bad_frames, rate, parameters.axial)
    if smoothing and parameters.axial == "regress":
        light, around = (stack(fluorescence[name]) for name in DENOISED_LIGHT)
        other = axial_part(light, around, depth, ~bad_frames, rate, parameters.axial)
        fluorescence = _without_depth(fluorescence, axial, other)
    dff = compute_dff(
        axial.fluorescence, axial.neuropil, rate, offset, parameters, believed, bad_frames=bad_frames, segment=segment
    )
    level = noise_level(dff.dff, acquisition.frame_rate)
    expected = expected_noise(dff, effective_pixels(rois), acquisition.gain, acquisition.frame_rate)
    reliable = ~dff.near_zero & np.isfinite(expected)
    traces = pl.DataFrame(
        {
            "roi": rois["roi"],
            "accepted": rois["accepted"],
            "fluorescence": measured["fluorescence"],
            "neuropil": measured["neuropil"],
            **_corrected(dff),
            "noise_level": single(level),
            "expected_noise_level": single(np.where(reliable, expected, np.nan)),
            "snr": single(signal_to_noise(dff.dff)),
            "skew": single(skewness(dff.dff[:, dff.usable] if len(dff.dff) else dff.dff)),
            "baseline_near_zero": dff.near_zero,
            "negative_fluorescence": dff.negative,
            "saturated": roi_maximum(rois, saturated) > SATURATED_FRAMES,
            **_moved(axial),
            "looks_denoised": reliable & (level < DENOISED * expected),
            **(_smoothed(fluorescence, dff, offset, acquisition, parameters, smoothing, segment) if smoothing else {}),
        }
    )
    frames = pl.Series(range(len(dff.usable)), dtype=pl.Int32)
    return traces, pl.DataFrame({"frame": frames, "usable": dff.usable, "gain": single(dff.light.gain)})


def _without_depth(fluorescence: pl.DataFrame, measured: Axial, denoised: Axial) -> pl.DataFrame:
    """Table Fluorescence without the part that depth explains, of the movie and of its denoised copy."""
    parts = (measured.fluorescence, measured.neuropil, denoised.fluorescence, denoised.neuropil)
    names = ("fluorescence", "neuropil", *DENOISED_LIGHT)
    return fluorescence.with_columns(list_column(values).alias(name) for name, values in zip(names, parts, strict=True))


def _corrected(dff: Dff) -> dict[str, pl.Series]:
    """Columns of dF/F and of what it was made with."""
    return {
        "dff": list_column(dff.dff),
        "neuropil_coefficient": single(dff.coefficient),
        "neuropil_coefficient_error": single(dff.coefficient_error),
        "neuropil_fitted": single(dff.fitted),
        "neuropil_fitted_error": single(dff.fitted_error),
        "baseline": single(dff.baseline),
        "dff_scale_error": single(dff.scale_error),
    }


def _moved(axial: Axial) -> dict[str, pl.Series | BoolArray]:
    """Columns of what depth explains."""
    return {
        "axial_share": single(axial.share),
        "axial_share_error": single(axial.error),
        "axial_motion": np.nan_to_num(axial.share) > np.maximum(AXIAL_SHARE, 2 * np.nan_to_num(axial.error)),
    }


def _smoothed(
    fluorescence: pl.DataFrame,
    dff: Dff,
    offset: float,
    acquisition: Acquisition,
    parameters: DffParameters,
    smoothing: SmoothingParameters,
    segment: IntArray | None,
) -> dict[str, pl.Series]:
    """Columns of recipes that denoise."""
    found = smooth_rois(
        fluorescence,
        dff,
        offset,
        acquisition.frame_rate,
        kinetics_for(acquisition.indicator, NEEDED),
        smoothing,
        parameters.baseline,
        segment,
    )
    lists = {"dff_denoised": found.dff, "dff_low": found.low, "dff_high": found.high}
    return {name: list_column(values) for name, values in lists.items()} | {
        "denoising_disagrees": pl.Series(found.disagrees)
    }


def skewness(traces: FloatArray) -> FloatArray:
    """Third standardised moment of each row, (n_rois,); NaN of a row that is constant.

    As scipy.stats.skew, whose import takes longer than dF/F of a small recording.
    """
    if not traces.size:
        return np.full(len(traces), np.nan, np.float32)
    mean = traces.mean(1, keepdims=True)
    beyond = traces - mean
    with np.errstate(all="ignore"):
        variance, third = np.square(beyond).mean(1), (np.square(beyond) * beyond).mean(1)
        constant = variance <= np.square(np.finfo(traces.dtype).eps * mean[:, 0])
        return np.where(constant, np.nan, third / variance**1.5)


def effective_pixels(rois: pl.DataFrame) -> FloatArray:
    """1 / Σ w² of each footprint: how many equal pixels average as well."""
    return np.array([1 / (np.asarray(weight, float) ** 2).sum() for weight in rois["weight"]], float)


def roi_maximum(rois: pl.DataFrame, image: FloatArray) -> FloatArray:
    """Largest value of `image` within each footprint."""
    pairs = zip(rois["pixel_y"], rois["pixel_x"], strict=True)
    return np.array([image[np.asarray(y), np.asarray(x)].max() for y, x in pairs], float)
