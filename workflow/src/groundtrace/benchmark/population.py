"""Pairwise correlations of a simulated population: which of them survive calcium, noise and inference."""

from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.metrics import pairwise_correlations, pairwise_fidelity
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import to_table
from groundtrace.groundtruth.resampling import match_noise, spike_counts
from groundtrace.indicators import indicators, simulated
from groundtrace.random import stream
from groundtrace.simulation.activity import calcium_trace, spike_trains
from groundtrace.spikes.base import SpikeBackend

POPULATION = "population"
"""Stands in the column `dataset`."""
RATE = 0.8
"""Hz, median over the population."""
LEAD = 10.0
"""Spikes of so many seconds before the first frame are simulated too."""


def score_population(name: str, backend: SpikeBackend | None, parameters: BenchmarkParameters) -> pl.DataFrame:
    """Table SpikeBenchmark: r and slope of all pairs, per indicator and ν; None scores dF/F itself.

    metric `pairwise_correlation` is Pearson r between true and found correlations of pairs (in bins of 1 s),
    `pairwise_slope` the slope of found on true.
    """
    frame_rate = parameters.frame_rate
    rows: list[dict[str, Any]] = []
    for indicator in parameters.population_indicators:
        for level in parameters.noise_levels:
            dff, spikes = population(indicator, level, parameters)
            true = pairwise_correlations(spikes, frame_rate)
            if backend is None:
                traces = dff
            else:
                traces = np.nan_to_num(backend.run(dff, frame_rate, indicators()[indicator]).rate)
            r, slope = pairwise_fidelity(pairwise_correlations(traces, frame_rate), true)
            row = {
                "dataset": POPULATION,
                "neuron": f"all, {indicator}",
                "indicator": indicator,
                "cell_class": "",
                "backend": name if backend is not None else "dff",
                "in_sample": False,
                "noise_level": level,
                "snr": None,
                "frame_rate": frame_rate,
                "lookahead": None,
                "indicator_told": True,
            }
            values = {"pairwise_correlation": r, "pairwise_slope": slope}
            rows += [row | {"metric": key, "value": value} for key, value in values.items() if np.isfinite(value)]
    return to_table(rows)


def population(indicator: str, level: float, parameters: BenchmarkParameters) -> tuple[FloatArray, FloatArray]:
    """dF/F (fraction) at ν = `level` and spikes per frame, both (n_rois, n_frames), of neurons that share their drive.

    The spikes are the same for every indicator and ν.
    """
    frame_rate = parameters.frame_rate
    frames = int(parameters.population_seconds * frame_rate)
    grid = np.arange(frames) / frame_rate
    seed, cells = parameters.seed, parameters.population_cells
    trains = spike_trains(stream(seed, "population"), cells, RATE, -LEAD, frames / frame_rate).times
    spikes = np.stack([spike_counts(train, grid, frame_rate) for train in trains])
    dff = np.empty((cells, frames), np.float32)
    for cell, train in enumerate(trains):
        clean = calcium_trace(train, frames, frame_rate, simulated(indicator))
        # A trace that swings more than that from frame to frame has no room for noise; it stays clean.
        noisy = match_noise(clean, frame_rate, level, stream(seed, "population noise", cell, indicator, level))
        dff[cell] = clean if noisy is None else noisy
    return dff, spikes
