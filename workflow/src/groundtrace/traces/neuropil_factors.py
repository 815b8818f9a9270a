"""The neuropil of all ROIs without most of its noise: what the light of one ROI partly consists of.

Neuropil is one field of light, smooth in space and shared: what the neuropils of all ROIs have in common stands above
noise that each has on its own, and so does what changes slowly above what differs from frame to frame.
"""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import FloatArray

FACTORS = 30
"""Time courses that may be common to the neuropils; of one that is noise, the filter leaves nothing."""
FASTEST = 0.8
"""Fraction of the highest frequency from which on there is nothing but noise."""
BAND = 0.15
"""Half width, over the frequency, of the band in which power is averaged."""
CHI2_MEDIAN = 0.4549
"""Median of the square of a standard normal deviate."""
BLOCK = 4096
"""Frames at once."""


@dataclass(frozen=True)
class Surroundings:
    """Neuropil around the ROIs of a plane, and the factors that it has in common."""

    neuropil: FloatArray
    """(n_rois, n_frames) as measured."""
    mean: FloatArray
    """(n_rois,) of it."""
    loading: FloatArray
    """(n_rois, n_factors) loading of each neuropil on each factor."""
    measured: FloatArray
    """(n_factors, n_frames) factors with their noise ..."""
    factors: FloatArray
    """(n_factors, n_frames) ... and without, as large as what it adds to the neuropils (root mean square over ROIs)."""
    stretches: list[slice]
    """Frames that are filtered together."""

    @classmethod
    def of(cls, neuropil: FloatArray, noise: FloatArray, stretches: list[slice] | None = None) -> "Surroundings":
        """Factors of neuropils (n_rois, n_frames), given the variance of the noise of each, filtered by `stretches`."""
        count, frames = neuropil.shape
        mean, deviation = neuropil.mean(axis=1, dtype=np.float64), np.sqrt(np.maximum(noise, 1e-12))
        common = np.zeros((count, count))
        blocks = [slice(start, start + BLOCK) for start in range(0, frames, BLOCK)]
        for block in blocks:
            part = (neuropil[:, block] - mean[:, None]) / deviation[:, None]
            common += part @ part.T
        vectors = np.linalg.eigh(common)[1][:, ::-1][:, :FACTORS]
        scale = np.sqrt(((vectors * deviation[:, None]) ** 2).mean(axis=0)) if count else np.ones(vectors.shape[1])
        weights = (vectors / deviation[:, None] * scale).T
        # In blocks: all of it in double precision would be twice the traces.
        measured = np.hstack([weights @ neuropil[:, block] for block in blocks]) - (weights @ mean)[:, None]
        stretches = stretches or [slice(0, frames)]
        factors = _filtered(measured, stretches)
        return cls(neuropil, mean, vectors * deviation[:, None] / scale, measured, factors, stretches)

    def around(self, roi: int) -> FloatArray:
        """(n_frames,) neuropil of one ROI without most of its noise."""
        shared = self.loading[roi] @ self.factors
        rest = self.neuropil[roi] - self.mean[roi] - self.loading[roi] @ self.measured
        return self.mean[roi] + shared + _filtered(rest[None], self.stretches)[0]


def _filtered(traces: FloatArray, stretches: list[slice]) -> FloatArray:
    return np.concatenate([without_noise(traces[:, part]) for part in stretches], axis=1)


def without_noise(traces: FloatArray) -> FloatArray:
    """Wiener filter of traces (n, n_frames), each with white noise, whose power is that of the highest frequencies.

    By cosine transform, so that the ends need not meet.
    """
    from scipy.fft import dct, idct

    waves = np.asarray(dct(traces, norm="ortho", axis=1))
    frames = waves.shape[1]
    power = waves**2
    noise = np.median(power[:, int(FASTEST * frames) :], axis=1, keepdims=True) / CHI2_MEDIAN
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    frequency = np.arange(frames)
    reach = np.maximum(2, (BAND * frequency).astype(int))
    low, high = np.maximum(frequency - reach, 0), np.minimum(frequency + reach + 1, frames)
    around = (total[:, high] - total[:, low]) / (high - low)
    gain = np.maximum(1 - noise / np.maximum(around, 1e-30), 0)
    return np.asarray(idct(gain * waves, norm="ortho", axis=1))
