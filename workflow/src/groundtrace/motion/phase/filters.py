"""Filters that are chosen from the movie: what noise, activity and passing light must not pretend to be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from groundtrace.arrays import FloatArray, IntArray

RINGS = 48
"""Frequencies, 0 to 0.5 cycles per px, at which a spectrum is known."""
SPECTRUM_FRAMES = 40
LEVEL_FRAMES = 40
OUTLIER = 4.0
"""A pixel is no brighter above its surroundings' level, and no darker below it, than so many times their range."""


@dataclass(frozen=True)
class Excess:
    """Gain of each spatial frequency: 1 where frames differ by white noise, less where they differ by more.

    Active neuropil, and the background of a one-photon movie, change at low frequencies: structure seen there says
    little about where the tissue is.
    """

    gain: FloatArray
    """(RINGS + 1,)"""

    @classmethod
    def of(cls, noise: FloatArray) -> "Excess":
        """noise: (n, height, width), what is left of some frames without their mean."""
        every = max(1, len(noise) // SPECTRUM_FRAMES)
        power = np.mean([radial_power(frame) for frame in noise[::every]], axis=0)
        white = np.median(power[RINGS // 2 :])
        return cls(np.minimum(1, white / np.maximum(power, 1e-30)))

    def __call__(self, image: FloatArray) -> FloatArray:
        return filtered(image, self.gain)


def filtered(image: FloatArray, gain: FloatArray | Callable[[FloatArray], FloatArray]) -> FloatArray:
    """An image (height, width), mirrored at its edges, with each frequency times its gain (RINGS + 1,).

    gain: or a function that makes it from the image's own power. The mean stays.
    """
    height, width = image.shape
    mean = image.mean(dtype=np.float64)
    spectrum, ring, size = _spectrum(image - mean)
    factor = gain(_radial(np.abs(spectrum) ** 2 / size, ring)) if callable(gain) else gain
    shape = (2 * height, 2 * width)
    return (np.asarray(fft.irfft2(spectrum * factor[ring], s=shape))[:height, :width] + mean).astype(np.float32)


def radial_power(image: FloatArray) -> FloatArray:
    """Power of an image without its mean, averaged over directions: (RINGS + 1,)."""
    spectrum, ring, size = _spectrum(image - image.mean(dtype=np.float64))
    return _radial(np.abs(spectrum) ** 2 / size, ring)


def _spectrum(image: FloatArray) -> tuple[np.ndarray, IntArray, int]:
    """Spectrum of an image mirrored at its edges, the ring of each frequency, and the number of pixels."""
    height, width = image.shape
    mirrored = np.pad(image, ((0, height), (0, width)), mode="symmetric").astype(np.float64)
    frequency = np.hypot(np.fft.fftfreq(2 * height)[:, None], np.fft.rfftfreq(2 * width))
    ring = np.minimum((frequency * RINGS / 0.5).astype(int), RINGS)
    return np.asarray(fft.rfft2(mirrored)), ring, mirrored.size


def _radial(power: FloatArray, ring: IntArray) -> FloatArray:
    return np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)


@dataclass(frozen=True)
class Limits:
    """Darkest and brightest value of each pixel of a frame that counts: what lies beyond is not tissue, and is taken
    to be as bright as its surroundings usually are."""

    low: IntArray
    high: IntArray
    level: IntArray

    @classmethod
    def of(cls, frames: IntArray, reach: int) -> "Limits":
        """frames: (n, height, width), raw; reach: px that tissue moves."""
        few = frames[:: max(1, len(frames) // LEVEL_FRAMES)]
        at = [len(few) // 10, len(few) // 2, len(few) - 1 - len(few) // 10]
        lowest, middle, highest = np.partition(few, at, axis=0)[at].astype(np.float64)
        side = 2 * reach + 1
        level = uniform_filter(middle, side, mode="nearest")
        top, bottom = maximum_filter(highest, side, mode="nearest"), minimum_filter(lowest, side, mode="nearest")
        kind = np.iinfo(frames.dtype)
        edges = level - OUTLIER * (level - bottom), level + OUTLIER * (top - level), level
        return cls(*(np.rint(edge).clip(kind.min, kind.max).astype(frames.dtype) for edge in edges))

    def __call__(self, frames: IntArray) -> IntArray:
        """The same frames (n, height, width) within the limits."""
        from groundtrace.motion.phase.kernels import limit_values

        values = np.empty_like(frames)
        limit_values(frames, self.low, self.high, self.level, values)
        return values
