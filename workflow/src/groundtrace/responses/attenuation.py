"""What the errors of spike inference take from the oracle correlation, and the oracle correlation without them.

With λ the squared correlation of responses with true numbers of spikes, a posterior mean has λ of their variance and λ²
of the covariance between two trials of one condition. λ itself is what ground truth leads one to expect.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray

POWER, LASTING = 3.2, 0.17
"""Unexplained variance of the spikes in a long window is that of rates to the power 3.2; in one of 0.17 s, half that
power. Chosen on ground truth (measurements/oracle_through_inference.py)."""
SPREAD = 0.47
"""Standard deviation, over neurons of ground truth, of the logarithm of that power."""


class Kept(NamedTuple):
    """Squared correlation λ of responses with true numbers of spikes, (n_rois,); NaN where nothing is known."""

    share: FloatArray
    error: FloatArray
    """Its standard error."""


def kept(expected: FloatArray, lasting: float) -> Kept:
    """λ in windows of so many s. expected: (n_rois,) expected correlation of rates."""
    power = POWER * lasting / (lasting + LASTING)
    lost = (1 - np.clip(expected, 0, 0.999) ** 2) ** power
    return Kept(1 - lost, -SPREAD * lost * np.log(lost))


def without_inference(found: Mapping[str, FloatArray], repeats: FloatArray, by: Kept) -> tuple[FloatArray, FloatArray]:
    """The oracle correlation of the spikes themselves, and its standard error; (n_rois,) each.

    found: `oracle`, `oracle_error` and `explainable` of the responses. repeats: (n_rois,) trials of a condition.
    """
    oracle, others = found["oracle"], 1 / np.maximum(repeats - 1, 1)
    measured = np.clip(found["explainable"], 0, by.share)
    true = measured / by.share
    gain = np.sqrt((measured + (1 - measured) * others) / (true + (1 - true) * others)) / by.share
    slope = 1 - true * (1 - others) / (true + (1 - true) * others) / 2
    return oracle * gain, gain * np.hypot(found["oracle_error"], oracle * slope * by.error / by.share)
