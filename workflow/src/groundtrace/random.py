"""Independent streams of random numbers by name."""

import hashlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """Independent random numbers for one part of one simulation, say `stream(0, session.key, plane, "photons")`.

    Each part has its own stream, so that changing one (photons, say) leaves the others (anatomy, spikes) as they were.
    """
    digest = hashlib.sha256("\n".join(map(str, names)).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, "<u4").tolist()])
