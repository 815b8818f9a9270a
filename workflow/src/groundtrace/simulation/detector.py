"""From expected photons to detector units."""

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.simulation.parameters import Simulation

DTYPE = np.dtype(np.int16)
"""As ScanImage saves."""


def detect(random: np.random.Generator, expected: FloatArray, parameters: Simulation) -> IntArray:
    """One frame in detector units from its expected photons per pixel.

    Photons are Poisson; amplification multiplies their variance by the excess noise, to second order; the electronics
    add theirs; the converter rounds and saturates.
    """
    photons = random.poisson(expected).astype(np.float32)
    variance = (parameters.excess_noise - 1) * parameters.gain**2 * photons + np.float32(parameters.read_noise**2)
    signal = random.standard_normal(expected.shape, dtype=np.float32)
    signal *= np.sqrt(variance, out=variance)
    photons *= np.float32(parameters.gain)
    signal += photons
    signal += np.float32(parameters.offset)
    limits = np.iinfo(DTYPE)
    return np.clip(np.rint(signal, out=signal), limits.min, limits.max, out=signal).astype(DTYPE)
