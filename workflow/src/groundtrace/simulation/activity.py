"""Spikes of a population, and the calcium signal they leave."""

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.indicators import Indicator, rise_constant
from groundtrace.simulation.processes import fluctuations, leaky_sum

STEP = 0.02
"""s; grid of the rate fluctuations. Spike times are continuous."""
SHARED_STATES = 3
SPREAD = 0.9
"""Standard deviation over cells of the logarithm of the rate."""
MODULATION = 1.1
"""Standard deviation over time of the logarithm of a cell's rate, shared with the other cells."""
BURST_SIZE = 2.0
"""Mean spikes per burst; a single spike is a burst of one (geometric)."""
MAXIMUM_RATE = 15.0
"""Hz."""


def spike_trains(
    random: np.random.Generator, cells: int, rate: float, start: float, stop: float
) -> tuple[FloatArray, list[FloatArray]]:
    """Mean rates (cells,), Hz, log-normal around the median `rate`; sorted spike times in [start, stop), s, of each."""
    rates = np.minimum(rate * np.exp(SPREAD * random.standard_normal(cells)), MAXIMUM_RATE)
    edges = np.arange(start, stop + STEP, STEP)
    states = fluctuations(random, SHARED_STATES, len(edges) - 1, STEP, time_constant=2.0)
    loadings = random.standard_normal((cells, SHARED_STATES))
    loadings *= MODULATION / np.linalg.norm(loadings, axis=1, keepdims=True)
    trains = []
    for cell in range(cells):
        modulation = np.exp(loadings[cell] @ states - MODULATION**2 / 2)
        expected = np.concatenate([[0.0], np.cumsum(modulation) * STEP * rates[cell] / BURST_SIZE])
        bursts = np.interp(random.random(random.poisson(expected[-1])) * expected[-1], expected, edges)
        train = _with_bursts(random, bursts)
        trains.append(np.sort(train[train < stop]))
    return rates, trains


def _with_bursts(random: np.random.Generator, onsets: FloatArray) -> FloatArray:
    """Follow each onset by the rest of its burst, at intervals of 3 ms plus an exponential of mean 7 ms."""
    followers = random.geometric(1 / BURST_SIZE, len(onsets)) - 1
    burst = np.repeat(np.arange(len(onsets)), followers)
    delay = np.cumsum(0.003 + random.exponential(0.007, len(burst)))
    first = np.concatenate([[0], np.cumsum(followers)])[:-1]
    before = np.concatenate([[0.0], delay])[first]
    return np.concatenate([onsets, onsets[burst] + delay - before[burst]])


def calcium_trace(spike_times: FloatArray, frames: int, frame_rate: float, indicator: Indicator) -> FloatArray:
    """dF/F (frames,) at the times t / frame_rate: each spike adds the indicator's rise and decay, linearly.

    The response is a difference of exponentials that peaks at `amplitude`, `rise_time` after the spike.
    """
    rise = rise_constant(indicator.rise_time, indicator.decay_time)
    peak = _difference(indicator.rise_time, indicator.decay_time, rise)
    # A spike counts from the first frame at or after it; those before the first frame have decayed until there.
    frame = np.clip(np.ceil(spike_times * frame_rate).astype(np.int64), 0, None)
    counted = frame < frames
    age = (frame / frame_rate - spike_times)[counted]
    total = np.zeros(frames)
    for time_constant, sign in ((indicator.decay_time, 1.0), (rise, -1.0)):
        arrivals = np.bincount(frame[counted], weights=np.exp(-age / time_constant), minlength=frames)
        total += sign * leaky_sum(arrivals.astype(np.float64), 1 / frame_rate, time_constant)
    return indicator.amplitude / peak * total


def _difference(time: float, slow: float, fast: float) -> float:
    return float(np.exp(-time / slow) - np.exp(-time / fast))
