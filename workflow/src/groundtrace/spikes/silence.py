"""Whether a neuron fired at all."""

import numpy as np

from groundtrace.arrays import BoolArray
from groundtrace.spikes.base import SpikeRates

FEWEST = 0.5
"""Spikes in a whole recording; below, a mean rate is that of a neuron without any."""


def silent(found: SpikeRates, frame_rate: float) -> BoolArray:
    """(n_rois,) whether a recording is compatible with no spike, at 5 %, by the lower end of its mean rate's interval.

    Where a method has no interval, its mean rate itself is taken. False for ROIs without a rate.
    """
    known = np.isfinite(found.rate)
    seconds = known.sum(axis=1) / frame_rate
    spikes = np.where(known, found.rate, 0).sum(axis=1) / frame_rate
    least = spikes if found.mean_rate is None else found.mean_rate.low * seconds
    return (least < FEWEST) & (seconds > 0)
