"""Photon gain and offset of a detector, from how the variance of its pixels grows with their mean."""

import numpy as np
from scipy.special import gammaincinv, ndtri

from groundtrace.arrays import BoolArray, FloatArray, IntArray

MIN_PAIRS = 10
BINS = 32


def photon_line(first: FloatArray, second: FloatArray, gradient: FloatArray) -> tuple[float, float] | None:
    """Gain (detector units per photon) and offset (detector units at zero photons); None when no line can be fitted.

    first, second: (n_pairs, n_pixels), pixels of consecutive frames; gradient: (n_pixels,) squared gradient of the
    mean image, (detector units / px)².

    Half the mean squared difference of consecutive frames is free of slow signals. Photons make it proportional to
    mean - offset, with the gain as slope. What else is in it is kept out: motion adds a share of the squared
    gradient, fitted and subtracted; pairs of frames with a jump are left out; active cells do not move the median
    over pixels of equal mean, nor the outermost pixels the Theil-Sen line through the medians.
    """
    squares = np.square(second.astype(np.float32) - first) / 2
    means = (first.astype(np.float32) + second) / 2
    good = _without_jumps(squares.mean(1))
    if good.sum() < MIN_PAIRS:
        return None
    mean = means[good].mean(0).astype(float)
    halves = squares[good][::2].mean(0).astype(float), squares[good][1::2].mean(0).astype(float)
    variance = squares[good].mean(0).astype(float)
    low, high = np.quantile(mean, (0.05, 0.95))
    # The means themselves are uncertain by this much: a field without contrast shows no line.
    uncertainty = np.sqrt(np.median(variance) / (2 * good.sum()))
    if high - low < 10 * uncertainty:
        return None
    variance = variance - _motion(mean, variance, gradient) * gradient
    x, y = _medians(mean, variance, *halves)
    slope, intercept, slope_low, slope_high = theil_sen(x, y)
    if slope_low <= 0 or slope_high - slope_low > slope:
        return None
    return slope, -intercept / slope


def theil_sen(x: FloatArray, y: FloatArray) -> tuple[float, float, float, float]:
    """Median slope through all pairs of points, its intercept, and the 95 % interval of the slope (Sen 1968, eq. 2.6).

    As scipy.stats.theilslopes, whose import takes longer than to ingest a small recording.
    """
    later = x[:, None] > x
    slopes = np.sort((y[:, None] - y)[later] / (x[:, None] - x)[later])
    slope, pairs = float(np.median(slopes)), len(slopes)
    ties = (np.unique(values, return_counts=True)[1] for values in (x, y))
    variance = (_orders(np.array([len(x)])) - sum(map(_orders, ties))) / 18
    reach = -ndtri(0.025) * np.sqrt(variance)
    low = max(int(np.round((pairs - reach) / 2)) - 1, 0)
    high = min(int(np.round((pairs + reach) / 2)), pairs - 1)
    return slope, float(np.median(y) - slope * np.median(x)), float(slopes[low]), float(slopes[high])


def _orders(counts: IntArray) -> int:
    return int((counts * (counts - 1) * (2 * counts + 5)).sum())


def _without_jumps(energy: FloatArray) -> BoolArray:
    """Pairs whose mean squared difference is neither zero (a repeated frame) nor an outlier (a jump, a flash)."""
    moving = energy > 0
    if not moving.any():
        return moving
    middle = float(np.median(energy[moving]))
    spread = 1.4826 * float(np.median(np.abs(energy[moving] - middle)))
    return moving & (np.abs(energy - middle) <= 4 * spread + 1e-3 * middle)


def _motion(mean: FloatArray, variance: FloatArray, gradient: FloatArray) -> float:
    """Variance per squared gradient, px²: robust regression of the variance on the mean and the squared gradient."""
    floor = np.median(variance) / 10
    if floor <= 0 or not gradient.any():
        return 0.0
    terms = np.stack([mean, np.ones_like(mean), gradient], axis=1)
    weight, fit = 1 / np.maximum(variance, floor), np.zeros(3)
    for _ in range(15):
        fit = np.linalg.lstsq(terms * weight[:, None], variance * weight, rcond=None)[0]
        expected = np.maximum(terms @ fit, floor)
        residual = (variance - terms @ fit) / expected
        spread = 1.4826 * np.median(np.abs(residual - np.median(residual))) + 1e-12
        weight = np.clip(1 - np.square(residual / (4.685 * spread)), 0, 1) / expected
    return max(0.0, float(fit[2]))


def _medians(
    mean: FloatArray, variance: FloatArray, half: FloatArray, other: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Median mean and variance of pixels in bins of equal mean.

    A variance from few pairs is skewed like a gamma variable, so its median lies below its mean; the two halves of
    the pairs tell by how much.
    """
    x, y = [], []
    for pixels in np.array_split(np.argsort(mean, kind="stable"), min(BINS, max(2, len(mean) // 20))):
        total = half[pixels] + other[pixels]
        ratio = np.divide(half[pixels] - other[pixels], total, out=np.zeros_like(total), where=total > 0)
        scatter = max(float(np.mean(np.square(ratio))), 1e-6)
        x.append(np.median(mean[pixels]))
        y.append(np.median(variance[pixels]) / (gammaincinv(1 / scatter, 0.5) * scatter))
    return np.array(x), np.array(y)
