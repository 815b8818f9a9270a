"""Is this dF/F what spike inference expects? Pure functions on (n_rois, n_frames); each says what to do instead."""

import warnings
from collections.abc import Callable

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError, did_you_mean
from groundtrace.indicators import Indicator, assumption, in_species, indicators
from groundtrace.spikes.gaps import LEAST
from groundtrace.traces.noise import median_absolute_difference, noise_sd

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
NORMALISED = 1e-3
"""How far mean and standard deviation of a z-score may be from 0 and 1."""
LONGEST_MEAN, AVERAGED = 8, -0.2
"""Frames of a running mean that is recognised; correlation of signs of steps that tells one (1/3 for a true one)."""
INVERTED = 5.0
"""Standard deviations of the noise that events which point down are below the median."""
EXAMINED = 200
"""At most so many ROIs are looked at where a fault is one of the whole array."""


def known_indicator(name: str | None, species: str | None = None) -> Indicator | None:
    """The indicator called `name`, in any case, as it is in a species where that is known; None is an unknown one."""
    if name is None:
        return None
    known = indicators()
    by_lower = {key.lower(): key for key in known}
    if name.lower() in by_lower:
        found = in_species(by_lower[name.lower()], species)
        if said := assumption(found, species):
            warn(f"indicator: {said}")
        return known[found]
    raise InputError(
        f"indicator: {name!r} is not known{did_you_mean(name, known) or ';'} Known are {', '.join(known)}; "
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
    """InputError when most traces were normalised, or are spikes already; warnings for what may be wrong otherwise."""
    varying = _varying(dff)
    most = varying.sum() / 2
    for rois, what in (
        (is_standardised(dff), "have mean 0 and standard deviation 1: they were z-scored"),
        (spans_unit(dff), "run from exactly 0 to exactly 1: they were scaled to their range"),
    ):
        if rois.sum() > most:
            raise InputError(
                f"dff: {rois.sum()} of {len(dff)} ROIs {what}, so that their rates, and the accuracy to expect of "
                "them, are not known; give dF/F, a fraction, as it was before"
            )
    deconvolved = looks_deconvolved(dff)
    if deconvolved.any():
        found = (
            f"dff: {deconvolved.sum()} of {len(dff)} ROIs are never negative and mostly exactly zero: "
            "this is the output of a deconvolution (Suite2p's spks, CaImAn's S)"
        )
        if deconvolved.sum() > most:
            raise InputError(f"{found}; give dF/F")
        warn(found)
    averaged = frames_averaged(dff)
    denoised = (looks_denoised(dff) | (averaged > 1)) & ~deconvolved
    if denoised.sum() > most:
        frames = int(np.median(averaged[denoised]))
        how = f"a running mean of {frames} frames" if frames > 1 else "smoothed or denoised before (CaImAn's C?)"
        warn(
            f"dff: the noise of {denoised.sum()} of {len(dff)} ROIs is correlated from frame to frame: they are {how}, "
            "so ν is too low and errors come out too small; give raw dF/F"
        )
    inverted = looks_inverted(dff)
    if inverted.sum() > most:
        warn(
            f"dff: large events of {inverted.sum()} of {len(dff)} ROIs point down; where the indicator gets darker "
            "with calcium, give -dff"
        )


def is_standardised(dff: FloatArray) -> BoolArray:
    """(n_rois,): mean 0 and standard deviation 1, to rounding."""
    mean, sd = (_rows(dff, of) for of in (np.mean, np.std))
    # Some divide by n - 1.
    return (np.abs(mean) < NORMALISED) & (np.abs(sd - 1) < NORMALISED + 1 / max(dff.shape[1], 1))


def spans_unit(dff: FloatArray) -> BoolArray:
    """(n_rois,): minimum 0 and maximum 1, to rounding."""
    low, high = (_rows(dff, of) for of in (np.min, np.max))
    return (np.abs(low) < 1e-6) & (np.abs(high - 1) < 1e-6)


def looks_deconvolved(dff: FloatArray) -> BoolArray:
    """(n_rois,): mostly exact zeros, the rest positive."""
    return _varying(dff) & (_rows(dff, np.min) >= 0) & (_rows(dff == 0, np.mean) > SILENT)


def looks_denoised(dff: FloatArray) -> BoolArray:
    """(n_rois,): frames two apart differ by far more than neighbours do, which white noise never does."""
    one = median_absolute_difference(dff)
    two = np.fmax(median_absolute_difference(dff[:, ::2]), median_absolute_difference(dff[:, 1::2]))
    return _varying(dff) & (two > SMOOTHED * one)


def frames_averaged(dff: FloatArray) -> IntArray:
    """(n_rois,) frames of a running mean that the traces are, 1 for none.

    Steps of white noise anticorrelate by -1/2 with the next one; after a mean of n frames, with the nth, and with none
    in between. Steps are signs here: events do not count more than noise.
    """
    found = np.ones(len(dff), np.int64)
    for i in np.flatnonzero(_varying(dff)):
        steps = np.nan_to_num(np.sign(np.diff(np.where(np.isfinite(dff[i]), dff[i], np.nan))))
        power = max(float((steps**2).sum()), 1)
        alike = np.array([float(steps[lag:] @ steps[:-lag]) / power for lag in range(1, LONGEST_MEAN + 1)])
        lag = int(alike.argmin())
        if lag and alike[lag] < AVERAGED and (np.abs(alike[:lag]) < -AVERAGED).all():
            found[i] = lag + 1
    return found


def looks_inverted(dff: FloatArray) -> BoolArray:
    """(n_rois,): the largest values below the median are clear of noise, and twice as far as those above."""
    middle, low, high = (_rows(dff, lambda row, q=q: np.percentile(row, q)) for q in (50, 0.5, 99.5))
    return (middle - low > INVERTED * noise_sd(dff)) & (middle - low > 2 * (high - middle))


def check_noise_level(level: FloatArray) -> None:
    """Warn of ROIs whose ν (n_rois,) is outside what inference was measured on."""
    for rois, what in (
        (level < NOISE_LEVELS[0], f"below {NOISE_LEVELS[0]:g}: smoothed or denoised before? Give raw dF/F"),
        (level > NOISE_LEVELS[1], f"above {NOISE_LEVELS[1]:g}: too noisy for single events, or in per cent"),
    ):
        if rois.any():
            warn(
                f"noise level ν of {rois.sum()} of {len(level)} ROIs (the first: {int(np.argmax(rois))}) is {what}; "
                f"inference is measured on {NOISE_LEVELS[0]:g} to {NOISE_LEVELS[1]:g} % Hz^(-1/2)"
            )


def say_gaps(dff: FloatArray, frame_rate: float) -> None:
    """Warn of traces with gaps, and of those with hardly any value."""
    finite = np.isfinite(dff).mean(axis=1) if dff.size else np.ones(len(dff))
    gappy, lost = (finite < 1) & (finite >= LEAST), finite < LEAST
    if gappy.any():
        missing = int((~np.isfinite(dff[gappy])).sum(axis=1).max())
        warn(
            f"dff: {int(gappy.sum())} of {len(dff)} ROIs have gaps (NaN or infinity), of up to {missing} frames "
            f"({missing / frame_rate:.1f} s) in all; these frames have no rate, and the others are inferred without "
            "them"
        )
    if lost.any():
        warn(
            f"dff: {int(lost.sum())} of {len(dff)} ROIs (the first: {int(lost.argmax())}) have a value in less than "
            f"{LEAST:.0%} of their frames, and get no rates"
        )


def warn(message: str) -> None:
    """A warning that names neither file nor line of groundtrace: it is about the user's data."""
    warnings.warn(message, stacklevel=4)


def _rows(dff: np.ndarray, statistic: Callable[[np.ndarray], float]) -> FloatArray:
    """A statistic of the finite values of each row; NaN where there are none."""
    finite = np.isfinite(dff)
    return np.array(
        [statistic(row[inside]) if inside.any() else np.nan for row, inside in zip(dff, finite, strict=True)]
    )


def _varying(dff: FloatArray) -> BoolArray:
    """(n_rois,): enough finite values, and not all the same."""
    enough = np.isfinite(dff).mean(axis=1) >= LEAST if dff.size else np.zeros(len(dff), bool)
    return enough & (_rows(dff, np.min) < _rows(dff, np.max))


def _some(dff: FloatArray) -> FloatArray:
    """At most EXAMINED evenly spaced usable rows, NaN where there is no value."""
    rows = np.flatnonzero(_varying(dff))
    sample = dff[rows[:: max(1, -(-len(rows) // EXAMINED))]]
    return np.where(np.isfinite(sample), sample, np.nan)
