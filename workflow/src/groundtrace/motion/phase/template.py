"""The image that frames are registered to, and where a frame lies on it to a pixel: a matched filter."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.errors import BackendError
from groundtrace.io import release

HIGHPASS = 12.0
"""px; structure larger than this is left out of the matched filter: it is neuropil activity, not anatomy."""
SMOOTHING = 0.7
"""px, of the template."""
COARSE, MOST_BINNED = 64, 2
"""px; fields are binned as long as the shorter side keeps COARSE, by at most MOST_BINNED."""
ROUNDS = 6
NEIGHBOURS = 20


@dataclass(frozen=True)
class Matcher:
    """Correlates frames with a template: the best linear detector of where it lies under uneven pixel noise."""

    spectrum: FloatArray
    bound: int
    """Largest shift along each axis, binned px."""
    scale: float
    """Correlation of the template with itself."""
    binning: int
    """px; large fields are binned: a displacement is found to a tenth of a pixel all the same."""

    @classmethod
    def of(cls, template: FloatArray, variance: FloatArray, bound: int) -> "Matcher":
        """template, variance of the noise: (height, width)."""
        binning = max(1, min(template.shape) // COARSE)
        binning = min(binning, MOST_BINNED)
        wanted = (template - gaussian_filter(template, HIGHPASS)) / variance
        for axis, size in enumerate(template.shape):
            taper = np.hanning(size + 2)[1:-1] ** 0.25
            wanted *= taper[:, None] if axis == 0 else taper
        wanted, seen = binned(np.stack([wanted, template]), binning)
        spectrum = np.conj(np.asarray(fft.rfft2(wanted)))
        # A frame cannot be further away than half the field.
        bound = min(-(-bound // binning), (min(wanted.shape) - 3) // 2)
        return cls(spectrum, bound, float((wanted * seen).sum()), binning)

    def locate(self, frames: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shifts (n, 2) px, (y, x), to a fraction of a pixel, and how much of the template is there (n,): 1 is all."""
        values, around = binned(frames, self.binning), np.arange(-self.bound - 1, self.bound + 2)
        spectrum = np.asarray(fft.rfft2(values)) * self.spectrum
        # Of the inverse only what lies within the bound.
        rows = np.asarray(fft.ifft(spectrum, axis=1))[:, around]
        near = np.asarray(fft.irfft(rows, n=values.shape[2], axis=2))[:, :, around]
        best = near[:, 1:-1, 1:-1].reshape(len(frames), -1).argmax(axis=1)
        y, x = np.unravel_index(best, (len(around) - 2, len(around) - 2))
        every, three = np.arange(len(frames))[:, None], np.arange(3)
        column, row = near[every, y[:, None] + three, x[:, None] + 1], near[every, y[:, None] + 1, x[:, None] + three]
        share = column[:, 1] / self.scale
        top = np.stack([y - self.bound + _vertex(column), x - self.bound + _vertex(row)], axis=1)
        return np.where(share[:, None] > 0, self.binning * top, 0.0), share.astype(np.float64)


def binned(frames: FloatArray | IntArray, by: int) -> FloatArray:
    """Sums of squares of `by` x `by` px without each frame's mean, float32; an odd last row or column is left out."""
    from groundtrace.motion.phase.kernels import bin_frames

    values = np.empty((len(frames), frames.shape[1] // by, frames.shape[2] // by), np.float32)
    bin_frames(frames, by, values)
    return values


def _vertex(three: FloatArray) -> FloatArray:
    """Where parabolas through three values (n, 3) at -1, 0, 1 have their top."""
    bend = three[:, 0] - 2 * three[:, 1] + three[:, 2]
    place = (three[:, 0] - three[:, 2]) / (2 * np.where(bend < 0, bend, 1))
    return np.where(bend < 0, np.clip(place, -0.5, 0.5), 0.0)


def sample(movie: Movie, count: int) -> IntArray:
    """Evenly spread frames, without those that show nothing: their numbers."""
    indices = np.linspace(0, len(movie), min(count, len(movie)), endpoint=False, dtype=int)
    shown = np.array([int(movie[i].max()) > int(movie[i].min()) for i in indices])
    release(movie)
    if shown.sum() < 2:
        raise BackendError("motion: fewer than two of the sampled frames show anything; is the shutter closed?")
    return indices[shown]


def first_template(
    frames: IntArray | FloatArray, bound: int, pool: Executor
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Mean and variance (height, width) of sampled frames, aligned in ROUNDS, and their shifts (n, 2), whole px."""
    mean = _most_alike(frames)
    variance, whole = np.ones_like(mean), np.zeros((len(frames), 2), int)
    for _ in range(ROUNDS):
        matcher = Matcher.of(gaussian_filter(mean, SMOOTHING), variance, bound)
        parts = np.array_split(frames, max(1, len(frames) // 16))
        shifts = np.concatenate([found for found, _ in pool.map(matcher.locate, parts)])
        before, whole = whole, np.rint(shifts - np.median(shifts, axis=0)).astype(int)
        mean, variance = _moments(frames, whole, pool)
        if np.array_equal(before, whole):
            break
    return mean, variance, whole


def _moments(frames: IntArray | FloatArray, shifts: IntArray, pool: Executor) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of frames moved by whole pixels."""
    from groundtrace.motion.phase.kernels import moments

    total, squares = np.zeros(frames.shape[1:]), np.zeros(frames.shape[1:])
    edges = np.linspace(0, len(total), 5, dtype=int)
    list(pool.map(lambda first, last: moments(frames, shifts, (first, last), total, squares), edges[:-1], edges[1:]))
    total /= len(frames)
    return total.astype(np.float32), noise_floor(squares / len(frames) - total**2)


def noise_floor(variance: FloatArray) -> FloatArray:
    """Smoothed variance of pixels, nowhere zero."""
    smooth = gaussian_filter(np.asarray(variance, np.float64), 1.5)
    return np.maximum(smooth, max(1e-3 * float(np.median(smooth)), 1e-6)).astype(np.float32)


def _most_alike(frames: IntArray | FloatArray) -> FloatArray:
    """Mean of the frame that is most like its nearest, and of those (as Pachitariu et al. 2017)."""
    coarse = binned(frames, 4).reshape(len(frames), -1)
    coarse /= np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-12)
    likeness = coarse @ coarse.T
    count = min(NEIGHBOURS, len(frames))
    seed = np.argmax(np.sort(likeness, axis=1)[:, -count:].mean(axis=1))
    return frames[np.argsort(-likeness[seed], kind="stable")[:count]].mean(axis=0, dtype=np.float64).astype(np.float32)
