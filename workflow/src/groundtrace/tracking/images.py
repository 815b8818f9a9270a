"""Images of sessions in which they can be compared: what stands out of its surroundings, at the size of a cell."""

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, map_coordinates

from groundtrace.arrays import FloatArray
from groundtrace.tracking.field import Visit, Warp

BRIGHTEST = 4.0
"""Local standard deviations at which a pixel is cut off: no single bright cell decides."""


def standing_out(image: FloatArray, diameter: float) -> FloatArray:
    """How much brighter a place is than its surroundings, in standard deviations of these, (Y, X)."""
    image = np.nan_to_num(np.asarray(image, np.float64))
    rest = image - gaussian_filter(image, diameter)
    spread = np.sqrt(gaussian_filter(rest**2, 2 * diameter))
    floor = 1e-3 * float(np.sqrt((rest**2).mean())) + 1e-12
    return np.clip(gaussian_filter(rest, diameter / 12) / np.maximum(spread, floor), -BRIGHTEST, BRIGHTEST)


def composite(visit: Visit) -> FloatArray:
    """Mean, correlation and footprints of a session in one image of variance 1, (Y, X)."""
    shown = [visit.images[name] for name in ("mean", "correlation") if name in visit.images]
    inside = np.isfinite(shown[0])
    filled = [np.where(inside, image, np.nanmean(image)) for image in shown if np.isfinite(image).any()]
    parts = [standing_out(image, visit.diameter) for image in (*filled, visit.lit)]
    total = np.sum([part / max(float(part[inside].std()), 1e-9) for part in parts], axis=0)
    return np.where(inside, total - total[inside].mean(), 0) / max(float(total[inside].std()), 1e-9)


def reduced(image: FloatArray, factor: float) -> FloatArray:
    """An image with `factor` times larger pixels, (Y / factor, X / factor); the corners stay where they are."""
    if factor <= 1:
        return image
    smooth = gaussian_filter(image, factor / 2)
    shape = [max(8, round(side / factor)) for side in image.shape]
    places = np.meshgrid(*(np.linspace(0, n - 1, m) for n, m in zip(image.shape, shape, strict=True)), indexing="ij")
    small = map_coordinates(smooth, places, order=1)
    return (small - small.mean()) / max(float(small.std()), 1e-9)


def turned(image: FloatArray, matrix: FloatArray) -> FloatArray:
    """out[p] = image[c + matrix (p - c)], c the middle; 0 beyond the edge."""
    middle = (np.array(image.shape) - 1) / 2
    places = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1) - middle
    return map_coordinates(image, np.moveaxis(places @ matrix.T + middle, -1, 0), order=1)


def warped(image: FloatArray, warp: Warp, factor: float = 1.0) -> FloatArray:
    """The image of a session, (Y, X) of pixels `factor` times as large, on the reference; NaN where there is none."""
    unit = (np.array(warp.shape) - 1) / (np.array(image.shape) - 1) if factor != 1 else np.ones(2)
    grid = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1) * unit
    places = np.moveaxis(warp(grid) / unit, -1, 0)
    return map_coordinates(image, places, order=1, mode="constant", cval=np.nan)


def padded_shape(shape: tuple[int, ...]) -> list[int]:
    """Sizes with which no shift wraps around, fast to transform."""
    return [int(fft.next_fast_len(2 * side, real=True) or 2 * side) for side in shape]


def padded_spectrum(image: FloatArray) -> np.ndarray:
    return np.asarray(fft.rfft2(image, padded_shape(image.shape)))
