"""Filters that are chosen from the movie: what noise, activity and passing light must not pretend to be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from groundtrace.arrays import FloatArray, IntArray

RINGS = 48
"""Frequencies, 0 to 0.5 cycles per px, at which a spectrum is known."""
SPECTRUM_FRAMES = 24
BACKGROUND = 0.01
"""A lower gain of the lowest frequencies is that of a one-photon background..."""
FAINT, SCALES = 0.1, (5.0, 12.0)
"""...which is all structure up to this gain: its scale, px, within these limits."""
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
        power = _radial_power(noise[:: max(1, len(noise) // SPECTRUM_FRAMES)])
        power = np.where(power > 0, power, power.max())
        white = np.median(power[RINGS // 2 :])
        return cls(np.minimum(1, white / np.maximum(power, 1e-30)))

    def __call__(self, image: FloatArray) -> FloatArray:
        return filtered(image, self.gain)

    @property
    def background(self) -> float:
        """px; scale from which frames differ by so much more than noise that it must be taken out of them first, as in
        one-photon movies. 0 for none."""
        if self.gain[1] > BACKGROUND:
            return 0.0
        below = int(np.argmax(self.gain[1:] > FAINT)) + 1
        return float(np.clip(RINGS / 0.5 / (2 * np.pi * below), *SCALES))


def filtered(image: FloatArray, gain: FloatArray | Callable[[FloatArray], FloatArray]) -> FloatArray:
    """An image (height, width), mirrored at its edges, with each frequency times its gain (RINGS + 1,).

    gain: or a function that makes it from the image's own power. The mean stays.
    """
    height, width = image.shape
    mean = image.mean(dtype=np.float64)
    mirrored = np.pad(image - mean, ((0, height), (0, width)), mode="symmetric").astype(np.float64)
    spectrum, ring = np.asarray(fft.rfft2(mirrored)), _ring(mirrored.shape)
    factor = gain(_radial(np.abs(spectrum) ** 2 / mirrored.size, ring)) if callable(gain) else gain
    return (np.asarray(fft.irfft2(spectrum * factor[ring], s=mirrored.shape))[:height, :width] + mean).astype(
        np.float32
    )


def _radial_power(images: FloatArray) -> FloatArray:
    """Mean power of images (n, height, width) without their means, averaged over directions: (RINGS + 1,)."""
    taper = np.outer(*(np.hanning(size + 2)[1:-1] for size in images.shape[1:])).astype(np.float32)
    centred = (images - images.mean(axis=(1, 2), keepdims=True)) * taper
    power = (np.abs(np.asarray(fft.rfft2(centred))) ** 2).mean(axis=0) / np.square(taper).sum()
    return _radial(power, _ring(images.shape[1:]))


def _ring(shape: tuple[int, ...]) -> IntArray:
    """The ring of each frequency of a real image's spectrum."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    return np.minimum((frequency * RINGS / 0.5).astype(int), RINGS)


def _radial(power: FloatArray, ring: IntArray) -> FloatArray:
    return np.bincount(ring.ravel(), power.ravel(), RINGS + 1) / np.maximum(
        np.bincount(ring.ravel(), None, RINGS + 1), 1
    )


def without_background(frames: FloatArray | IntArray, scale: float) -> FloatArray:
    """Frames (n, height, width) without what is smooth over `scale` px, float32."""
    values, side = frames.astype(np.float32), int(2 * scale) | 1
    smooth = uniform_filter(values, side, axes=(1, 2), mode="reflect")
    return values - uniform_filter(smooth, side, axes=(1, 2), mode="reflect")


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
