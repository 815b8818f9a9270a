"""From fluorescence to dF/F (a fraction) and its noise: pure functions on arrays, each ROI on its own."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat

from groundtrace.arrays import FloatArray
from groundtrace.noise import noise_sd, shot_noise_level
from groundtrace.section import Section


class NeuropilParameters(Section):
    """Removal of the neuropil's contribution, F - r Fneu."""

    method: Literal["fixed", "fitted"] = "fixed"
    """`fixed` uses `coefficient` for every ROI; `fitted` estimates r per ROI, robust against the cell's activity."""
    coefficient: float = Field(default=0.7, ge=0, le=2)
    """r of the method `fixed`; the fall-back of `fitted` where neuropil hardly varies."""


class BaselineParameters(Section):
    """Baseline F0 of the corrected fluorescence."""

    method: Literal["percentile", "maximin", "exponential"] = "percentile"
    """`percentile`: running percentile; `maximin`: running maximum of the running minimum of the smoothed trace;
    `exponential`: bleaching curve a + b exp(-t/τ) through the running percentile."""
    percentile: float = Field(default=10.0, gt=0, lt=100)
    """Of the smoothed fluorescence in the window."""
    window: PositiveFloat = 60.0
    """Length of the running window, s."""
    smoothing: PositiveFloat = 1.0
    """Standard deviation of the Gaussian that smooths before minima and percentiles are taken, s."""


class DffParameters(Section):
    """Neuropil correction, baseline, dF/F."""

    neuropil: NeuropilParameters = NeuropilParameters()
    """Share of the surrounding neuropil to remove."""
    baseline: BaselineParameters = BaselineParameters()
    """What counts as zero."""
    subtract_offset: bool = True
    """Subtract the detector's offset (value at zero photons, from the variance-mean line) before dividing by the
    baseline; without it dF/F is too small."""


@dataclass(frozen=True)
class Dff:
    """dF/F of all ROIs and what it was made from; one value per ROI unless said."""

    dff: FloatArray
    """(n_rois, n_frames) float32, fraction; NaN where the baseline is unusable."""
    coefficient: FloatArray
    coefficient_error: FloatArray
    baseline: FloatArray
    """Median over time, detector units above the offset."""
    baseline_share: FloatArray
    """Baseline over the median uncorrected fluorescence above the offset."""
    near_zero: np.ndarray
    negative: np.ndarray


def neuropil_coefficient(
    fluorescence: FloatArray, neuropil: FloatArray, frame_rate: float, fallback: float = 0.7
) -> tuple[FloatArray, FloatArray]:
    """r of F = r Fneu + cell, per ROI, and its standard error; activity of the cell is weighted down.

    Both traces are averaged to 1 s, where the cell's own noise is small, and regressed with weights that fall for
    samples above the line (Huber, above only): a cell adds light, it never removes any. r is kept within 0 and 1.5.
    `fallback` (error: 0.5) is used where neuropil varies by less than 0.1 % of its mean. Shapes (n_rois, n_frames).
    """
    step = max(1, round(frame_rate))
    bins = fluorescence.shape[1] // step
    if bins < 10:
        step, bins = 1, fluorescence.shape[1]

    def binned(traces: FloatArray) -> FloatArray:
        return traces[:, : bins * step].reshape(len(traces), bins, step).mean(axis=2, dtype=np.float64)

    y, x = binned(fluorescence), binned(neuropil)
    weights = np.ones_like(y)
    slope, error = np.zeros(len(y)), np.zeros(len(y))
    for _ in range(20):
        total = weights.sum(axis=1)
        x_mean, y_mean = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
        dx, dy = x - x_mean[:, None], y - y_mean[:, None]
        spread = (weights * dx**2).sum(axis=1)
        slope = (weights * dx * dy).sum(axis=1) / np.maximum(spread, 1e-12)
        residual = dy - slope[:, None] * dx
        below = np.where(residual < 0, residual, np.nan)
        scale = np.sqrt(np.nanmean(np.where(np.isnan(below), np.nan, below**2), axis=1)) + 1e-12
        error = scale / np.sqrt(np.maximum(spread, 1e-12))
        weights = np.where(residual > scale[:, None], scale[:, None] / np.maximum(residual, 1e-12), 1.0) ** 2
    flat = x.std(axis=1) < 1e-3 * np.abs(x.mean(axis=1))
    slope[flat], error[flat] = fallback, 0.5
    return np.clip(slope, 0, 1.5), error


