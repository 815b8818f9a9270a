"""The tables of dF/F."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, column


class Traces(Table):
    """One row per ROI: fluorescence, neuropil, dF/F and its noise."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    fluorescence: Floats = column("detector units", "F, one value per frame")
    neuropil: Floats = column("detector units", "Fneu, one value per frame")
    dff: Floats = column(
        "fraction", "(F - r Fneu - baseline) / baseline; NaN in bad frames, and where the baseline is unusable"
    )
    neuropil_coefficient: Series[pl.Float32] = column("", "r", low=0)
    neuropil_coefficient_error: Series[pl.Float32] = column("", "standard error of r; 0 when fixed", low=0)
    neuropil_fitted: Series[pl.Float32] = column("", "r as fitted, whether it is used or not", low=0)
    neuropil_fitted_error: Series[pl.Float32] = column("", "standard error of the fitted r", low=0)
    baseline: Series[pl.Float32] = column("detector units", "median of the baseline over the recording", nullable=True)
    dff_scale_error: Series[pl.Float32] = column(
        "fraction",
        "standard error of the scale of dF/F: by so much all of it may be too large or too small",
        low=0,
        nullable=True,
    )
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν (Rupprecht et al. 2021)", low=0, nullable=True)
    expected_noise_level: Series[pl.Float32] = column(
        "% Hz^-1/2", "ν of photon shot noise alone, from gain, footprint and baseline", low=0, nullable=True
    )
    snr: Series[pl.Float32] = column("", "99th percentile of dF/F above its median over the noise SD", nullable=True)
    skew: Series[pl.Float32] = column("", "skewness of dF/F", nullable=True)
    baseline_near_zero: Series[bool] = column("", "baseline within its noise of zero; a tenth of F stands in for it")
    negative_fluorescence: Series[bool] = column("", "corrected fluorescence below zero in more than 1 % of frames")
    saturated: Series[bool] = column("", "pixels of the ROI saturate")
    axial_share: Series[pl.Float32] = column(
        "", "share of the variance of F (means over 0.25 s) that depth, or the axial mode, explains", nullable=True
    )
    axial_share_error: Series[pl.Float32] = column("", "standard error of axial_share", low=0, nullable=True)
    axial_motion: Series[bool] = column("", "axial_share is above 0.1, and above two of its errors")
    looks_denoised: Series[bool] = column("", "ν far below what its photons allow: smoothed before it came here")
    # Recipes that denoise only.
    dff_denoised: Floats | None = column("fraction", "denoised: mean of what the noise leaves possible, events kept")
    dff_low: Floats | None = column("fraction", "lower end of its 90 % credible band, frame by frame")
    dff_high: Floats | None = column("fraction", "upper end of its 90 % credible band")
    denoising_disagrees: Series[bool] | None = column(
        "", "the denoised movie shows this ROI otherwise than its measured trace beyond chance"
    )


class Brightness(Table):
    """One row per frame: whether dF/F is told from it, and how bright the plane was."""

    frame: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    usable: Series[bool] = column("", "it has dF/F: neither a bad frame nor one in which ROIs lost their light")
    gain: Series[pl.Float32] = column(
        "", "brightness of its stretch over that of the recording; 1 where it never steps; divided out", low=0
    )
