"""A particle filter of the spikes behind a simulated trace, for ideal_observer.py.

    PYTHONPATH=workflow/src python measurements/ideal_filter.py

compares its means and likelihoods with those from summing over all histories of spikes and states of short traces, one
after the other.
"""
# Numba knows the old random numbers alone.
# ruff: noqa: NPY002

from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray
from groundtrace.indicators import SimulatedIndicator, simulated
from groundtrace.random import stream
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

RATE = 30.0
RATES = (0.1, 6.0)
"""Hz, of a quiet and of an active neuron."""
LASTING = (4.0, 0.5)
"""Mean s that it stays quiet and active."""
RATES_PER_FRAME = np.array(RATES) / RATE
LEAVE = 1 / (np.array(LASTING) * RATE)
MOVED = 0.1
"""How far kinetics are moved at random, in SD of what they may be."""
SECOND, MOST = round(RATE), 60
"""Frames of a second; spikes in it that are told apart."""


def constants(indicator: SimulatedIndicator) -> FloatArray:
    """As `respond` wants them."""
    return np.array([indicator.peak, *indicator.constants(), indicator.hill, indicator.resting, indicator.half])


@dataclass(frozen=True)
class Response:
    """What the filter needs of an indicator."""

    peak: float
    slow: float
    """Factor per frame."""
    fast: float
    unit: float
    """Peak of slow - fast after one spike."""
    hill: float
    resting: float
    half: float

    @classmethod
    def of(cls, indicator: SimulatedIndicator, scale: FloatArray) -> "Response":
        """scale: (3,) factors of amplitude, decay and rise."""
        found = np.empty(7)
        respond(found, constants(indicator), np.log(scale))
        return cls(*found.tolist())

    @property
    def values(self) -> FloatArray:
        return np.array([self.peak, self.slow, self.fast, self.unit, self.hill, self.resting, self.half])


@njit(cache=True)
def bound(load, response):
    """Share of the indicator with calcium, `load` peaks of one spike above rest."""
    raised = ((max(load, 0.0) + response[5]) / response[6]) ** response[4]
    return raised / (raised + 1)


@njit(cache=True)
def shown(slow, fast, response):
    """dF/F at both parts of calcium."""
    rest = bound(0.0, response)
    return response[0] * (bound((slow - fast) / response[3], response) - rest) / (bound(1.0, response) - rest)


@njit(cache=True)
def log_likelihood(y, dff, sigma):
    variance = sigma**2 * max(1 + dff, 0.05)
    return -0.5 * ((y - dff) ** 2 / variance + np.log(variance))


