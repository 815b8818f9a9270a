"""How far each backend is from an ideal observer, on simulated traces.

    PYTHONPATH=workflow/src python measurements/ideal_observer.py [--traces 6] [--seconds 60] | tee -a rows.md
    PYTHONPATH=workflow/src python measurements/ideal_observer.py --figure rows.md ceiling.svg

A neuron is quiet or active, with Poisson spikes of RATES (Hz) in either state; its spikes go through an indicator's
kernel and binding curve, and photon noise of ν is added. The ideal observer knows all of that and samples the spikes
given the trace: a particle filter whose particles are state, calcium and the spikes of the last frames (LAG), so that
the mean over particles is what is to be expected of a frame given the trace until then. Nothing can have a smaller
squared error, and hardly anything a higher correlation; that of a finite number of particles is somewhat lower.

With unknown kinetics each neuron has an amplitude, a decay and a rise of its own (SPREAD, of the logarithms). The
observer knows the distribution, learns from the trace what they may be, and averages over DRAWS of that; the backends
are told the median. Prints per indicator and ν the median r (smoothed as everywhere), and of
the observer and of `network` what they say of the spikes in each second: CRPS over that of a Poisson distribution at
the predicted number, coverage of the 90 % interval, and its median width where 3 to 10 spikes are predicted.
"""

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from ideal_filter import (
    LEAVE,
    MOST,
    RATE,
    RATES_PER_FRAME,
    SECOND,
    Response,
    constants,
    filtered,
    learnt,
    shown,
)

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.metrics import count_scores
from groundtrace.indicators import SimulatedIndicator, simulated
from groundtrace.random import stream
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.comparing import correlation, mean_over_window, smooth
from groundtrace.spikes.counts import ranked_probability_score
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

LEVELS = (1.0, 2.0, 4.0, 8.0)
INDICATORS = ("GCaMP6f", "GCaMP6s", "jGCaMP8f", "jGCaMP8m", "jGCaMP8s", "OGB-1", "jRGECO1a")
LAG = 4.0
"""Time constants of calcium after which a frame is known as well as it will be."""
PARTICLES, DRAWS = 12_000, 8
SPREAD = (0.45, 0.25, 0.25)
MIDDLE = (3.0, 10.0)
"""Predicted spikes in a second, of the width that is printed."""


@dataclass(frozen=True)
class Seconds:
    """What is said of the number of spikes in each second, as `CountDistribution` says it."""

    below: FloatArray
    """(n_seconds, MOST + 1) P(N ≤ n)."""

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        low, high = ((self.below < p).sum(axis=1).astype(float) for p in ((1 - level) / 2, (1 + level) / 2))
        return low, high

    def coverage(self, counts: FloatArray, level: float) -> FloatArray:
        low, high = (1 - level) / 2, (1 + level) / 2
        before, until = self._at(counts[:, None] - 1)[:, 0], self._at(counts[:, None])[:, 0]
        inside = np.clip(until, low, high) - np.clip(before, low, high)
        # Beyond what any particle has, nothing is inside.
        return np.where(until > before, inside / np.maximum(until - before, 1e-300), 0)

    def crps(self, counts: FloatArray) -> FloatArray:
        return ranked_probability_score(self._at, counts)

    def _at(self, count: FloatArray) -> FloatArray:
        found = np.clip(np.broadcast_to(count, (len(self.below), count.shape[1])), 0, MOST).astype(int)
        return np.where(count < 0, 0.0, np.take_along_axis(self.below, found, axis=1))


def observed(
    y: FloatArray, sigma: float, response: Response, particles: int, seed: int
) -> tuple[FloatArray, FloatArray, float]:
    """As `filtered`."""
    lag = int(np.clip(np.ceil(LAG / -np.log(response.slow)), 12, 90))
    return filtered(y, sigma, response.values, RATES_PER_FRAME, LEAVE, particles, lag, True, seed)


