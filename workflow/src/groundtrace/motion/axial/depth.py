"""The depth of each frame in a z-stack: a matched filter for every plane, maximum likelihood between planes, and a
smoother over time.

A frame at depth z is a S(z) + background + noise, with S(z) a cubic spline through the planes, a its brightness. With
weights 1/v the likelihood of z, the best a put in, is c(z)² / 2 n(z), where c is the product of frame and S(z) and n
that of S(z) with itself. Both follow from the products with the planes: one product per pixel and plane.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.motion.axial.placing import placed
from groundtrace.motion.phase.smoothing import follow_mode
from groundtrace.motion.phase.template import HIGHPASS, SMOOTHING, noise_floor
from groundtrace.movies.z_stack import ZStack

FINE = 8
"""Depths between two planes at which the likelihood is computed; its top lies between these."""
TILE = 16
"""px; two halves of the field, in tiles like a chessboard, measure the depth independently."""
CONTRAST = 4.0
"""px over which the planes' contrast is averaged: it counts as noise too, because in the stack cells did something
else than in the frame."""
BETWEEN, ALIKE = 0.1, 0.7
"""Standard error that halves of the field share: what cells do in the frames, and as much again by what they did while
the stack was taken. The second is alike over ALIKE of depth, so that frames at one depth do not differ by it. In steps
between planes."""
WINDOW = 1.0
"""s; stretch from which the process noise of a frame is learnt."""
CHUNK_BYTES = 64 << 20
NOISE_FRAMES = 300
DEPTHS = 200
"""Quantiles that stand for the depths of a recording."""
SHOWN = 0.3
"""A frame that shows less of the stack than this share of what is usual tells nothing of its depth."""


@dataclass(frozen=True)
class Depth:
    """Where each frame lies, positive deeper."""

    z: FloatArray
    """(n_frames,) µm, from the median of the recording."""
    error: FloatArray
    """(n_frames,) µm, standard error, but for a constant that all frames share."""
    place: float
    """µm, of that median below the first plane of the stack."""
    shown: float
    """How much of the stack's structure the recording shows there: 1 is all."""


def frame_depths(
    registered: Movie,
    stack: ZStack,
    template: FloatArray,
    seen: BoolArray,
    good: BoolArray,
    begins: BoolArray,
    frame_rate: float,
) -> Depth:
    """Depth of each frame of a registered movie.

    template: (height, width) of the registration. seen: (height, width) pixels from inside the field. good, begins:
    (n_frames,) frames that are to be trusted, and first frames after a gap. The stack may lie elsewhere in the plane:
    each of its planes is registered, rigidly, to the one before.
    """
    variance = noise_floor(_sample(registered, good).var(axis=0))
    planes, inside = placed(stack.planes, template, variance)
    structure = _highpass(gaussian_filter(planes, SMOOTHING, axes=(1, 2)))
    weight = np.where(seen & inside, 1 / (variance + gaussian_filter((structure**2).max(axis=0), CONTRAST)), 0)
    y, x = np.indices(template.shape) // TILE
    halves = [_filters(structure, np.where((y + x) % 2 == k, weight, 0)) for k in (0, 1)]
    products = _products(registered, np.concatenate(halves))
    parts = products[:, : len(planes)], products[:, len(planes) :]
    norms = [np.einsum("kyx,lyx->kl", filters, structure, optimize=True) for filters in halves]
    whole, error, shown = _likeliest(parts[0] + parts[1], norms[0] + norms[1])
    trusted = good & (shown > SHOWN * np.median(shown))
    apart = [_likeliest(part, norm)[0] for part, norm in zip(parts, norms, strict=True)]
    scale = max(1.4826 * float(np.median(np.abs(apart[0] - apart[1])[trusted])) / 2 if trusted.any() else 1.0, 1e-3)
    spread = (error / np.median(error)) ** 2
    smooth = [
        _smoothed(values, sd, spread, trusted, begins, frame_rate)
        for values, sd in ((whole, scale), (apart[0], np.sqrt(2) * scale), (apart[1], np.sqrt(2) * scale))
    ]
    # Noise of activity lasts: two halves know how large the error is, the smoother how it changes over time.
    (z, own), (one, _), (other, _) = smooth
    measured = np.mean((one - other)[trusted] ** 2) / 4 if trusted.any() else 1.0
    variances = own**2 * max(1.0, measured / max(np.mean(own[trusted] ** 2) if trusted.any() else 1.0, 1e-12))
    median = float(np.median(z[trusted])) if trusted.any() else float(np.median(z))
    return Depth(
        stack.step * (z - median),
        abs(stack.step) * np.sqrt(variances + BETWEEN**2 * (1 + _apart(z))),
        stack.step * median,
        float(np.median(shown)),
    )