@njit(cache=True)
def filtered(y, sigma, response, rates, leave, particles, lag, jitter, seed):
    """Mean spikes of each frame (n_frames,), chance of 0 to MOST spikes in each SECOND (n_seconds, MOST + 1), and the
    logarithm of the likelihood, up to a constant.

    rates: spikes per frame in each state. leave: chance to leave it. jitter: spikes fall anywhere between two frames,
    and count for the nearer one. What is said of a frame or second is said lag - 1 frames after its end.
    """
    np.random.seed(seed)
    frames = len(y)
    slow, fast = np.zeros(particles), np.zeros(particles)
    state = np.zeros(particles, np.int64)
    for i in range(particles):
        state[i] = 1 if np.random.random() < leave[0] / (leave[0] + leave[1]) else 0
    history, counts = np.zeros((lag, particles), np.int8), np.zeros(particles, np.int64)
    weight = np.full(particles, 1.0 / particles)
    logs, mean, total = np.zeros(particles), np.zeros(frames), 0.0
    chance = np.zeros((frames // SECOND, MOST + 1))
    rest = bound(0.0, response)
    scale = response[0] / (bound(1.0, response) - rest)
    none, said = np.exp(-rates), 0
    for t in range(frames):
        history[t % lag] = 0
        for i in range(particles):
            if np.random.random() < leave[state[i]]:
                state[i] = 1 - state[i]
            slow[i] *= response[1]
            fast[i] *= response[2]
            # Of a Poisson distribution, by inversion.
            left, n, here = np.random.random(), 0, none[state[i]]
            while left > here and n < 20:
                left -= here
                n += 1
                here *= rates[state[i]] / n
            if n:
                age = np.random.random() if jitter else 0.5
                slow[i] += n * response[1] ** age
                fast[i] += n * response[2] ** age
                history[(t if age <= 0.5 or t == 0 else t - 1) % lag, i] += n
            dff = scale * (bound((slow[i] - fast[i]) / response[3], response) - rest)
            logs[i] = log_likelihood(y[t], dff, sigma)
        highest = logs.max()
        weight *= np.exp(logs - highest)
        norm = weight.sum()
        total += highest + np.log(norm)
        weight /= norm
        while said <= (t if t + 1 == frames else t - lag + 1):
            mean[said] = (weight * history[said % lag]).sum()
            counts += history[said % lag]
            said += 1
            if said % SECOND == 0:
                for i in range(particles):
                    chance[said // SECOND - 1, min(counts[i], MOST)] += weight[i]
                counts[:] = 0
        if 1 / (weight**2).sum() < particles / 2:
            picked = np.searchsorted(np.cumsum(weight), (np.arange(particles) + np.random.random()) / particles)
            picked = np.minimum(picked, particles - 1)
            slow, fast, state, counts = slow[picked], fast[picked], state[picked], counts[picked]
            for k in range(lag):
                history[k] = history[k][picked]
            weight[:] = 1.0 / particles
    return mean, chance, total


@njit(cache=True)
def respond(response, own, point):
    """Fill in a `Response` from an indicator's constants and the logarithms of factors of amplitude, decay and rise.

    own: peak, constants of decay and rise in s, hill, resting, half.
    """
    decay = own[1] * np.exp(point[1])
    rise = min(own[2] * np.exp(point[2]), 0.95 * decay)
    peak_time = np.log(decay / rise) * decay * rise / (decay - rise)
    response[0] = own[0] * np.exp(point[0])
    response[1], response[2] = np.exp(-1 / (RATE * decay)), np.exp(-1 / (RATE * rise))
    response[3] = np.exp(-peak_time / decay) - np.exp(-peak_time / rise)
    response[4:] = own[3:]


@njit(cache=True)
def learnt(y, sigma, own, spread, rates, leave, particles, seed):
    """(particles, 3) logarithms of the factors of amplitude, decay and rise, drawn from what they may be given a trace.

    Every particle has kinetics of its own. Where particles are picked anew, kinetics are drawn towards their mean and
    moved at random, so that their spread stays what it is (Liu & West 2001). own: as of `respond`.
    """
    np.random.seed(seed)
    point = np.random.standard_normal((particles, 3)) * spread
    response = np.empty((particles, 7))
    for i in range(particles):
        respond(response[i], own, point[i])
    slow, fast = np.zeros(particles), np.zeros(particles)
    state = np.zeros(particles, np.int64)
    weight, logs = np.full(particles, 1.0 / particles), np.zeros(particles)
    # Binding is the same for all.
    rest, one = bound(0.0, response[0]), bound(1.0, response[0])
    kept = np.sqrt(1 - MOVED**2)
    for t in range(len(y)):
        for i in range(particles):
            if np.random.random() < leave[state[i]]:
                state[i] = 1 - state[i]
            slow[i] *= response[i, 1]
            fast[i] *= response[i, 2]
            n = np.random.poisson(rates[state[i]])
            if n:
                age = np.random.random()
                slow[i] += n * response[i, 1] ** age
                fast[i] += n * response[i, 2] ** age
            dff = response[i, 0] * (bound((slow[i] - fast[i]) / response[i, 3], response[i]) - rest) / (one - rest)
            logs[i] = log_likelihood(y[t], dff, sigma)
        weight *= np.exp(logs - logs.max())
        weight /= weight.sum()
        if 1 / (weight**2).sum() < particles / 2 or t + 1 == len(y):
            picked = np.searchsorted(np.cumsum(weight), (np.arange(particles) + np.random.random()) / particles)
            picked = np.minimum(picked, particles - 1)
            slow, fast, state, point = slow[picked], fast[picked], state[picked], point[picked]
            weight[:] = 1.0 / particles
            centre = np.array([point[:, k].mean() for k in range(3)])
            spread_now = np.linalg.cholesky(np.cov(point.T) + 1e-12 * np.eye(3))
            point = (
                kept * point + (1 - kept) * centre + MOVED * np.random.standard_normal((particles, 3)) @ spread_now.T
            )
            for i in range(particles):
                respond(response[i], own, point[i])
    return point


def exactly(y: FloatArray, sigma: float, response: Response, most: int) -> tuple[FloatArray, float]:
    """What `filtered` estimates, by summing over all states and up to `most` spikes in each frame."""
    from scipy.stats import poisson

    frames = len(y)
    chance = {
        (a, b): (LEAVE[a] if a != b else 1 - LEAVE[a]) * poisson.pmf(np.arange(most + 1), RATES_PER_FRAME[b])
        for a, b in product((0, 1), repeat=2)
    }
    start = np.array([LEAVE[1], LEAVE[0]]) / LEAVE.sum()
    total, mean = 0.0, np.zeros(frames)
    for spikes in product(range(most + 1), repeat=frames):
        slow = fast = log = 0.0
        forward = start
        for t, n in enumerate(spikes):
            slow = slow * response.slow + n * response.slow**0.5
            fast = fast * response.fast + n * response.fast**0.5
            log += log_likelihood(y[t], shown(slow, fast, response.values), sigma)
            forward = np.array([sum(forward[a] * chance[a, b][n] for a in (0, 1)) for b in (0, 1)])
        joint = np.exp(log) * forward.sum()
        total += joint
        mean += joint * np.array(spikes)
    return mean / total, float(np.log(total))


def validate() -> None:
    print("| indicator | ν | largest error of a mean | exact mean there | error of log-likelihood |")
    for name, level in (("GCaMP6s", 4.0), ("jGCaMP8m", 2.0), ("jGCaMP8m", 8.0), ("GCaMP6f", 2.0)):
        response = Response.of(simulated(name), np.ones(3))
        sigma = level / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE
        worst, log_error, at = 0.0, 0.0, 0.0
        for seed in range(4):
            random = stream(seed, "validate", name, level)
            spikes = np.array([0, 1, 0, 0, 2, 0, 0])
            slow = fast = 0.0
            y = np.zeros(len(spikes))
            for t, n in enumerate(spikes):
                slow, fast = (p * f + n * f**0.5 for p, f in ((slow, response.slow), (fast, response.fast)))
                y[t] = shown(slow, fast, response.values) + sigma * random.standard_normal()
            exact, log = exactly(y, sigma, response, 3)
            runs = [
                filtered(y, sigma, response.values, RATES_PER_FRAME, LEAVE, 100_000, 60, False, k) for k in range(4)
            ]
            error = np.mean([run[0] for run in runs], axis=0) - exact
            if abs(error).max() > worst:
                worst, at = abs(error).max(), exact[abs(error).argmax()]
            log_error = max(log_error, abs(np.log(np.mean(np.exp([run[2] - log for run in runs])))))
        print(f"| {name} | {level:g} | {worst:.4f} | {at:.3f} | {log_error:.4f} |", flush=True)


if __name__ == "__main__":
    validate()
