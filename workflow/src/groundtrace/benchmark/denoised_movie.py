"""A denoised movie against the movie without noise of a simulated plane: error, and whether what is still stays still.

Single pixels are never judged one by one; ROIs are the affair of `denoised_traces`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.benchmark.motion import rms
from groundtrace.movies.file import MovieFile, open_movie
from groundtrace.simulation.parameters import Simulation

CHUNK_FRAMES = 100
STATIC = 0.5
"""Share of the pixels, those whose light changes least beside their noise, that count as static."""
SIDE = 16
"""px of the square blocks whose borders are followed."""
SSIM_FRAMES = 100
"""Frames, spread over the movie, that are compared by their structure."""
SSIM_SIGMA, SSIM_CONSTANTS = 1.5, (0.01, 0.03)
"""Window (px) and constants of Wang et al. 2004."""


@dataclass(frozen=True)
class PixelNoise:
    """Noise that the simulated detector gives single pixels, detector units."""

    slope: float
    """Variance per brightness above `dark`."""
    dark: float

    @classmethod
    def of(cls, parameters: Simulation) -> "PixelNoise":
        slope = parameters.gain * parameters.excess_noise
        return cls(slope, parameters.offset - parameters.read_noise**2 / slope)

    def variance(self, brightness: FloatArray) -> FloatArray:
        return self.slope * (brightness - self.dark)

    def stabilised(self, frames: FloatArray) -> FloatArray:
        """Frames in units in which noise has a variance of about 1 at any brightness."""
        return 2 * np.sqrt(np.maximum(frames - self.dark, 0) / self.slope)


def open_plane(path: Path | str, acquisition: Acquisition) -> MovieFile:
    """Frames (T, Y, X) of one plane; those of the planes of a movie without noise come in turn."""
    movie = open_movie(path)
    if len(movie) == acquisition.frames:
        return movie
    return open_movie(path, slice(acquisition.plane, None, acquisition.planes))


def score_movie(movie: Movie, clean: Movie, parameters: Simulation) -> dict[str, float | None]:
    """Columns psnr, ssim, wobble and border_shift of DenoisingBenchmark; both movies are (T, Y, X), detector units."""
    noise = PixelNoise.of(parameters)
    mean, static, span = _clean_statistics(clean, noise)
    borders = border_operator(mean, static)
    total, squares = np.zeros(mean.shape), np.zeros(mean.shape)
    error, alike, shifts = 0.0, [], []
    compared = set(np.linspace(0, len(clean) - 1, min(SSIM_FRAMES, len(clean))).astype(int).tolist())
    for start in range(0, len(clean), CHUNK_FRAMES):
        found, true = (part[start : start + CHUNK_FRAMES].astype(np.float32) for part in (movie, clean))
        away = found - true
        total += away.sum(axis=0, dtype=np.float64)
        squares += np.square(away).sum(axis=0, dtype=np.float64)
        shifts.append((borders @ away.reshape(len(away), -1).T).T)
        found, true = noise.stabilised(found), noise.stabilised(true)
        error += float(np.square(found - true).sum(dtype=np.float64))
        alike += [similarity(found[t], true[t], span) for t in range(len(found)) if start + t in compared]
    variance = squares / len(clean) - (total / len(clean)) ** 2
    return {
        "psnr": float(10 * np.log10(span**2 * len(clean) * mean.size / error)) if error and span else None,
        "ssim": float(np.mean(alike)) if span else None,
        "wobble": float((variance / noise.variance(mean))[static].mean()),
        "border_shift": _shift(np.concatenate(shifts)),
    }


def _clean_statistics(clean: Movie, noise: PixelNoise) -> tuple[FloatArray, BoolArray, float]:
    """Mean image, static pixels, and the range of brightness in stabilised units."""
    total, squares = np.zeros(clean.shape[1:]), np.zeros(clean.shape[1:])
    low, high = np.inf, -np.inf
    for start in range(0, len(clean), CHUNK_FRAMES):
        part = clean[start : start + CHUNK_FRAMES].astype(np.float64)
        total += part.sum(axis=0)
        squares += np.square(part).sum(axis=0)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    mean = total / len(clean)
    change = np.maximum(squares / len(clean) - mean**2, 0) / noise.variance(mean)
    darkest, brightest = noise.stabilised(np.array([low, high]))
    return mean, change <= np.quantile(change, STATIC), float(brightest - darkest)


def similarity(found: FloatArray, true: FloatArray, span: float) -> float:
    """Mean structural similarity of two frames (Y, X) whose values span `span` (Wang et al. 2004)."""

    def local(image: FloatArray) -> FloatArray:
        return gaussian_filter(np.asarray(image, np.float64), SSIM_SIGMA, truncate=3.5)

    a, b = local(found), local(true)
    variances, shared = local(found**2) - a**2 + local(true**2) - b**2, local(found * true) - a * b
    c, d = ((constant * span) ** 2 for constant in SSIM_CONSTANTS)
    return float(np.mean((2 * a * b + c) * (2 * shared + d) / ((a**2 + b**2 + c) * (variances + d))))


def border_operator(mean: FloatArray, static: BoolArray) -> sparse.csr_array:
    """Displacement of the static borders of blocks from a frame's error: (2 n_blocks, pixels) @ (pixels,), px.

    A frame displaced by s shows mean(p + s), which is s · ∇mean more than it should be: least squares over the static
    pixels of each block of SIDE px. Kept is the half of the blocks where noise moves the estimate least.
    """
    slopes = np.array(np.gradient(np.asarray(mean, np.float64))) * static
    height, width = mean.shape
    blocks = []
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            part = slopes[:, top : top + SIDE, left : left + SIDE].reshape(2, -1)
            rows, columns = np.mgrid[top : min(top + SIDE, height), left : min(left + SIDE, width)]
            information = part @ part.T
            least = float(np.linalg.eigvalsh(information)[0])
            if least > 1e-9 * max(float(np.trace(information)), 1e-300):
                blocks.append((least, np.linalg.solve(information, part), (rows * width + columns).ravel()))
    enough = np.median([least for least, *_ in blocks]) if blocks else 0.0
    kept = [(weights, pixels) for least, weights, pixels in blocks if least >= enough]
    values = [weights.ravel() for weights, _ in kept]
    places = [np.tile(pixels, 2) for _, pixels in kept]
    ends = np.cumsum([0, *(len(pixels) for _, pixels in kept for _ in range(2))])
    flat = (np.concatenate([np.zeros(0), *values]), np.concatenate([np.zeros(0, int), *places]), ends)
    return sparse.csr_array(flat, shape=(2 * len(kept), mean.size))


def _shift(shifts: FloatArray) -> float | None:
    """RMS length over blocks of the displacement from one frame to the next, from (n_frames, 2 n_blocks) px."""
    if not shifts.size:
        return None
    return float(np.sqrt(2) * rms(np.diff(shifts, axis=0)))
