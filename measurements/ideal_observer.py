"""How far each backend is from an ideal observer, on simulated traces.

    PYTHONPATH=workflow/src python measurements/ideal_observer.py [--traces 4] [--seconds 60] [--figure ceiling.svg]
    PYTHONPATH=workflow/src python measurements/ideal_observer.py --validate

A neuron is quiet or active, with Poisson spikes of RATES (Hz) in either state; its spikes go through an indicator's
kernel and binding curve, and photon noise of ν is added. The ideal observer knows all of that and samples the spikes
given the trace: a particle filter whose particles are state, calcium and the spikes of the last frames (LAG), so that
the mean over particles is what is to be expected of a frame given the trace until then. Nothing can have a smaller
squared error, and hardly anything a higher correlation; that of a finite number of particles is somewhat lower.

With unknown kinetics each neuron has an amplitude, a decay and a rise of its own (SPREAD, of the logarithms). The
observer knows the distribution and weighs DRAWS kinetics, in two rounds, by the likelihood that the filter estimates
without bias; the backends are told the median. Prints median r (smoothed as everywhere) per indicator and ν.

`--validate` compares posterior means and likelihoods with those from summing over all histories of spikes and states
of short traces, one after the other.
"""
# Numba knows the old random numbers alone.
# ruff: noqa: NPY002

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numba import njit

from groundtrace.arrays import FloatArray
from groundtrace.indicators import SimulatedIndicator, simulated
from groundtrace.random import stream
from groundtrace.spikes.comparing import correlation, smooth
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

RATE = 30.0
RATES = (0.1, 6.0)
LASTING = (4.0, 0.5)
"""Mean s that a neuron stays quiet and active."""
LEVELS = (1.0, 2.0, 4.0, 8.0)
INDICATORS = ("GCaMP6f", "GCaMP6s", "jGCaMP8f", "jGCaMP8m", "OGB-1")
LAG = 4.0
"""Time constants of calcium after which a frame is known as well as it will be."""
PARTICLES, DRAWS = 12_000, 8
SPREAD = (0.45, 0.25, 0.25)


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
        slow, fast = np.array(indicator.constants()) * scale[1:]
        fast = min(fast, 0.95 * slow)
        peak_time = np.log(slow / fast) * slow * fast / (slow - fast)
        unit = float(np.exp(-peak_time / slow) - np.exp(-peak_time / fast))
        decay = (float(np.exp(-1 / (RATE * constant))) for constant in (slow, fast))
        return cls(indicator.peak * scale[0], *decay, unit, indicator.hill, indicator.resting, indicator.half)

    @property
    def values(self) -> FloatArray:
        return np.array([self.peak, self.slow, self.fast, self.unit, self.hill, self.resting, self.half])


@njit(cache=True)
def shown(slow, fast, response):
    """dF/F at both parts of calcium."""
    peak, _, _, unit, hill, resting, half = response
    rest, one = (resting / half) ** hill, ((resting + 1) / half) ** hill
    rest, one = rest / (rest + 1), one / (one + 1)
    raised = ((max(slow - fast, 0.0) / unit + resting) / half) ** hill
    return peak * (raised / (raised + 1) - rest) / (one - rest)


@njit(cache=True)
def log_likelihood(y, dff, sigma):
    sd = sigma * np.sqrt(max(1 + dff, 0.05))
    return -0.5 * ((y - dff) / sd) ** 2 - np.log(sd)


