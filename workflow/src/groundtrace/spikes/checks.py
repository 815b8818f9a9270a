"""Is this dF/F what spike inference expects? Pure functions on (n_rois, n_frames); each says what to do instead."""

import difflib
import warnings
from typing import NamedTuple

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.errors import InputError
from groundtrace.indicators import Indicator, indicators
from groundtrace.noise import median_absolute_difference

NOISE_LEVELS = (0.3, 12.0)
"""ν of recordings that inference is measured on, % Hz^(-1/2)."""
FRAME_RATES = (5.0, 60.0)
"""Frame rates that inference is measured on, Hz."""
PERCENT = 40.0
"""ν from which on dF/F must be in other units than a fraction: the noisiest recordings have 12."""
LARGEST = 60.0
"""dF/F, fraction, that no indicator reaches."""
SILENT = 0.5
"""Share of exact zeros from which on a non-negative trace is the output of a deconvolution."""
SMOOTHED = 1.6
"""Median difference over two frames by that over one: 1 for white noise, 2 for a smooth curve."""
SHORT_GAP = 0.5
"""Longest gap that is bridged, s."""
EXAMINED = 200
"""At most so many ROIs are looked at where a fault is one of the whole array."""


def known_indicator(name: str | None) -> Indicator | None:
    """The indicator called `name`, in any case; None is an unknown one."""
    if name is None:
        return None
    known = indicators()
    by_lower = {key.lower(): key for key in known}
    if name.lower() in by_lower:
        return known[by_lower[name.lower()]]
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    nearest = f"; did you mean {by_lower[close[0]]!r}?" if close else ""
    raise InputError(
        f"indicator: {name!r} is not known{nearest} Known are {', '.join(known)}; "
        "for another, add a line to resources/indicators.tsv, or give None"
    )


def check_frame_rate(frame_rate: float | None) -> float:
    """The frame rate, Hz; warns when inference was not measured there."""
    if frame_rate is None or not np.isfinite(frame_rate) or frame_rate <= 0:
        raise InputError(f"frame_rate: {frame_rate} is not allowed; give the frames per second of each ROI, in Hz")
    if not FRAME_RATES[0] <= frame_rate <= FRAME_RATES[1]:
        warn(
            f"frame_rate: {frame_rate:g} Hz is outside {FRAME_RATES[0]:g} to {FRAME_RATES[1]:g} Hz, "
            "where the accuracy of inference is known; resample, or distrust timing and rates"
        )
    return float(frame_rate)


def check_array(dff: FloatArray) -> FloatArray:
    """dF/F as floating point (n_rois, n_frames); InputError for other shapes and for swapped axes."""
    dff = np.asanyarray(dff)
    if dff.ndim != 2 or dff.dtype.kind not in "fiu":
        raise InputError(
            f"dff: needs numbers of shape (n_rois, n_frames), has {dff.dtype} of shape {dff.shape}"
            + ("; for one ROI give dff[None]" if dff.ndim == 1 else "")
        )
    dff = dff if dff.dtype.kind == "f" else dff.astype(np.float32)
    if looks_transposed(dff):
        raise InputError(
            f"dff: shape {dff.shape} looks like (n_frames, n_rois); give dff.T, which is (n_rois, n_frames)"
        )
    return dff


def looks_transposed(dff: FloatArray) -> bool:
    """Are there more rows than columns, and does time run along the rows: are neighbouring rows alike?

    Calcium decays over frames, so neighbours in time differ less than samples far apart; neighbouring ROIs do not.
    """
    if dff.shape[0] <= dff.shape[1] or dff.shape[1] == 0:
        return False
    block = np.nan_to_num(dff[:20000, :EXAMINED].astype(np.float64))
    return _likeness(block) > max(_likeness(block.T), 0.0) + 0.05


def _likeness(block: FloatArray) -> float:
    """Median over columns of the correlation between neighbouring rows."""
    centred = block - block.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)
    return float(np.median(r[np.isfinite(r)])) if np.isfinite(r).any() else 0.0


def check_units(dff: FloatArray, frame_rate: float) -> None:
    """InputError when the values are per cent or raw fluorescence, not a fraction."""
    sample = _some(dff)
    if not len(sample):
        return
    level = float(np.median(100 * median_absolute_difference(sample) / np.sqrt(frame_rate)))
    low, high = np.median(np.nanpercentile(sample, [1, 99.9], axis=1), axis=1)
    if level <= PERCENT and high <= LARGEST:
        return
    found = f"dff: noise level ν = {level:.3g} % Hz^(-1/2) and values up to {high:.3g}"
    if low > 0.1 * high:
        raise InputError(f"{found}, from {low:.3g} on: this is raw fluorescence; give dF/F = (F - F0) / F0")
    raise InputError(f"{found}: this is dF/F in per cent; give a fraction, dff / 100 (a doubling is 1.0)")


