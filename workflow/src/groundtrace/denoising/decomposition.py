"""The strongest components of a movie in units of its noise, frame by frame from the disk.

Subspace iteration from a random projection (Halko, Martinsson and Tropp 2011, algorithm 4.4): each pass over the movie
multiplies pixels x components by the pixels' covariance.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import convolve
from scipy.optimize import minimize_scalar

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.movies.noise import NoiseModel, mean_image, measure_noise

MOST = 200
"""Components that are kept, when their number is not given."""
BEYOND = 20
"""Components that are followed beyond those, so that the last of them is exact."""
PASSES = 3
"""Multiplications by the covariance."""
CHUNK_PIXELS = 2**22
"""Pixels in memory at once. Neither it nor SLICES may depend on the number of threads, since sums do on their parts."""
SLICES = 8
"""Parts of a product that can be computed at the same time."""
MARGIN = 1.02
"""Smallest singular value of signal over the largest of noise, which fluctuates and is known to a few percent."""
SPECTRUM = 64
"""Frequencies in y and in x, of the noise's spectrum."""


@dataclass(frozen=True)
class Decomposition:
    """z = scores @ patterns.T, with z = (y - mean) / deviation of the noise."""

    noise: NoiseModel
    mean: FloatArray
    """(Y, X) float32, detector units."""
    scores: FloatArray
    """(T, count) float32; of bad frames, interpolated between good ones."""
    patterns: FloatArray
    """(Y X, count) float32, orthonormal."""
    frame_share: FloatArray
    """(T,) of a pixel's noise in a frame that is left, because components follow it in time."""
    pixel_share: FloatArray
    """(Y, X) of it that is left, because components look like it."""

    @property
    def count(self) -> int:
        return self.scores.shape[1]


def decompose(movie: Movie, bad: BoolArray, components: int | None, seed: int, threads: int) -> Decomposition:
    """Components of `movie` (T, Y, X), learnt from its good frames; BLAS must be kept to one thread."""
    good = np.flatnonzero(~bad)
    mean = mean_image(movie, good)
    noise = measure_noise(movie, good, mean)
    size = min((components or MOST) + BEYOND, len(good), mean.size)
    scores, patterns, values = _strongest(_Standard(movie, good, mean, noise), size, seed, threads)
    edge = MARGIN * noise_edge(len(good), mean.size, noise.correlation)
    count = min(components, size) if components else min(int((values > edge).sum()), MOST)
    patterns, scores, values = patterns[:, :count], scores[:, :count], values[:count]
    frame_share = np.square(scores / np.maximum(values, 1e-9)).sum(axis=1)
    times = np.arange(len(movie))
    return Decomposition(
        noise,
        mean.astype(np.float32),
        np.stack([np.interp(times, good, each) for each in scores.T], axis=1).astype(np.float32)
        if count
        else np.zeros((len(movie), 0), np.float32),
        patterns,
        np.interp(times, good, frame_share),
        _pixel_share(patterns, noise.correlation, mean.shape),
    )


def reconstruct(found: Decomposition, denoised: Movie, deviation: Movie, threads: int) -> None:
    """Fill `denoised` and `deviation` (T, Y, X), detector units.

    What is left of white noise after projections P in time and Q in space, N - (1 - P) N (1 - Q), has at a pixel and a
    frame the variance p + q - p q, with p and q the diagonals of the projections.
    """
    shape = found.mean.shape
    scale = np.sqrt(found.noise.variance(found.mean)).astype(np.float32)
    step = max(1, CHUNK_PIXELS // SLICES // found.mean.size)

    def write(start: int) -> None:
        part = slice(start, start + step)
        values = (found.scores[part] @ found.patterns.T).reshape(-1, *shape) * scale + found.mean
        p = np.clip(found.frame_share[part, None, None], 0, 1)
        share = p + (1 - p) * found.pixel_share + 1 / len(denoised)
        denoised[part] = values
        deviation[part] = np.sqrt(found.noise.variance(values) * share)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(0, len(denoised), step)))


