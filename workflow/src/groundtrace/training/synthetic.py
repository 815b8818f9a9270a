"""Recordings made from real spike trains and a random indicator: what the network learns of indicators it never saw.

Kinetics, cooperativity, saturation, drift and noise are drawn far wider than any single indicator's, and what the
network is told of them is wrong by a random factor, as a table of indicators is for a given brain and temperature.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.spikes.network.features import Response, rise_constant

OVERSAMPLING = 6
LEAD = 3.0
"""Seconds of spikes before the first frame, whose calcium is still there."""
TOLD = 0.7
"""Share of recordings whose indicator is told."""
TOLD_ERROR = 0.45
"""Standard deviation of the logarithm of told over true kinetics."""
LONGEST = 300.0
"""s."""


@dataclass(frozen=True)
class Synthetic:
    dff: FloatArray
    """(n_frames,) fraction."""
    spikes: FloatArray
    """(n_frames,) spikes per frame."""
    response: Response
    """What the network is told."""


def synthesise(
    spike_time: FloatArray, duration: float, frame_rate: float, generator: np.random.Generator
) -> Synthetic | None:
    """A recording of these spikes (s, from the first frame on) by a random indicator; None when it would be short."""
    draw = generator.uniform
    stretch = np.exp(generator.normal(0, 0.25))
    duration = min(duration, LONGEST) / stretch
    frames = int(duration * frame_rate)
    if frames < 150:
        return None
    spikes = spike_time[(spike_time > -LEAD) & (spike_time < duration * stretch)] / stretch
    decay = np.exp(draw(np.log(0.07), np.log(1.2)))
    rise = min(np.exp(draw(np.log(0.008), np.log(0.2))), 0.55 * decay)
    # Imaging and electrode are never aligned to the millisecond.
    late = spikes + generator.normal(0, 0.012) + generator.normal(0, 0.004, len(spikes))
    calcium = _calcium(late, frames, frame_rate, decay, rise)
    response = _binding(calcium, generator).reshape(frames, OVERSAMPLING).mean(axis=1)
    noise = np.exp(draw(np.log(0.01), np.log(0.4)))
    amplitude = noise * np.exp(draw(np.log(0.4), np.log(25)))
    dff = amplitude * response + _background(frames, frame_rate, generator) * noise
    dff += noise * generator.standard_normal(frames) * np.sqrt(np.clip(1 + dff, 0.05, 30))
    told = np.array([decay, rise, amplitude]) * np.exp(generator.normal(0, TOLD_ERROR, 3))
    known = generator.random() < TOLD
    middle = (np.arange(frames) + 0.5) / frame_rate
    return Synthetic(
        dff,
        spike_counts(spikes, middle, frame_rate),
        Response(told[0], max(told[1], 0.008), told[2], True) if known else Response.unknown(),
    )


def _calcium(spikes: FloatArray, frames: int, frame_rate: float, decay: float, rise: float) -> FloatArray:
    """Double-exponential response (peak 1) to each spike, at OVERSAMPLING points per frame."""
    rate = frame_rate * OVERSAMPLING
    lead = int(LEAD * rate)
    train = np.bincount(
        np.clip(np.floor((spikes + LEAD) * rate), 0, lead + frames * OVERSAMPLING).astype(np.int64),
        minlength=lead + frames * OVERSAMPLING + 1,
    )[:-1].astype(np.float64)
    constant = rise_constant(decay, rise)
    slow, fast = np.exp(-1 / (decay * rate)), np.exp(-(decay + constant) / (decay * constant * rate))
    grid = np.arange(int(5 * decay * rate))
    calcium = np.asarray(lfilter([1], [1, -slow], train)) - np.asarray(lfilter([1], [1, -fast], train))
    return calcium[lead:] / (slow**grid - fast**grid).max()


def _binding(calcium: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Hill curve of random cooperativity, resting point and saturation; one spike from rest gives 1."""
    exponent, rest = generator.uniform(1, 2.6), generator.uniform(0, 1.5)
    half = np.exp(generator.uniform(np.log(4), np.log(80)))

    def bound(x: FloatArray | float) -> FloatArray:
        raised = np.maximum(np.asarray(x) + rest, 0) ** exponent
        return raised / (raised + half**exponent)

    return (bound(calcium) - bound(0.0)) / (bound(1.0) - bound(0.0))


def _background(frames: int, frame_rate: float, generator: np.random.Generator) -> FloatArray:
    """Slow drift and neuropil that was not removed, in standard deviations of the noise."""
    tau = generator.uniform(5, 40) * frame_rate
    drift = lfilter([np.sqrt(2 / tau)], [1, -(1 - 1 / tau)], generator.standard_normal(frames))
    neuropil = lfilter([1], [1, -np.exp(-2 / frame_rate)], generator.standard_normal(frames))
    neuropil = np.asarray(neuropil) / (np.std(neuropil) + 1e-9)
    return np.asarray(drift) * generator.uniform(0, 0.8) + neuropil * generator.uniform(0, 0.35)