def check_raw(dff: FloatArray) -> None:
    """InputError when most traces are spikes already; warnings for single ones, and for smoothed traces."""
    deconvolved = looks_deconvolved(dff)
    varying = _varying(dff)
    if deconvolved.any():
        found = (
            f"dff: {deconvolved.sum()} of {len(dff)} ROIs are never negative and mostly exactly zero: "
            "this is the output of a deconvolution (Suite2p's spks, CaImAn's S)"
        )
        if deconvolved.sum() > varying.sum() / 2:
            raise InputError(f"{found}; give dF/F")
        warn(found)
    denoised = looks_denoised(dff) & ~deconvolved
    if denoised.sum() > varying.sum() / 2:
        warn(
            f"dff: the noise of {denoised.sum()} of {len(dff)} ROIs is correlated from frame to frame: they were "
            "smoothed or denoised before (CaImAn's C?), so ν is too low and errors come out too small; give raw dF/F"
        )


def looks_deconvolved(dff: FloatArray) -> BoolArray:
    """(n_rois,): mostly exact zeros, the rest positive."""
    return np.array([row.min() >= 0 and row.max() > 0 and (row == 0).mean() > SILENT for row in dff], bool)


def looks_denoised(dff: FloatArray) -> BoolArray:
    """(n_rois,): frames two apart differ by far more than neighbours do, which white noise never does."""
    one = median_absolute_difference(dff)
    two = np.fmax(median_absolute_difference(dff[:, ::2]), median_absolute_difference(dff[:, 1::2]))
    return _varying(dff) & (two > SMOOTHED * one)


def check_noise_level(level: FloatArray) -> None:
    """Warn of ROIs whose ν (n_rois,) is outside what inference was measured on."""
    for rois, what in (
        (level < NOISE_LEVELS[0], f"below {NOISE_LEVELS[0]:g}: smoothed or denoised before? Give raw dF/F"),
        (level > NOISE_LEVELS[1], f"above {NOISE_LEVELS[1]:g}: too noisy for single events"),
    ):
        if rois.any():
            warn(
                f"noise level ν of {rois.sum()} of {len(level)} ROIs (the first: {int(np.argmax(rois))}) is {what}; "
                f"inference is measured on {NOISE_LEVELS[0]:g} to {NOISE_LEVELS[1]:g} % Hz^(-1/2)"
            )


class Filled(NamedTuple):
    """dF/F without gaps, and where its values are not to be believed."""

    dff: FloatArray
    """(n_rois, n_frames); rows with hardly any value stay NaN."""
    missing: BoolArray | None
    """(n_rois, n_frames): in a gap too long to bridge; None when there is none."""


def fill_gaps(dff: FloatArray, frame_rate: float) -> Filled:
    """Bridge gaps (NaN, infinity) with straight lines; those longer than SHORT_GAP are marked. Both are said.

    A ROI with less than half of its frames is left as it is.
    """
    finite = np.isfinite(dff)
    gappy = np.flatnonzero(~finite.all(axis=1) & (finite.mean(axis=1) >= 0.5))
    if not len(gappy):
        return Filled(dff, None)
    filled, missing = dff.copy(), np.zeros(dff.shape, bool)
    frames = np.arange(dff.shape[1])
    for roi in gappy:
        good = finite[roi]
        filled[roi, ~good] = np.interp(frames[~good], frames[good], dff[roi, good])
        edges = np.flatnonzero(np.diff(np.concatenate([[False], ~good, [False]]).astype(np.int8))).reshape(-1, 2)
        for first, after in edges:
            missing[roi, first:after] = after - first > SHORT_GAP * frame_rate
    bridged = (~finite[gappy] & ~missing[gappy]).sum(axis=1)
    long = missing[gappy].sum(axis=1)
    warn(
        f"dff: {len(gappy)} of {len(dff)} ROIs have gaps (NaN or infinity): {int(bridged.sum())} frames in gaps of at "
        f"most {SHORT_GAP} s were bridged with straight lines; {int(long.sum())} frames in longer gaps have no rate"
    )
    return Filled(filled, missing if long.any() else None)


def warn(message: str) -> None:
    """A warning that names neither file nor line of groundtrace: it is about the user's data."""
    warnings.warn(message, stacklevel=4)


def _varying(dff: FloatArray) -> BoolArray:
    return np.array([bool(np.isfinite(row).all()) and row.min() < row.max() for row in dff], bool)


def _some(dff: FloatArray) -> FloatArray:
    """At most EXAMINED evenly spaced usable rows."""
    rows = np.flatnonzero(_varying(dff))
    return dff[rows[:: max(1, -(-len(rows) // EXAMINED))]]
