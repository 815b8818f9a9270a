"""The noise of a registered movie: how its variance grows with brightness, and how neighbouring pixels share it.

Everything comes from second differences of consecutive frames, in which slow signals cancel, at pixels whose
brightness hardly fluctuates beyond its noise.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import BackendError
from groundtrace.io import read_arrays, write_arrays

TRIPLES = 256
"""Triples of consecutive frames, spread over the movie, that the noise is measured in."""
PIXELS = 16_384
"""Pixels, drawn at random, that the line of variance and mean is fitted to."""
REACH = 3
"""px; noise further apart is independent."""
FAR = (5, 7)
"""px; correlation at these distances is signal, and is subtracted."""
QUIET = 0.5
"""Share of the pixels, those that fluctuate least beyond their noise, that the correlation is measured at."""
LEAST = 1e-6
"""Detector units squared; variance of a movie without noise."""


@dataclass(frozen=True)
class NoiseModel:
    """Variance and spatial correlation of the noise of a registered movie; noise of different frames is independent."""

    gain: float
    """Detector units; variance per brightness above `offset`. Photon gain, excess noise of the amplification and the
    smoothing by registration in one; 0 when brightness does not tell the variance."""
    offset: float
    """Detector units; brightness at which photons and electronics together would have no variance."""
    floor: float
    """Detector units squared; smallest variance of a pixel: that of the electronics and of the converter's steps."""
    correlation: FloatArray
    """(2 REACH + 1, 2 REACH + 1) correlation of the noise of two pixels by their distance; 1 in the middle."""

    def variance(self, brightness: FloatArray) -> FloatArray:
        """Variance of single pixels of this expected brightness, detector units squared."""
        return np.maximum(self.gain * (brightness - self.offset), self.floor)

    def readout_variance(self, rows: IntArray, columns: IntArray, weights: FloatArray, mean: FloatArray) -> float:
        """Variance of Σ w y over the pixels of a read-out where the movie has its mean brightness (height, width).

        Σ_pq w_p w_q c(p - q) σ_p σ_q with the correlation c and each pixel's own σ.
        """
        if not len(rows):
            return 0.0
        patch = np.zeros((np.ptp(rows) + 2 * REACH + 1, np.ptp(columns) + 2 * REACH + 1))
        y, x = rows - rows.min() + REACH, columns - columns.min() + REACH
        scaled = weights * np.sqrt(self.variance(mean[rows, columns].astype(np.float64)))
        patch[y, x] = scaled
        total = 0.0
        for (dy, dx), share in np.ndenumerate(self.correlation):
            if share:
                total += share * float(scaled @ patch[y + dy - REACH, x + dx - REACH])
        return float(max(total, 0.0))


def mean_image(movie: Movie, good: IntArray) -> FloatArray:
    """(Y, X) mean of the good frames; one pass, in double precision."""
    total = np.zeros(movie.shape[1:])
    for k in good:
        total += movie[k]
    return total / len(good)


def measure_noise(movie: Movie, good: IntArray, mean: FloatArray) -> NoiseModel:
    """Noise of `movie` (T, Y, X). good: (n,) frames to use, in order; mean: (Y, X) of the movie.

    Raises BackendError where no three of them follow each other.
    """
    from groundtrace.movies.photons import photon_line

    triples, pixels = _triples(movie, good), _some_pixels(mean.size)
    first, second = (triples[:, k].reshape(len(triples), -1)[:, pixels] for k in (0, 1))
    slope_y, slope_x = np.gradient(mean.astype(np.float64))
    gradient = (np.square(slope_y) + np.square(slope_x)).ravel()[pixels]
    line = photon_line(first, second, gradient)
    difference = triples[:, 0] - 2.0 * triples[:, 1]
    difference += triples[:, 2]
    difference /= np.float32(np.sqrt(6))
    variance = np.square(difference).mean(axis=0, dtype=np.float64)
    floor = max(float(np.quantile(variance, 0.001)) / 2 if line else float(np.median(variance)), LEAST)
    model = NoiseModel(*(line or (0.0, 0.0)), floor, np.ones((1, 1)))
    standard = difference / np.sqrt(model.variance(mean)).astype(np.float32)
    # Pixels chosen for a small variance have one by chance: each half is measured at the pixels that the other chose.
    halves = standard[::2], standard[1::2]
    found = [_correlation(half, _quiet(other)) for half, other in zip(halves, halves[::-1], strict=True)]
    scale = float(np.mean([each[0] for each in found]))
    correlation = np.mean([each[1] for each in found], axis=0)
    return NoiseModel(model.gain * scale, model.offset, max(model.floor * scale, LEAST), correlation)


