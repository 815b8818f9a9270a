"""From expected photons to detector units."""

import numpy as np
from scipy.ndimage import convolve1d

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.simulation.parameters import Simulation

DTYPE = np.dtype(np.int16)
"""Integer type that ScanImage saves."""


def detect(random: np.random.Generator, expected: FloatArray, parameters: Simulation) -> IntArray:
    """One frame in detector units from its expected photons per pixel.

    Photons are Poisson; amplification multiplies their variance by the excess noise, to second order; the electronics
    add theirs; the noise of neighbouring pixels mixes; the converter rounds and saturates.
    """
    photons = random.poisson(expected).astype(np.float32)
    variance = (parameters.excess_noise - 1) * parameters.gain**2 * photons + np.float32(parameters.read_noise**2)
    noise = random.standard_normal(expected.shape, dtype=np.float32)
    noise *= np.sqrt(variance, out=variance)
    photons -= expected
    photons *= np.float32(parameters.gain)
    noise += photons
    if parameters.noise_correlation > 0:
        for axis in (0, 1):
            noise = convolve1d(noise, kernel(parameters.noise_correlation), axis=axis, mode="nearest")
    return to_units(expected, parameters, noise)


def to_units(expected: FloatArray, parameters: Simulation, noise: FloatArray | float = 0.0) -> IntArray:
    """Photons (and noise, in detector units) as the converter writes them."""
    signal = expected * np.float32(parameters.gain)
    signal += np.float32(parameters.offset)
    signal += noise
    low = np.iinfo(DTYPE).min
    return np.clip(np.rint(signal, out=signal), low, parameters.saturation, out=signal).astype(DTYPE)


def kernel(correlation: float) -> FloatArray:
    """Three taps that correlate neighbouring samples of white noise by `correlation` and keep its variance."""
    # 2a / (1 + 2a²) = correlation
    a = 0.0 if correlation == 0 else (1 - np.sqrt(1 - 2 * correlation**2)) / (2 * correlation)
    taps = np.array([a, 1.0, a])
    return (taps / np.sqrt((taps**2).sum())).astype(np.float32)


def noise_variance(photons: FloatArray, parameters: Simulation) -> FloatArray:
    """Variance of a sum over many neighbouring pixels, per pixel, photons²: correlated noise averages out less."""
    single = parameters.excess_noise * photons + (parameters.read_noise / parameters.gain) ** 2
    return single * float(kernel(parameters.noise_correlation).sum()) ** 4
