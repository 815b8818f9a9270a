"""A registered movie in units of its noise, and the frames that a prediction of each frame may use."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.denoising.model import LAGS, REACH
from groundtrace.denoising.stretches import spans
from groundtrace.movies.noise import NoiseModel, measure_noise

SLOW = 8
"""Frames that are averaged before their variance over time is taken: activity survives it, noise does not."""
LARGEST = 5.0
"""Largest excess deviation, in units of the noise of such an average."""
NONE = np.zeros(0, np.int64)
"""No borders."""


@dataclass(frozen=True)
class StandardMovie:
    """(y - mean image) / standard deviation of the noise at the mean image."""

    movie: Movie
    good: IntArray
    """(n,) frames that predictions are made from, in order."""
    noise: NoiseModel
    mean: FloatArray
    """(Y, X) detector units."""
    origin: FloatArray
    """(Y, X) zero of each pixel, detector units: its mean ..."""
    deviation: FloatArray
    """(Y, X) ... and its unit, the standard deviation of its noise."""
    images: FloatArray
    """(2, Y, X): brightness and excess deviation, as the network sees them."""
    borders: IntArray
    """First frames after gaps or borders of files."""

    @classmethod
    def of(cls, movie: Movie, bad: BoolArray, borders: IntArray = NONE, by_pixel: bool = True) -> "StandardMovie":
        """Measures mean, noise and excess deviation in one pass and a sample.

        by_pixel: otherwise all pixels have zero and unit of the whole movie, so that nothing but the frames tells where
        structures are.
        """
        good = np.flatnonzero(~bad)
        mean, slow = _moments(movie, good)
        noise = measure_noise(movie, good, mean)
        variance = noise.variance(mean)
        excess = np.sqrt(np.maximum(SLOW * slow / variance - 1, 0))
        brightness = np.sqrt(np.maximum(mean - noise.offset, 0))
        brightness = (brightness - brightness.mean()) / max(float(brightness.std()), 1e-6)
        images = np.stack([brightness, np.minimum(excess, LARGEST)]).astype(np.float32)
        origin = mean
        if not by_pixel:
            origin, variance = (np.full_like(image, image.mean()) for image in (mean, variance))
        mean, origin, deviation = (image.astype(np.float32) for image in (mean, origin, np.sqrt(variance)))
        return cls(movie, good, noise, mean, origin, deviation, images, borders)

    def frames(self, indices: IntArray, rows: slice = slice(None), columns: slice = slice(None)) -> Tensor:
        """(n, y, x) float32 of these frames, in units of the noise."""
        raw = self.movie[indices, rows, columns].astype(np.float32)
        return torch.from_numpy((raw - self.origin[rows, columns]) / self.deviation[rows, columns])

    def neighbours(self, frames: IntArray) -> IntArray:
        """(n, 2, REACH) good frames before and after each, nearest first, never the frame itself.

        Beyond the ends of a stretch between gaps or borders of files the other side takes their place; a stretch too
        short for that does not count as one.
        """
        begin, end = spans(self.good, self.borders, frames)
        short = end - begin <= REACH
        begin, end = (np.where(short, limit, edge)[:, None] for limit, edge in ((0, begin), (len(self.good), end)))
        first = np.searchsorted(self.good, frames)
        own = self.good[np.minimum(first, len(self.good) - 1)] == frames
        step = np.arange(REACH)
        before, after = first[:, None] - 1 - step, (first + own)[:, None] + step
        missing_before, missing_after = before < begin, after >= end
        mirrored = (first + own)[:, None] + (step - (first[:, None] - begin))
        before = np.where(missing_before, mirrored, before)
        rest = end - (first + own)[:, None]
        after = np.where(missing_after, first[:, None] - 1 - (step - rest), after)
        return self.good[np.clip(np.stack([before, after], axis=1), 0, len(self.good) - 1)]


def channels(frames: Tensor, neighbours: IntArray, images: Tensor) -> Tensor:
    """(n, 2 len(LAGS) + 2, y, x) that the network reads. frames: (k, y, x); neighbours: (n, 2, REACH) places in it.

    A mean over m frames is scaled so that its noise is that of one frame.
    """
    parts = [
        sum(frames[neighbours[:, side, k - 1]] for k in range(low, high + 1)) / (high - low + 1) ** 0.5
        for side in (0, 1)
        for low, high in LAGS
    ]
    return torch.stack([*parts, *(image.expand(len(neighbours), -1, -1) for image in images)], dim=1)


def _moments(movie: Movie, good: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean, and variance over time of means over SLOW frames, (Y, X) each; one pass, in double precision."""
    total, squares, sums = (np.zeros(movie.shape[1:]) for _ in range(3))
    blocks = len(good) // SLOW
    origin = movie[good[0]].astype(np.float64)
    for number in range(-(-len(good) // SLOW)):
        part = sum(movie[k].astype(np.float64) for k in good[number * SLOW : (number + 1) * SLOW])
        total += part
        if number < blocks:
            value = part / SLOW - origin
            sums += value
            squares += value**2
    slow = np.maximum(squares / max(blocks, 1) - (sums / max(blocks, 1)) ** 2, 0)
    return total / len(good), slow