def _triples(movie: Movie, good: IntArray) -> FloatArray:
    """(n, 3, Y, X) float32 consecutive good frames."""
    starts = np.flatnonzero((good[2:] - good[:-2]) == 2) if len(good) > 2 else np.zeros(0, int)
    if not len(starts):
        raise BackendError(
            "denoising: no three good frames follow each other, so that the noise of the movie cannot be measured; "
            "look at the bad frames, or use a recipe without denoising"
        )
    starts = good[starts[np.unique(np.linspace(0, len(starts) - 1, min(TRIPLES, len(starts))).astype(int))]]
    triples = np.empty((len(starts), 3, *movie.shape[1:]), np.float32)
    for k, start in enumerate(starts):
        triples[k] = movie[start : start + 3]
    return triples


def _some_pixels(count: int) -> IntArray:
    return np.sort(np.random.default_rng(0).choice(count, min(PIXELS, count), replace=False))


def _quiet(standard: FloatArray) -> BoolArray:
    """Pixels (Y, X) where, with their surroundings, frames differ least beyond the expected noise."""
    excess = gaussian_filter(np.square(standard).mean(axis=0), 1.0)
    return excess <= np.quantile(excess, QUIET)


def _correlation(standard: FloatArray, quiet: BoolArray) -> tuple[float, FloatArray]:
    """Variance, and correlation by distance, of standardised differences (n, Y, X) at the quiet pixels."""
    values = np.where(quiet, standard, np.float32(0))
    size = FAR[1]

    def product(dy: int, dx: int) -> float:
        height, width = quiet.shape
        here = (slice(max(0, -dy), min(height, height - dy)), slice(max(0, -dx), min(width, width - dx)))
        there = (slice(max(0, dy), min(height, height + dy)), slice(max(0, dx), min(width, width + dx)))
        both = np.count_nonzero(quiet[here] & quiet[there])
        return float(np.einsum("tyx,tyx->", values[:, *here], values[:, *there])) / (len(values) * max(both, 1))

    found = np.zeros((2 * size + 1, 2 * size + 1))
    for dy in range(size + 1):
        for dx in range(-size, size + 1):
            if dy or dx >= 0:
                found[size + dy, size + dx] = found[size - dy, size - dx] = product(dy, dx)
    distance = np.maximum(*np.abs(np.mgrid[-size : size + 1, -size : size + 1]))
    plateau = float(found[distance >= FAR[0]].mean())
    variance = max(found[size, size] - plateau, 1e-6)
    near = slice(size - REACH, size + REACH + 1)
    correlation = (found[near, near] - plateau) / variance
    # Two standard errors of a product of independent pixels.
    correlation[np.abs(correlation) < 2 / np.sqrt(len(values) * max(np.count_nonzero(quiet), 1))] = 0
    correlation[REACH, REACH] = 1
    return variance, correlation


def write_noise(path: Path | str, noise: NoiseModel, mean: FloatArray) -> None:
    """The noise model and the mean image (Y, X), as arrays."""
    line = np.array([noise.gain, noise.offset, noise.floor])
    write_arrays(path, line=line, correlation=noise.correlation, mean=mean.astype(np.float32))


def read_noise(path: Path | str) -> tuple[NoiseModel, FloatArray]:
    """The noise model, and the mean image (Y, X)."""
    arrays = read_arrays(path)
    gain, offset, floor = (float(value) for value in arrays["line"])
    return NoiseModel(gain, offset, floor, arrays["correlation"]), arrays["mean"]