@njit(cache=True)
def filtered(y, sigma, response, rates, leave, particles, lag, jitter, seed):
    """Mean spikes of each frame (n_frames,) and the logarithm of the likelihood, up to a constant.

    rates: spikes per frame in each state. leave: chance to leave it. jitter: spikes fall anywhere between two frames,
    and count for the nearer one.
    """
    np.random.seed(seed)
    frames = len(y)
    slow, fast = np.zeros(particles), np.zeros(particles)
    state = np.zeros(particles, np.int64)
    for i in range(particles):
        state[i] = 1 if np.random.random() < leave[0] / (leave[0] + leave[1]) else 0
    history = np.zeros((particles, lag), np.int16)
    weight = np.full(particles, 1.0 / particles)
    logs, mean, total = np.zeros(particles), np.zeros(frames), 0.0
    for t in range(frames):
        history[:, t % lag] = 0
        for i in range(particles):
            if np.random.random() < leave[state[i]]:
                state[i] = 1 - state[i]
            n = np.random.poisson(rates[state[i]])
            age = np.random.random() if jitter else 0.5
            slow[i] = slow[i] * response[1] + n * response[1] ** age
            fast[i] = fast[i] * response[2] + n * response[2] ** age
            history[i, (t if age <= 0.5 else t - 1) % lag] += n
            logs[i] = log_likelihood(y[t], shown(slow[i], fast[i], response), sigma)
        highest = logs.max()
        weight *= np.exp(logs - highest)
        norm = weight.sum()
        total += highest + np.log(norm)
        weight /= norm
        if t >= lag - 1:
            mean[t - lag + 1] = (weight * history[:, (t + 1) % lag]).sum()
        if 1 / (weight**2).sum() < particles / 2:
            picked = np.searchsorted(np.cumsum(weight), (np.arange(particles) + np.random.random()) / particles)
            picked = np.minimum(picked, particles - 1)
            slow, fast, state, history = slow[picked], fast[picked], state[picked], history[picked]
            weight[:] = 1.0 / particles
    for t in range(max(frames - lag + 1, 0), frames):
        mean[t] = (weight * history[:, t % lag]).sum()
    return mean, total


RATES_PER_FRAME = np.array(RATES) / RATE
LEAVE = 1 / (np.array(LASTING) * RATE)


def observed(y: FloatArray, sigma: float, response: Response, particles: int, seed: int) -> tuple[FloatArray, float]:
    lag = int(np.clip(np.ceil(LAG / -np.log(response.slow)), 12, 90))
    return filtered(y, sigma, response.values, RATES_PER_FRAME, LEAVE, particles, lag, True, seed)


def observed_unknown(
    y: FloatArray, sigma: float, indicator: SimulatedIndicator, random: np.random.Generator
) -> FloatArray:
    """Mean spikes of each frame over kinetics: two rounds of importance sampling, the second around the first."""
    spread = np.array(SPREAD)
    centre, width = np.zeros(3), spread
    points, logs, means = [], [], []
    for _ in range(2):
        for _ in range(DRAWS):
            point = random.normal(centre, width)
            mean, likelihood = observed(
                y, sigma, Response.of(indicator, np.exp(point)), PARTICLES // 8, int(random.integers(1 << 30))
            )
            prior = -0.5 * ((point / spread) ** 2).sum()
            own = -0.5 * (((point - centre) / width) ** 2).sum() - np.log(width / spread).sum()
            points.append(point)
            logs.append(likelihood + prior - own)
            means.append(mean)
        chance = np.exp(np.array(logs) - max(logs))
        chance /= chance.sum()
        centre = chance @ np.array(points)
        # Narrow enough to hit, wide enough for one survivor of the first round.
        width = np.clip(np.sqrt(chance @ (np.array(points) - centre) ** 2), spread / 4, spread)
    return chance @ np.array(means)


