"""Noise statistics of traces: pure functions on arrays (n_rois, n_frames)."""

import numpy as np

from groundtrace.arrays import FloatArray

GAUSSIAN_DIFFERENCE = 0.6744897501960817 * np.sqrt(2)
"""Median absolute difference of neighbouring samples of white Gaussian noise, in its standard deviations."""
PART, CHANGING = 300, 1.25
"""Frames in which the noise is looked at, and ratio of its quartiles over these from which it changes over time."""


def median_absolute_difference(traces: FloatArray) -> FloatArray:
    """Median over frames of |x(t+1) - x(t)|, per trace, in its units; NaN samples are left out.

    traces: (n_rois, n_frames). Returns (n_rois,); NaN where fewer than two neighbouring samples are finite.
    """
    traces = np.atleast_2d(traces)
    result = np.full(len(traces), np.nan)
    for i, trace in enumerate(traces):
        difference = np.abs(np.diff(np.where(np.isfinite(trace), trace, np.nan).astype(np.float64)))
        difference = difference[np.isfinite(difference)]
        if len(difference):
            result[i] = np.median(difference)
    return result


def noise_level(dff: FloatArray, frame_rate: float) -> FloatArray:
    """Standardized noise level ν = median|ΔF/F(t+1) - ΔF/F(t)| / √frame_rate (Rupprecht et al. 2021), % Hz^(-1/2).

    dff: (n_rois, n_frames), fraction. frame_rate: Hz. Returns (n_rois,).
    """
    return 100 * median_absolute_difference(dff) / np.sqrt(frame_rate)


def noise_sd(traces: FloatArray) -> FloatArray:
    """Standard deviation per frame of white noise, from the median absolute difference; same units as `traces`."""
    return median_absolute_difference(traces) / GAUSSIAN_DIFFERENCE


def overall_noise_sd(trace: FloatArray) -> float:
    """SD of the white noise of a trace (n_frames,), as the root mean square over time where it changes.

    A dim stretch of a recording is noisier than the others; the median alone would not know of it.
    """
    parts = np.array_split(trace, max(1, len(trace) // PART))
    found = np.array([noise_sd(part)[0] for part in parts])
    low, high = np.nanpercentile(found, (25, 75))
    return float(np.sqrt(np.nanmean(found**2))) if high > CHANGING * low else float(noise_sd(trace)[0])


def shot_noise_level(
    photons: FloatArray, effective_pixels: FloatArray, baseline_share: FloatArray, frame_rate: float
) -> FloatArray:
    """ν that photon statistics alone give a ROI, % Hz^(-1/2).

    photons: (n_rois,) photons per pixel and frame at baseline, neuropil included.
    effective_pixels: (n_rois,) 1 / Σ w² of the footprint's weights (Σ w = 1).
    baseline_share: (n_rois,) baseline of dF/F over the fluorescence it is part of (its neuropil removed).
    The relative error of a mean over n pixels of N photons is 1 / √(n N); dividing by the share of the baseline
    turns it into an error of dF/F. Neuropil's own noise, averaged over many more pixels, is left out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = 1 / np.sqrt(photons * effective_pixels) / baseline_share
    return 100 * GAUSSIAN_DIFFERENCE * sd / np.sqrt(frame_rate)
