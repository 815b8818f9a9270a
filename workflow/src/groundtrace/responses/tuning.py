"""Tuning to a number that was varied: orientation, spatial frequency, contrast, position."""

from typing import NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.responses.reliability import sums

ANGLES = ("orientation", "direction", "angle", "ori", "theta")
"""Columns of degrees that come back after 180, or after 360 where values span 180 and more."""
FEWEST = 3
"""Values that a curve needs."""
CENTRES, WIDTHS = 72, 8
"""Peaks and widths of the curves that are compared."""
UNTUNED = 0.44
"""Excess variance, relative to that along the vector, of the signed root of its unbiased square where nothing is tuned:
the square is exponential then."""
RATIOS = 4.0
"""Positive values that span more than this factor are compared by their logarithms."""


class Tuning(NamedTuple):
    """Tuning of all ROIs to one number."""

    period: float | None
    value: FloatArray
    """(n_values,)"""
    response: FloatArray
    """(n_rois, n_values) spikes, mean."""
    error: FloatArray
    """(n_rois, n_values) spikes, standard error."""
    preferred: FloatArray
    preferred_error: FloatArray
    selectivity: FloatArray
    selectivity_error: FloatArray
    """Each (n_rois,)."""


def tunings(response: FloatArray, shown: FloatArray, name: str) -> list[Tuning]:
    """Tuning of responses (n_rois, n_trials) to the value (n_trials,) shown; NaN is no value.

    An angle that spans at least 180° has two: as an orientation (period 180) and as a direction (period 360).
    """
    known = np.isfinite(shown)
    value, label = np.unique(shown[known], return_inverse=True)
    if len(value) < FEWEST:
        return []
    n, s, q = sums(response[:, known], label, len(value))
    mean, error = _curve(n, s, q)
    periods: tuple[float | None, ...] = (None,)
    if any(word in ANGLES for word in name.lower().split("_")):
        periods = (180.0, 360.0) if np.ptp(value) >= 180 else (180.0,)
    return [_tuning(period, value, mean, error) for period in periods]