def observed_unknown(
    y: FloatArray, sigma: float, indicator: SimulatedIndicator, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """As `filtered`, averaged over DRAWS of what kinetics may be given the trace."""
    seeds = random.integers(1 << 30, size=2)
    args = constants(indicator), np.array(SPREAD), RATES_PER_FRAME, LEAVE
    points = learnt(y, sigma, *args, 2 * PARTICLES, int(seeds[0]))
    found = [
        observed(y, sigma, Response.of(indicator, np.exp(point)), PARTICLES // 4, int(seeds[1]))
        for point in points[random.choice(len(points), DRAWS, replace=False)]
    ]
    return np.mean([mean for mean, *_ in found], axis=0), np.mean([chance for _, chance, _ in found], axis=0)


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


def scores(name: str, level: float, known: bool, trace: int, seconds: float) -> dict[str, tuple[float, FloatArray]]:
    """r of each method on one trace, and (5, n_seconds) of the spikes in each second where it says how many there may
    be: predicted, CRPS, that of a Poisson distribution, coverage and width of the 90 % interval in a row each."""
    random = stream(0, "ideal observer", name, level, known, trace)
    indicator = simulated(name)
    scale = np.ones(3) if known else np.exp(random.normal(0, SPREAD))
    sigma = level / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE
    response = Response.of(indicator, scale)
    y, spikes = simulate(response, round(seconds * RATE), sigma, random)
    dff = y[None].astype(np.float32)
    if known:
        ideal, chance, _ = observed(y, sigma, response, PARTICLES, 0)
    else:
        ideal, chance = observed_unknown(y, sigma, indicator, random)
    counts = spikes[: len(chance) * SECOND].reshape(-1, SECOND).sum(axis=1)
    said = of_seconds(Seconds(np.cumsum(chance, axis=1)), counts, chance @ np.arange(MOST + 1))
    found = {"ideal": (score(ideal * RATE, spikes), said)}
    backends: dict[str, SpikeBackend] = {"network": Network(cell_class="excitatory"), "oasis": Oasis()}
    middles = SECOND // 2 + SECOND * np.arange(len(counts))
    for method, backend in backends.items():
        inferred = backend.run_with_counts(dff, RATE, indicator)
        rate, made = inferred.rate[0], inferred.counts
        said = made and of_seconds(made[0, middles], counts, mean_over_window(rate, RATE)[middles])
        found[method] = score(rate, spikes), np.zeros((5, 0)) if said is None else said
    return found


def of_seconds(made: Any, counts: FloatArray, predicted: FloatArray) -> FloatArray:
    """(5, n_seconds) as `scores` has them."""
    each = count_scores(made, counts, predicted, counts)
    return np.stack([predicted, *(each[key] for key in ("crps", "crps_poisson", "coverage_90", "width_90"))])


def summary(said: FloatArray) -> str:
    """CRPS over Poisson's, coverage and, of seconds in MIDDLE and of all, the median width."""
    predicted, crps, poisson, coverage, width = said
    middle = (predicted >= MIDDLE[0]) & (predicted < MIDDLE[1])
    some = f"{np.median(width[middle]):.1f} ({middle.sum()})" if middle.any() else "–"
    return f"{crps.sum() / poisson.sum():.2f} | {100 * coverage.mean():.0f} % | {some}"


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
            for point in points:
                x, y = point.split(",")
                parts.append(
                    f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour if known else "white"}" stroke="{colour}"/>'
                )
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


def printed_rows(text: str) -> list[tuple[str, float, bool, dict[str, float]]]:
    """Indicator, ν, whether kinetics are known, and r of each method, of tables that were printed."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    methods = ("ideal", "network", "oasis")
    return [
        (row[0], float(row[2]), row[1] == "known", dict(zip(methods, map(float, row[3:6]), strict=True)))
        for row in cells
        if row[1] in ("known", "unknown")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--indicators", nargs="+", default=INDICATORS)
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS, help="ν, %% Hz^(-1/2)")
    parser.add_argument("--figure", nargs=2, type=Path, help="file with tables that were printed, and SVG to write")
    given = parser.parse_args()
    if given.figure:
        printed, path = given.figure
        figure(printed_rows(printed.read_text(encoding="utf-8")), path)
        return
    pooled: dict[tuple[bool, float, bool, str], list[FloatArray]] = {}
    head = "CRPS / Poisson's | covers | width at 3 to 10"
    print(f"| indicator | kinetics | ν | ideal | network | oasis | ideal: {head} | network: {head} |")
    for name, level, known in product(given.indicators, given.levels, (True, False)):
        each = [scores(name, level, known, trace, given.seconds) for trace in range(given.traces)]
        medians = {method: float(np.nanmedian([one[method][0] for one in each])) for method in each[0]}
        values = " | ".join(f"{medians[method]:.2f}" for method in ("ideal", "network", "oasis"))
        said = {method: np.hstack([one[method][1] for one in each]) for method in ("ideal", "network")}
        told = " | ".join(map(summary, said.values()))
        print(f"| {name} | {'known' if known else 'unknown'} | {level:g} | {values} | {told} |", flush=True)
        for method, values in said.items():
            pooled.setdefault((name.startswith("jGCaMP8"), level, known, method), []).append(values)
    for (eight, level, known, method), parts in pooled.items():
        kind = f"{'GCaMP8' if eight else 'others'}, {'known' if known else 'unknown'}, ν {level:g}, {method}"
        print(f"{kind}: {summary(np.hstack(parts))}")


if __name__ == "__main__":
    main()