def _apart(z: FloatArray) -> FloatArray:
    """Variance (n_frames,) by which what frames at depths `z` share differs from its mean over the recording: between
    0, where all lie at one depth, and 1. The covariance of two depths is a Gaussian of ALIKE."""
    usual = np.quantile(z, (np.arange(DEPTHS) + 0.5) / DEPTHS)

    def alike(one: FloatArray) -> FloatArray:
        return np.exp(-(((one[:, None] - usual) / ALIKE) ** 2) / 2).mean(axis=1)

    return np.maximum(1 - 2 * alike(z) + alike(usual).mean(), 0)


def _sample(registered: Movie, good: BoolArray) -> FloatArray:
    """Some good frames, evenly spread."""
    at = np.flatnonzero(good) if good.sum() > 1 else np.arange(len(registered))
    at = at[np.linspace(0, len(at), min(NOISE_FRAMES, len(at)), endpoint=False, dtype=int)]
    return np.asarray(registered[at], np.float32)


def _highpass(images: FloatArray) -> FloatArray:
    return images - gaussian_filter(images, HIGHPASS, axes=(-2, -1))


def _filters(structure: FloatArray, weight: FloatArray) -> FloatArray:
    """(planes, height, width): what a frame is multiplied with; blind to its mean and to what is smooth."""
    filters = structure * weight
    filters -= filters.mean(axis=(1, 2), keepdims=True)
    filters = _highpass(filters)
    return filters - filters.mean(axis=(1, 2), keepdims=True)


def _products(registered: Movie, filters: FloatArray) -> FloatArray:
    """(n_frames, filters) of each frame with each filter."""
    flat = np.ascontiguousarray(filters.reshape(len(filters), -1).T, np.float32)
    found = np.empty((len(registered), len(filters)))
    size = max(1, CHUNK_BYTES // (4 * len(flat)))
    for start in range(0, len(registered), size):
        frames = np.asarray(registered[start : start + size], np.float32)
        found[start : start + size] = frames.reshape(len(frames), -1) @ flat
    return found


def _likeliest(products: FloatArray, norm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Depth of each frame in steps from the first plane, its standard error for independent noise of variance v, and
    how much of the stack it shows: (n_frames,) each."""
    planes = len(norm)
    depths, norm = np.linspace(0, planes - 1, (planes - 1) * FINE + 1), (norm + norm.T) / 2
    spline = CubicSpline(np.arange(planes), np.eye(planes))
    values, slopes = spline(depths), spline(depths, 1)
    own, across, steep = (
        np.einsum("zk,kl,zl->z", a, norm, b) for a, b in ((values, values), (slopes, values), (slopes, slopes))
    )
    own = np.maximum(own, 1e-6 * own.max())
    shown = products @ values.T / own
    likelihood = np.maximum(shown, 0) ** 2 * own / 2
    every = np.arange(len(products))
    top = np.clip(likelihood.argmax(axis=1), 1, len(depths) - 2)
    low, high, middle = (likelihood[every, top + at] for at in (-1, 1, 0))
    bend = low + high - 2 * middle
    beyond = np.where(bend < 0, np.clip((low - high) / (2 * np.where(bend < 0, bend, 1)), -0.5, 0.5), 0)
    curvature = np.maximum(steep - across**2 / own, 1e-6 * steep.max())[top]
    brightness = np.maximum(shown[every, top], 0.05)
    return (top + beyond) / FINE, 1 / (brightness * np.sqrt(curvature)), brightness


def _smoothed(
    values: FloatArray, sd: float, spread: FloatArray, trusted: BoolArray, begins: BoolArray, frame_rate: float
) -> tuple[FloatArray, FloatArray]:
    """Depths followed through time, and their standard errors; sd: of the error of a usual frame."""
    from groundtrace.motion.phase.kernels import follow

    middle = float(np.median(values[trusted])) if trusted.any() else float(np.median(values))
    window = max(5, round(WINDOW * frame_rate)) | 1
    error = np.where(trusted, spread, 1e6)
    smooth, variance = follow_mode((values - middle) / sd, error, trusted, begins, window, follow)
    return middle + sd * smooth, sd * np.sqrt(variance)
