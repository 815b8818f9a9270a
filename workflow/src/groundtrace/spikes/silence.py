"""Whether a neuron fired at all."""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.indicators import Indicator
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

FEWEST = 0.5
"""Spikes in a whole recording; below, a mean rate is that of a neuron without any."""
LEVELS, TRACES, SECONDS = 3, 19, 60.0
"""Noise levels, traces of each and their longest duration that tell what is inferred of noise alone."""


@dataclass(frozen=True)
class NoiseAlone:
    """Mean rates that a backend infers where there is nothing but white noise."""

    level: FloatArray
    """(n,) ν, % Hz^(-1/2), rising."""
    highest: FloatArray
    """(n,) Hz, of TRACES traces, never falling: one of twenty new ones has more."""

    @classmethod
    def of(
        cls, backend: SpikeBackend, level: FloatArray, frames: int, frame_rate: float, indicator: Indicator | None
    ) -> "NoiseAlone | None":
        """For ROIs of these noise levels (n_rois,) in `frames` frames; None where no level is known."""
        known = level[np.isfinite(level) & (level > 0)]
        if not len(known):
            return None
        levels = np.geomspace(known.min(), known.max() * (1 + 1e-6), LEVELS)
        count = min(frames, round(SECONDS * frame_rate))
        sd = levels / 100 * np.sqrt(frame_rate) / GAUSSIAN_DIFFERENCE
        noise = np.random.default_rng(0).standard_normal((LEVELS, TRACES, count)) * sd[:, None, None]
        rate = backend.run(noise.reshape(-1, count).astype(np.float32), frame_rate, indicator).rate
        means = np.nan_to_num(rate.mean(axis=1)).reshape(LEVELS, TRACES)
        return cls(levels, np.maximum.accumulate(means.max(axis=1)))

    def most(self, level: FloatArray) -> FloatArray:
        """(n_rois,) Hz, mean rate that noise of a level exceeds in one of twenty traces."""
        return np.interp(np.log(level), np.log(self.level), self.highest)


def silent(found: SpikeRates, frame_rate: float, level: FloatArray, alone: NoiseAlone | None) -> BoolArray:
    """(n_rois,) whether a recording is compatible with no spike, at 5 %; False for ROIs without a rate.

    It is where noise alone, of the ROI's own level, often gives as much; without that, where the interval of the mean
    rate (the rate itself, without one) begins below FEWEST in all. level: (n_rois,) ν.
    """
    known = np.isfinite(found.rate)
    seconds = known.sum(axis=1) / frame_rate
    spikes = np.where(known, found.rate, 0).sum(axis=1) / frame_rate
    least = spikes if found.mean_rate is None else found.mean_rate.low * seconds
    few = least < FEWEST
    if alone is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.maximum(alone.most(level) * seconds, FEWEST)
        few = np.where(np.isfinite(most), spikes <= most, few)
    return few & (seconds > 0)
