"""Random streams and the stationary process that slow fluctuations are made of."""

import numpy as np
from scipy.signal import lfilter

from groundtrace.arrays import FloatArray


def leaky_sum(inputs: FloatArray, step: float, time_constant: float) -> FloatArray:
    """Sum of all inputs so far along the last axis, each decaying exponentially; `step` s between samples."""
    return np.asarray(lfilter([1.0], [1.0, -np.exp(-step / time_constant)], inputs))


def fluctuations(random: np.random.Generator, count: int, steps: int, step: float, time_constant: float) -> FloatArray:
    """`count` Ornstein-Uhlenbeck processes of mean 0 and variance 1, sampled every `step` s: (count, steps)."""
    innovations = random.standard_normal((count, steps))
    innovations[:, 1:] *= np.sqrt(1 - np.exp(-2 * step / time_constant))
    return leaky_sum(innovations, step, time_constant)
