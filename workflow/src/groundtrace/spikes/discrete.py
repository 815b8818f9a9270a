"""Single spike times from a spike rate."""

import numpy as np

from groundtrace.arrays import FloatArray

FLOOR = 0.3
"""Hz. Below it a rate is the haze of noise between events, not an event."""


def spike_times(rate: FloatArray, frame_rate: float, floor: float = FLOOR) -> FloatArray:
    """Spike times, s, sorted, from the middle of the first frame, of a rate (n_frames,) in Hz.

    Each stretch in which the rate stands above `floor` (Hz) gets as many spikes as the rate sums up to, rounded, at
    equal steps of the cumulated rate: n spikes divide it into n equal parts and lie in the middle of each. NaN is no
    rate.
    """
    expected = np.where(rate > floor, rate, 0.0) / frame_rate
    inside = np.concatenate([[False], expected > 0, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    cumulated = np.concatenate([[0.0], np.cumsum(expected)])
    times = []
    for first, after in edges:
        total = cumulated[after] - cumulated[first]
        spikes = int(total + 0.5)
        levels = cumulated[first] + (np.arange(spikes) + 0.5) / max(spikes, 1) * total
        borders = np.arange(first, after + 1)
        times.append((np.interp(levels, cumulated[first : after + 1], borders) - 0.5) / frame_rate)
    return np.concatenate(times) if times else np.zeros(0)
