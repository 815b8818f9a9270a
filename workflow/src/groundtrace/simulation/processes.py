"""Random streams and the stationary process that slow fluctuations are made of."""

import hashlib

import numpy as np
from scipy.signal import lfilter

from groundtrace.arrays import FloatArray


def stream(seed: int, *names: object) -> np.random.Generator:
    """Independent random numbers for one part of one simulation, say `stream(0, session.key, plane, "photons")`.

    Each part has its own stream, so that changing one (photons, say) leaves the others (anatomy, spikes) as they were.
    """
    digest = hashlib.sha256("\n".join(map(str, names)).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, "<u4").tolist()])


def fluctuations(
    random: np.random.Generator, count: int, steps: int, step: float, time_constant: float
) -> FloatArray:
    """`count` Ornstein-Uhlenbeck processes of mean 0 and variance 1, sampled every `step` s: (count, steps)."""
    memory = np.exp(-step / time_constant)
    innovations = random.standard_normal((count, steps))
    innovations[:, 1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], innovations, axis=1)
