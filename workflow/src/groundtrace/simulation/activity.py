"""Spikes of a population, and the calcium signal they leave."""

from typing import NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.indicators import SimulatedIndicator
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


class Spiking(NamedTuple):
    """What a population does."""

    rates: FloatArray
    """(cells,) Hz, mean rates."""
    times: list[FloatArray]
    """Sorted spike times of each cell, s."""
    loadings: FloatArray
    """(cells, SHARED_STATES) weights of the shared states (independent, variance 1) in the logarithm of the rate."""


def rate_correlations(loadings: FloatArray) -> FloatArray:
    """True correlations of the cells' rates over time: (cells, cells).

    Rates are exp of Gaussians with covariance C = loadings loadings', so their covariance goes with exp(C) - 1.
    """
    excess = np.expm1(loadings @ loadings.T)
    deviation = np.sqrt(np.diag(excess))
    return excess / np.outer(deviation, deviation)


def spike_trains(random: np.random.Generator, cells: int, rate: float, start: float, stop: float) -> Spiking:
    """Spikes in [start, stop), s, of cells whose mean rates are log-normal around the median `rate`, Hz."""
    rates = np.minimum(rate * np.exp(SPREAD * random.standard_normal(cells)), MAXIMUM_RATE)
    edges = np.arange(start, stop + STEP, STEP)
    states = fluctuations(random, SHARED_STATES, len(edges) - 1, STEP, time_constant=2.0)
    loadings = random.standard_normal((cells, SHARED_STATES))
    loadings *= MODULATION / np.linalg.norm(loadings, axis=1, keepdims=True)
    times = []
    for cell in range(cells):
        modulation = np.exp(loadings[cell] @ states - MODULATION**2 / 2)
        expected = np.concatenate([[0.0], np.cumsum(modulation) * STEP * rates[cell] / BURST_SIZE])
        bursts = np.interp(random.random(random.poisson(expected[-1])) * expected[-1], expected, edges)
        train = _with_bursts(random, bursts)
        times.append(np.sort(train[train < stop]))
    return Spiking(rates, times, loadings)


class Windows(NamedTuple):
    """Stretches of time in which cells respond."""

    start: FloatArray
    """(n_windows,) s, increasing."""
    duration: float
    """s; windows do not overlap."""
    expected: FloatArray
    """(cells, n_windows) spikes in each, by what is shown."""
    state: FloatArray
    """(n_windows,) a state that all cells share, variance 1."""


def evoked_trains(
    random: np.random.Generator,
    windows: Windows,
    outside: FloatArray,
    gains: tuple[FloatArray, float],
    start: float,
    stop: float,
) -> Spiking:
    """Spikes in [start, stop), s, Poisson around what is expected in windows times a log-normal gain of each.

    outside: (cells,) Hz between windows. gains: (cells,) standard deviations of the logarithm of the gain by the shared
    state, and that of each cell's own.
    """
    loading, private = gains
    edges = np.concatenate([[start], np.stack([windows.start, windows.start + windows.duration], axis=1).ravel()])
    edges = np.append(np.clip(edges, start, stop), stop)
    lasting = np.diff(np.maximum.accumulate(edges))
    rates, times = np.zeros(len(loading)), []
    for cell, expected in enumerate(windows.expected):
        noise = private * random.standard_normal(len(expected))
        gain = np.exp(loading[cell] * windows.state + noise - (loading[cell] ** 2 + private**2) / 2)
        mass = outside[cell] * lasting
        mass[1::2] = expected * gain * lasting[1::2] / windows.duration
        total = np.concatenate([[0.0], np.cumsum(mass)])
        rates[cell] = total[-1] / (stop - start)
        times.append(np.sort(np.interp(random.random(random.poisson(total[-1])) * total[-1], total, edges)))
    loadings = np.zeros((len(loading), SHARED_STATES))
    loadings[:, 0] = loading
    return Spiking(rates, times, loadings)


def _with_bursts(random: np.random.Generator, onsets: FloatArray) -> FloatArray:
    """Follow each onset by the rest of its burst, at intervals of 3 ms plus an exponential of mean 7 ms."""
    followers = random.geometric(1 / BURST_SIZE, len(onsets)) - 1
    burst = np.repeat(np.arange(len(onsets)), followers)
    delay = np.cumsum(0.003 + random.exponential(0.007, len(burst)))
    first = np.concatenate([[0], np.cumsum(followers)])[:-1]
    before = np.concatenate([[0.0], delay])[first]
    return np.concatenate([onsets, onsets[burst] + delay - before[burst]])


def calcium_trace(spike_times: FloatArray, frames: int, frame_rate: float, indicator: SimulatedIndicator) -> FloatArray:
    """dF/F (frames,) of the median cell at the times t / frame_rate.

    Calcium adds up over spikes, the indicator's kernel each; the indicator binds it with its Hill curve.
    """
    slow, fast = indicator.constants()
    unit = np.exp(-indicator.peak_time / slow) - np.exp(-indicator.peak_time / fast)
    # A spike counts from the first frame at or after it; those before the first frame have decayed until there.
    frame = np.clip(np.ceil(spike_times * frame_rate).astype(np.int64), 0, None)
    counted = frame < frames
    age = (frame / frame_rate - spike_times)[counted]
    calcium = np.zeros(frames)
    for time_constant, sign in ((slow, 1.0), (fast, -1.0)):
        arrivals = np.bincount(frame[counted], weights=np.exp(-age / time_constant), minlength=frames)
        calcium += sign * leaky_sum(arrivals.astype(np.float64), 1 / frame_rate, time_constant)
    return indicator.peak * indicator.saturate(calcium / unit)