def simulate(
    response: Response, frames: int, sigma: float, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """dF/F and spikes per frame, (n_frames,)."""
    dff, spikes = np.zeros(frames), np.zeros(frames)
    slow = fast = 0.0
    state = int(random.random() < LEAVE[0] / LEAVE.sum())
    for t in range(frames):
        state = 1 - state if random.random() < LEAVE[state] else state
        n, age = random.poisson(RATES_PER_FRAME[state]), random.random()
        spikes[t if age <= 0.5 or t == 0 else t - 1] += n
        slow = slow * response.slow + n * response.slow**age
        fast = fast * response.fast + n * response.fast**age
        dff[t] = shown(slow, fast, response.values)
    return dff + sigma * np.sqrt(np.maximum(1 + dff, 0.05)) * random.standard_normal(frames), spikes


def score(rate: FloatArray, spikes: FloatArray) -> float:
    return correlation(smooth(rate, RATE), smooth(spikes * RATE, RATE))


def scores(name: str, level: float, known: bool, trace: int, seconds: float) -> dict[str, float]:
    """r of each method on one trace."""
    random = stream(0, "ideal observer", name, level, known, trace)
    indicator = simulated(name)
    scale = np.ones(3) if known else np.exp(random.normal(0, SPREAD))
    sigma = level / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE
    response = Response.of(indicator, scale)
    y, spikes = simulate(response, round(seconds * RATE), sigma, random)
    dff = y[None].astype(np.float32)
    if known:
        ideal, _ = observed(y, sigma, response, PARTICLES, 0)
    else:
        ideal = observed_unknown(y, sigma, indicator, random)
    backends = {"network": Network(), "oasis": Oasis()}
    found = {method: backend.run(dff, RATE, indicator).rate[0] for method, backend in backends.items()}
    return {method: score(rate, spikes) for method, rate in ({"ideal": ideal * RATE} | found).items()}


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
            log_error = max(log_error, abs(np.log(np.mean(np.exp([run[1] - log for run in runs])))))
        print(f"| {name} | {level:g} | {worst:.4f} | {at:.3f} | {log_error:.4f} |", flush=True)


def figure(rows: list[tuple[str, float, bool, dict[str, float]]], path: Path) -> None:
    """r against ν, a panel for each indicator: full lines with known, broken ones with unknown kinetics."""
    width, height, gap = 150, 130, 44
    colours = {"ideal": "#222222", "network": "#1b7fb8", "oasis": "#c8553d"}
    parts = []
    lowest = 0.4
    for k, name in enumerate(dict.fromkeys(own for own, *_ in rows)):
        left, top = 40 + (k % 4) * (width + gap), 24 + (k // 4) * (height + gap)
        parts.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{name}</text>')
        parts.append(f'<path d="M{left} {top}v{height}h{width}" fill="none" stroke="#888"/>')
        parts += [
            f'<text x="{left - 5}" y="{top + height * (1 - r) / (1 - lowest) + 4:g}" text-anchor="end">{r:g}</text>'
            for r in (lowest, 0.6, 0.8, 1)
        ]
        levels = sorted({level for _, level, _, _ in rows})
        at = {level: left + width * (i + 0.3) / len(levels) for i, level in enumerate(levels)}
        parts += [f'<text x="{x}" y="{top + height + 14}" text-anchor="middle">{v:g}</text>' for v, x in at.items()]
        for (method, colour), known in product(colours.items(), (True, False)):
            points = [
                f"{at[level]:.1f},{top + height * (1 - max(row[method], lowest)) / (1 - lowest):.1f}"
                for own, level, told, row in rows
                if own == name and told == known
            ]
            dash = "" if known else ' stroke-dasharray="4 3"'
            parts.append(
                f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
            )
    names = len({own for own, *_ in rows})
    left, top = 40 + (names % 4) * (width + gap), 40 + (names // 4) * (height + gap)
    for k, (method, colour) in enumerate(colours.items()):
        parts.append(f'<path d="M{left} {top + 18 * k}h24" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 30}" y="{top + 18 * k + 4}">{method}</text>')
    notes = "r against ν (%/√Hz); broken:", "kinetics unknown"
    parts += [f'<text x="{left}" y="{top + 66 + 14 * k}">{note}</text>' for k, note in enumerate(notes)]
    size = f'viewBox="0 0 {40 + 4 * (width + gap)} {(names // 4 + 1) * (height + gap)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    path.write_text("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--indicators", nargs="+", default=INDICATORS)
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS, help="ν, %% Hz^(-1/2)")
    parser.add_argument("--figure", type=Path, help="SVG to write")
    parser.add_argument("--validate", action="store_true", help="only compare the filter with exact sums")
    given = parser.parse_args()
    if given.validate:
        validate()
        return
    rows = []
    print("| indicator | kinetics | ν | ideal | network | oasis |")
    for name, level, known in product(given.indicators, given.levels, (True, False)):
        each = [scores(name, level, known, trace, given.seconds) for trace in range(given.traces)]
        medians = {method: float(np.nanmedian([one[method] for one in each])) for method in each[0]}
        rows.append((name, level, known, medians))
        values = " | ".join(f"{medians[method]:.2f}" for method in ("ideal", "network", "oasis"))
        print(f"| {name} | {'known' if known else 'unknown'} | {level:g} | {values} |", flush=True)
    if given.figure:
        figure(rows, given.figure)


if __name__ == "__main__":
    main()
