"""The movie averaged to the size of events, its baseline, and the noise of its pixels.

It lies in a file; memory holds some frames, the baseline at a few times, and one image of the noise.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.astrocytes.parameters import EventParameters
from groundtrace.movies.file import MovieFile, create_movie

QUANTILE = 0.2
"""Of a pixel in a window, that is its baseline once the noise is allowed for."""
STEADY = 2.0
"""s; means over so long make the quantile."""
KNOTS = 4
"""Baselines per window; those between are interpolated."""
CHUNK_BYTES = 64 << 20
KERNEL = 4 * np.pi
"""Pixels that are as good as one after smoothing."""


@dataclass(frozen=True)
class Averaged:
    """Averaged frames of a plane."""

    movie: MovieFile
    """(n, rows, columns) float32 detector units above the offset; NaN in frames without a good one."""
    step: float
    """s between frames."""
    time: FloatArray
    """(n,) s of the middle of each frame."""
    side: int
    """px of the recording along a pixel."""
    knots: FloatArray
    """(n_knots,) frames at which the baseline is known..."""
    baselines: FloatArray
    """(n_knots, rows, columns) ...and what it is."""
    noise: FloatArray
    """(rows, columns) standard deviation of a frame."""

    def baseline(self, frames: slice) -> FloatArray:
        """(frames, rows, columns)."""
        at = np.arange(len(self.movie))[frames]
        right = np.clip(np.searchsorted(self.knots, at), 1, len(self.knots) - 1) if len(self.knots) > 1 else 0 * at
        left = np.maximum(right - 1, 0)
        gap = np.maximum(self.knots[right] - self.knots[left], 1)
        share = np.clip((at - self.knots[left]) / gap, 0, 1).astype(np.float32)[:, None, None]
        return self.baselines[left] * (1 - share) + self.baselines[right] * share

    def above(self, frames: slice) -> FloatArray:
        """(frames, rows, columns) light above the baseline."""
        return self.movie[frames] - self.baseline(frames)

    @property
    def at_once(self) -> int:
        """Frames that are held at a time."""
        return max(2, CHUNK_BYTES // (4 * self.noise.size))


def averaged(
    registered: Movie,
    good: BoolArray,
    time: FloatArray,
    frame_rate: float,
    pixel_size: float | None,
    offset: float,
    parameters: EventParameters,
    scratch: Path,
) -> Averaged:
    """Average a registered movie (n_frames, height, width); good, time: (n_frames,), s. pixel_size: µm."""
    by = max(1, round(parameters.frame * frame_rate))
    side = max(1, round(parameters.pixel / (pixel_size or 1.0)))
    count, rows, columns = len(registered) // by, registered.shape[1] // side, registered.shape[2] // side
    movie = create_movie(scratch / "averaged.npy", (count, rows, columns), "float32")
    at_once = max(1, CHUNK_BYTES // (8 * by * registered.shape[1] * registered.shape[2]))
    for start in range(0, count, at_once):
        stop = min(start + at_once, count)
        weight = good[start * by : stop * by].astype(np.float32)
        images = np.asarray(registered[start * by : stop * by], np.float32)[:, : rows * side, : columns * side]
        images *= weight[:, None, None]
        total = images.reshape(stop - start, by, rows, side, columns, side).sum(axis=(1, 3, 5))
        lit = weight.reshape(-1, by).sum(axis=1)[:, None, None]
        with np.errstate(invalid="ignore"):
            means = np.where(lit > 0, total / (lit * side**2) - offset, np.nan)
        movie[start:stop] = gaussian_filter(means, 1, axes=(1, 2))
    step, middle = by / frame_rate, time[: count * by].reshape(count, by).mean(axis=1)
    return Averaged(movie, step, middle, side, *_baselines(movie, step, parameters.baseline))


def _baselines(movie: MovieFile, step: float, window: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Knots, baselines at them, and the noise of a frame; some rows at a time."""
    frames, rows, columns = movie.shape
    half = max(1, round(window / step / 2))
    knots = np.arange(0, frames + half // 2, max(1, 2 * half // KNOTS)).clip(max=frames - 1)
    knots = np.unique(knots).astype(float)
    baselines = np.empty((len(knots), rows, columns), np.float32)
    noise = np.empty((rows, columns), np.float32)
    wide = max(1, round(STEADY / step))
    at_once = max(1, CHUNK_BYTES // (4 * frames * columns))
    for top in range(0, rows, at_once):
        part = slice(top, min(top + at_once, rows))
        values = movie[:, part]
        # Of neighbours in time, disjoint pairs: free of what is slow.
        apart = values[1::2] - values[: 2 * (frames // 2) : 2]
        known = np.isfinite(apart[:, 0, 0])
        noise[part] = 1.4826 / np.sqrt(2) * np.median(np.abs(apart[known]), axis=0) if known.any() else np.inf
        steady, centres = _means(values, wide)
        above = -ndtri(QUANTILE) / np.sqrt(wide)
        for k, knot in enumerate(knots):
            away = np.abs(centres - np.clip(knot, half, max(half, frames - half)))
            near = steady[away <= max(half, wide, away.min())]
            low = np.partition(near, int(QUANTILE * (len(near) - 1)), axis=0)[int(QUANTILE * (len(near) - 1))]
            baselines[k, part] = low + above * noise[part]
    return knots, baselines, np.maximum(noise, 1e-6)


def _means(values: FloatArray, wide: int) -> tuple[FloatArray, FloatArray]:
    """Means of `wide` frames each, (n, rows, columns), of those in which every frame is known, and their middles."""
    count = max(1, len(values) // wide)
    parts = np.array_split(np.arange(len(values)), count)
    means = np.stack([values[part].mean(axis=0) for part in parts])
    known = np.isfinite(means[:, 0, 0])
    if not known.any():
        return np.zeros_like(means[:1]), np.zeros(1)
    return means[known], np.array([part.mean() for part in parts])[known]
