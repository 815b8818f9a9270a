"""What the session page shows of a denoised movie, which is deleted before the page is made."""

import numpy as np

from groundtrace.arrays import BoolArray, Movie
from groundtrace.denoising.base import Denoising

LOOKED_AT = 1000
"""Frames, spread over the movie, of which one is shown."""


def active_frame(movie: Movie, denoised: Movie, found: Denoising, bad: BoolArray) -> dict[str, np.ndarray]:
    """A frame with much activity, `raw` and `denoised` (Y, X) float32, less the mean, in units of the noise; and which
    it is, `frame`."""
    good = np.flatnonzero(~bad)
    good = good[np.unique(np.linspace(0, len(good) - 1, LOOKED_AT).astype(int))]
    deviation = np.sqrt(found.noise.variance(found.mean))
    # Activity is uneven: a frame that is brighter as a whole has none.
    frame = int(good[np.argmax([((denoised[k] - found.mean) / deviation).var() for k in good])])
    shown = {
        name: ((source[frame] - found.mean) / deviation).astype(np.float32)
        for name, source in (("raw", movie), ("denoised", denoised))
    }
    return shown | {"frame": np.array(frame)}
