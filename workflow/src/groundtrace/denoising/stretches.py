"""Stretches of a recording without a gap or a border of files, which no frame is denoised across."""

import numpy as np

from groundtrace.arrays import IntArray


def spans(good: IntArray, borders: IntArray, frames: IntArray) -> tuple[IntArray, IntArray]:
    """Places among the good frames at which the stretch of each frame begins and ends (not included).

    borders: first frames of all stretches but the first. A stretch without good frames counts to the next one.
    """
    own, of_good = (np.searchsorted(borders, numbers, side="right") for numbers in (frames, good))
    following = of_good[np.minimum(np.searchsorted(good, frames), len(good) - 1)]
    own = np.where(np.isin(own, of_good), own, following)
    return np.searchsorted(of_good, own), np.searchsorted(of_good, own, side="right")
