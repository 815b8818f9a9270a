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
COARSE = 128
"""px; fields of this size are binned."""
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
        binning = 2 if min(template.shape) >= COARSE else 1
        wanted = (template - gaussian_filter(template, HIGHPASS)) / variance
        for axis, size in enumerate(template.shape):
            taper = np.hanning(size + 2)[1:-1] ** 0.25
            wanted *= taper[:, None] if axis == 0 else taper
        wanted, seen = binned(wanted, binning), binned(template, binning)
        wanted -= wanted.mean()
        spectrum = np.conj(np.asarray(fft.rfft2(wanted.astype(np.float32))))
        # A frame cannot be further away than half the field.
        bound = min(-(-bound // binning), (min(wanted.shape) - 3) // 2)
        return cls(spectrum, bound, float((wanted * seen).sum()), binning)

    def locate(self, frames: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shifts (n, 2) px, (y, x), to a fraction of a pixel, and how much of the template is there (n,): 1 is all."""
        shifts, share = np.zeros((len(frames), 2)), np.zeros(len(frames))
        around = np.arange(-self.bound - 1, self.bound + 2)
        for k, frame in enumerate(frames):
            values = binned(frame, self.binning)
            values -= values.mean()
            correlation = np.asarray(fft.irfft2(np.asarray(fft.rfft2(values)) * self.spectrum, s=values.shape))
            near = correlation[np.ix_(around, around)]
            y, x = np.unravel_index(near[1:-1, 1:-1].argmax(), (len(around) - 2, len(around) - 2))
            share[k] = near[y + 1, x + 1] / self.scale
            top = _vertex(near[y : y + 3, x + 1]), _vertex(near[y + 1, x : x + 3])
            shifts[k] = self.binning * (np.array([y, x]) - self.bound + top)
        return shifts, share


def binned(image: FloatArray | IntArray, by: int) -> FloatArray:
    """Sums of squares of `by` x `by` px, float32; an odd last row or column is left out."""
    if by == 1:
        return image.astype(np.float32)
    height, width = (size // by * by for size in image.shape)
    rows = np.add(image[:height:2], image[1:height:2], dtype=np.float32)
    return rows[:, :width:2] + rows[:, 1:width:2]


def _vertex(three: FloatArray) -> float:
    """Where the parabola through three values at -1, 0, 1 has its top."""
    bend = three[0] - 2 * three[1] + three[2]
    return float(np.clip((three[0] - three[2]) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


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
        whole = np.rint(shifts - np.median(shifts, axis=0)).astype(int)
        mean, variance = _moments(frames, whole)
    return mean, variance, whole


def _moments(frames: IntArray | FloatArray, shifts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of frames moved by whole pixels."""
    total, squares = np.zeros(frames.shape[1:]), np.zeros(frames.shape[1:])
    for frame, shift in zip(frames, shifts, strict=True):
        moved = np.roll(frame, -shift, (0, 1)).astype(np.float64)
        total += moved
        squares += moved**2
    total /= len(frames)
    return total.astype(np.float32), noise_floor(squares / len(frames) - total**2)


def noise_floor(variance: FloatArray) -> FloatArray:
    """Smoothed variance of pixels, nowhere zero."""
    smooth = gaussian_filter(np.asarray(variance, np.float64), 1.5)
    return np.maximum(smooth, max(1e-3 * float(np.median(smooth)), 1e-6)).astype(np.float32)


def _most_alike(frames: IntArray | FloatArray) -> FloatArray:
    """Mean of the frame that is most like its nearest, and of those (as Pachitariu et al. 2017)."""
    coarse = np.stack([binned(binned(frame, 2), 2).ravel() for frame in frames])
    coarse -= coarse.mean(axis=1, keepdims=True)
    coarse /= np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-12)
    likeness = coarse @ coarse.T
    count = min(NEIGHBOURS, len(frames))
    seed = np.argmax(np.sort(likeness, axis=1)[:, -count:].mean(axis=1))
    return frames[np.argsort(-likeness[seed], kind="stable")[:count]].mean(axis=0, dtype=np.float64).astype(np.float32)