def _curve(n: FloatArray, s: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean responses and their standard errors, each (n_rois, n_values).

    A few trials may happen to be alike. So the variance within values is a straight line over their mean responses,
    fitted to all values: between constant, as noise of a measurement, and proportional, as that of spikes.
    """
    n = np.where(n > 0, n, np.nan)
    mean = s / n
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.maximum(q - s * mean, 0)
        pooled = squares.sum(axis=1, keepdims=True) / (n - 1).sum(axis=1, keepdims=True)
        level = mean.mean(axis=1, keepdims=True)
        off = mean - level
        slope = (squares / (n - 1) * off).sum(axis=1, keepdims=True) / (off**2).sum(axis=1, keepdims=True)
        slope = np.clip(np.nan_to_num(slope), 0, np.nan_to_num(pooled / level))
        return mean, np.sqrt((pooled + slope * off) / n)


def _tuning(period: float | None, value: FloatArray, mean: FloatArray, error: FloatArray) -> Tuning:
    selectivity = _depth(mean, error) if period is None else _vector(value, mean, error, period)
    return Tuning(period, value, mean, error, *_preferred(value, mean, error, period), *selectivity)


def _vector(value: FloatArray, mean: FloatArray, error: FloatArray, period: float) -> tuple[FloatArray, FloatArray]:
    """Length of the mean vector over the mean response, and its standard error, (n_rois,) each.

    A cosine and a sine are fitted, so that values need not be evenly spaced. What noise adds to the square of their
    amplitude is taken off, and the root keeps its sign.
    """
    angle = 2 * np.pi * value / period
    design = np.column_stack([np.ones(len(value)), np.cos(angle), np.sin(angle)])
    if np.linalg.matrix_rank(design, tol=1e-6) < 3:
        unknown = np.full(len(mean), np.nan)
        return unknown, unknown
    solve = np.linalg.pinv(design)
    level, cosine, sine = solve @ mean.T
    spread = np.einsum("ak,rk,bk->rab", solve[1:], error**2, solve[1:])
    power = cosine**2 + sine**2 - spread[:, 0, 0] - spread[:, 1, 1]
    length = np.hypot(cosine, sine)
    with np.errstate(invalid="ignore", divide="ignore"):
        towards = np.stack([cosine, sine]) / length
        along = np.einsum("ar,rab,br->r", towards, spread, towards)
        noisy = np.minimum((spread[:, 0, 0] + spread[:, 1, 1]) / length**2, 1)
        error = np.sqrt(along * (1 + UNTUNED * noisy))
        # Where few angles were shown, or there are hardly any responses, the level may not be positive.
        whole = 2 * np.where(level > 0, level, np.nan)
        return np.sign(power) * np.sqrt(np.abs(power)) / whole, error / whole


def _depth(mean: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sparseness over values without the noise of trials, and its standard error, (n_rois,) each."""
    number, noise = mean.shape[1], (error**2).mean(axis=1)
    level, squares = mean.mean(axis=1), (mean**2).mean(axis=1) - noise
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (level**2 - noise / number) / squares
        slope = (2 * level / number / squares)[:, None] - (ratio / squares * 2 / number)[:, None] * mean
        scale = 1 - 1 / number
        linear = (slope**2 * error**2).sum(axis=1)
        # What is left of a flat curve: the error of the variance of noise. Noise also makes a slope of twice that.
        flat = 2 * (number - 1) * (noise / number / squares) ** 2
        spread = np.sqrt(np.maximum(linear - 2 * flat, 0) + flat)
        known = squares > 0
        return np.where(known, (1 - ratio) / scale, np.nan), np.where(known, spread / scale, np.nan)


def _preferred(
    value: FloatArray, mean: FloatArray, error: FloatArray, period: float | None
) -> tuple[FloatArray, FloatArray]:
    """Peak of the curve and its standard error, (n_rois,) each: mean and standard deviation over bell-shaped curves of
    many peaks and widths, with level and height fitted, each weighted by its likelihood.

    Nothing is preferred where all are equally likely: the error is then that of a guess between the values.
    """
    centre, shapes = _shapes(value, period)
    off = mean - mean.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Noise where the cell responds decides where its peak is.
        scale = np.sqrt((mean * error**2).sum(axis=1) / mean.sum(axis=1))
    # Of a direction, the opposite one may have a lower peak of its own: the two together, and what they differ by.
    other = np.roll(shapes, CENTRES // 2, axis=0)
    parts = (shapes + other, shapes - other) if period == 360 else (shapes,)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = sum(_explained(off, part) for part in parts) / scale[:, None, None] ** 2 / 2
        weight = np.exp(gain - gain.max(axis=(1, 2), keepdims=True)).sum(axis=2)
        weight /= weight.sum(axis=1, keepdims=True)
    if period is None:
        axis = _axis(value)
        peak = weight @ axis(centre)
        spread = np.sqrt(np.maximum(weight @ axis(centre) ** 2 - peak**2, 0))
        if axis is np.log2:
            return 2**peak, 2**peak * np.log(2) * spread
        return peak, spread
    vector = weight @ np.exp(2j * np.pi * centre / period)
    width = np.sqrt(-2 * np.log(np.clip(np.abs(vector), 1e-12, 1))) * period / (2 * np.pi)
    known = np.isfinite(scale) & (scale > 0)
    preferred = np.where(known, np.mod(np.angle(vector) * period / (2 * np.pi), period), np.nan)
    return preferred, np.where(known, np.minimum(width, period / np.sqrt(12)), np.nan)


def _explained(off: FloatArray, shapes: FloatArray) -> FloatArray:
    """Sum of squares (n_rois, CENTRES, WIDTHS) of curves `off` that each shape explains, if it points up."""
    bells = shapes - shapes.mean(axis=-1, keepdims=True)
    return np.maximum(np.einsum("rk,cwk->rcw", off, bells), 0) ** 2 / np.maximum((bells**2).sum(axis=-1), 1e-12)


def _shapes(value: FloatArray, period: float | None) -> tuple[FloatArray, FloatArray]:
    """Peaks (CENTRES,) and curves (CENTRES, WIDTHS, n_values) that rise from 0 to 1."""
    if period is not None:
        centre = np.arange(CENTRES) * period / CENTRES
        width = np.geomspace(period / 20, period / 5, WIDTHS)
        sharp = 1 / (2 * np.pi * width / period) ** 2
        away = np.cos(2 * np.pi * (value - centre[:, None]) / period) - 1
        return centre, np.exp(sharp[:, None] * away[:, None, :])
    axis = _axis(value)
    at = axis(value)
    centre, step = np.linspace(at[0], at[-1], CENTRES), np.ptp(at) / (len(at) - 1)
    width = np.geomspace(step / 2, np.ptp(at), WIDTHS)
    away = (at - centre[:, None])[:, None, :] / width[:, None]
    return 2**centre if axis is np.log2 else centre, np.exp(-(away**2) / 2)


def _axis(value: FloatArray) -> np.ufunc:
    return np.log2 if value.min() > 0 and value.max() >= RATIOS * value.min() else np.positive