def noise_edge(frames: int, pixels: int, correlation: FloatArray) -> float:
    """Largest singular value of frames x pixels of noise of variance 1, correlated in space and not in time.

    The right edge of the eigenvalues' limit (Silverstein and Choi 1995); sqrt(frames) + sqrt(pixels) for white noise.
    correlation: by distance, as in NoiseModel.
    """
    kernel = np.zeros((SPECTRUM, SPECTRUM))
    height, width = correlation.shape
    kernel[:height, :width] = correlation
    power = np.fft.fft2(np.roll(kernel, (-(height // 2), -(width // 2)), axis=(0, 1))).real.clip(min=0).ravel()

    def eigenvalue(h: float) -> float:
        return float(1 / h + pixels / frames * np.mean(power / (1 - power * h)))

    limits = (1e-6 / power.max(), (1 - 1e-6) / power.max())
    best = minimize_scalar(eigenvalue, bounds=limits, method="bounded", options={"xatol": 1e-6 * limits[1]})
    return float(np.sqrt(frames * best.fun))


@dataclass(frozen=True)
class _Standard:
    """Good frames in units of the noise, (n, Y X) at a time."""

    movie: Movie
    good: IntArray
    mean: FloatArray
    noise: NoiseModel

    def chunks(self) -> list[slice]:
        step = max(SLICES, CHUNK_PIXELS // self.mean.size)
        return [slice(start, start + step) for start in range(0, len(self.good), step)]

    def frames(self, part: slice) -> FloatArray:
        raw = self.movie[self.good[part]].astype(np.float32)
        raw -= self.mean.astype(np.float32)
        raw /= np.sqrt(self.noise.variance(self.mean)).astype(np.float32)
        return raw.reshape(len(raw), -1)


def _strongest(standard: _Standard, size: int, seed: int, threads: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores (n, size) and patterns (Y X, size), float32, and singular values (size,), strongest first."""
    random = np.random.default_rng(seed)
    scores = random.standard_normal((len(standard.good), size), np.float32)
    patterns = np.zeros((standard.mean.size, 0), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        for number in range(PASSES):
            product = np.zeros((standard.mean.size, size), np.float32)
            for part in standard.chunks():
                frames = standard.frames(part)
                weights = _scores(frames, patterns, pool) if number else scores[part]
                _add_product(product, frames, weights, pool)
            patterns = np.linalg.qr(product)[0]
        scores = np.concatenate([_scores(standard.frames(part), patterns, pool) for part in standard.chunks()])
    rotation = np.linalg.svd(scores.astype(np.float64), full_matrices=False)
    turned = rotation.Vh.T.astype(np.float32)
    return scores @ turned, patterns @ turned, rotation.S


def _scores(frames: FloatArray, patterns: FloatArray, pool: Executor) -> FloatArray:
    parts = np.array_split(frames, SLICES)
    return np.concatenate(list(pool.map(lambda part: part @ patterns, parts)))


def _add_product(product: FloatArray, frames: FloatArray, weights: FloatArray, pool: Executor) -> None:
    """product += frames.T @ weights."""

    def add(pixels: IntArray) -> None:
        part = slice(pixels[0], pixels[-1] + 1)
        product[part] += frames[:, part].T @ weights

    list(pool.map(add, [part for part in np.array_split(np.arange(len(product)), SLICES) if len(part)]))


def _pixel_share(patterns: FloatArray, correlation: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """(Y, X) variance of correlated noise of variance 1 after a projection on `patterns`."""
    count = patterns.shape[1]
    if not count:
        return np.zeros(shape, np.float32)
    smooth = np.stack(
        [convolve(each.reshape(shape), correlation, mode="constant").ravel() for each in patterns.T], axis=1
    )
    within = patterns.T @ smooth
    return np.einsum("pk,pk->p", patterns @ within, patterns).clip(0, 1).reshape(shape)