def baseline(traces: FloatArray, frame_rate: float, parameters: BaselineParameters) -> FloatArray:
    """Baseline F0 of each trace; (n_rois, n_frames) in and out, same units.

    The smoothed trace is sampled eight times per smoothing width: a window of a minute then costs as little at
    60 Hz as at 5 Hz, and the result is interpolated back to the frames. Beyond its ends a trace goes on as its mirror
    image: repeated, its first value alone would fill half of a window.
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d, percentile_filter

    sigma = parameters.smoothing * frame_rate
    smooth = gaussian_filter1d(traces.astype(np.float64), sigma, axis=1, mode="reflect")
    frames = traces.shape[1]
    step = max(1, int(sigma / 8))
    at = np.arange(0, frames, step)
    sampled = smooth[:, at]
    width = max(3, min(round(parameters.window * frame_rate / step), sampled.shape[1]))
    if parameters.method == "maximin":
        coarse = maximum_filter1d(minimum_filter1d(sampled, width, axis=1), width, axis=1)
    else:
        # Every eighth of the window is dense enough for a running percentile that moves this slowly.
        coarse = percentile_filter(sampled, parameters.percentile, size=(1, width), mode="reflect")
        if parameters.method == "exponential":
            return np.stack([_bleaching_curve(at / frame_rate, row, np.arange(frames) / frame_rate) for row in coarse])
    return np.stack([np.interp(np.arange(frames), at, row) for row in coarse]) if len(coarse) else smooth


def _bleaching_curve(time: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """a + b exp(-t/τ) through `values`: least squares in a and b for each τ of a grid from a tenth to ten times T."""
    duration = max(float(time[-1]), 1e-9)
    best, curve = np.inf, np.full(len(at), values.mean())
    for tau in duration * np.logspace(-1, 1, 25):
        design = np.stack([np.ones_like(time), np.exp(-time / tau)], axis=1)
        solution = np.linalg.lstsq(design, values, rcond=None)[0]
        misfit = float(((values - design @ solution) ** 2).sum())
        if misfit < best:
            best, curve = misfit, solution[0] + solution[1] * np.exp(-at / tau)
    return curve


def compute_dff(
    fluorescence: FloatArray, neuropil: FloatArray, frame_rate: float, offset: float, parameters: DffParameters
) -> Dff:
    """dF/F = (F - r Fneu - F0) / F0 per ROI.

    fluorescence, neuropil: (n_rois, n_frames), detector units. frame_rate: Hz. offset: detector units at zero photons.
    A ROI whose baseline is within three of its own standard errors of zero, or below, gets NaN throughout.
    """
    count, frames = fluorescence.shape
    result = np.full((count, frames), np.nan, np.float32)
    coefficient = np.full(count, parameters.neuropil.coefficient)
    error, level, share = np.zeros(count), np.zeros(count), np.zeros(count)
    near_zero, negative = np.zeros(count, bool), np.zeros(count, bool)
    # A few ROIs at a time: double precision of a whole long session would not fit.
    for block in (slice(start, start + 32) for start in range(0, count, 32)):
        raw, around = fluorescence[block] - offset, neuropil[block] - offset
        if parameters.neuropil.method == "fitted":
            coefficient[block], error[block] = neuropil_coefficient(
                raw, around, frame_rate, parameters.neuropil.coefficient
            )
        corrected = raw - coefficient[block, None] * around
        f0 = baseline(corrected, frame_rate, parameters.baseline)
        level[block] = np.median(f0, axis=1)
        share[block] = level[block] / np.maximum(np.median(raw, axis=1), 1e-12)
        # The baseline averages about one second of frames.
        sd = noise_sd(corrected) / np.sqrt(max(1.0, parameters.baseline.smoothing * frame_rate))
        near_zero[block] = f0.min(axis=1) <= 3 * sd
        negative[block] = (corrected < 0).mean(axis=1) > 0.01
        good = ~near_zero[block]
        result[block][good] = (corrected[good] - f0[good]) / f0[good]
    return Dff(result, coefficient, error, level, share, near_zero, negative)


def signal_to_noise(dff: FloatArray) -> FloatArray:
    """99th percentile of dF/F above its median, in SDs of its noise; (n_rois, n_frames) to (n_rois,)."""
    if not dff.size:
        return np.zeros(len(dff))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.percentile(dff, 99, axis=1) - np.median(dff, axis=1)) / noise_sd(dff)


def expected_noise(dff: Dff, effective_pixels: FloatArray, gain: float | None, frame_rate: float) -> FloatArray:
    """ν that shot noise alone gives each ROI, % Hz^(-1/2); NaN when the gain is not known."""
    if gain is None:
        return np.full(len(dff.baseline), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        photons = dff.baseline / dff.baseline_share / gain
    return shot_noise_level(photons, effective_pixels, dff.baseline_share, frame_rate)
