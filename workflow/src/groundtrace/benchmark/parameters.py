"""Parameters of the benchmarks."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from groundtrace.section import Section

CONTROLS = ("dff", "shuffled", "zero", "oracle")
"""dF/F itself, the true rate of another neuron of the data set, no spikes at all, the smoothed true rate."""
RELIABLE, SURE = 0.3, 0.6
"""Cells that encoding models are judged by: from this true oracle correlation, and this r to expect of the spikes."""

Level = Annotated[float, Field(gt=0, le=100)]
"""ν, % Hz^-1/2."""


class RecordingBenchmark(Section):
    """Scores motion correction, extraction and recipes on the simulated sessions of the sheet."""

    detectability: float = Field(default=5.0, ge=0)
    """d′ from which a soma counts as one that should be found."""
    grid: int = Field(default=9, ge=2, le=64)
    """Residual motion is measured at so many × so many places of the field."""


class BenchmarkParameters(Section):
    """Scores spike backends on ground truth, and whole recipes on simulated sessions; run by `snakemake benchmark`."""

    backends: tuple[str, ...] | None = None
    """Names under `spikes` to score; empty means all of them."""
    datasets: tuple[str, ...] | None = None
    """Data sets to score on, by the start of their names (`DS09`); empty means all of them."""
    frame_rate: PositiveFloat = 30.0
    """Frame rate of the leaderboard and of every sweep but that over frame rates, Hz."""
    noise_level: Level = 2.0
    """ν of the leaderboard and of every sweep but those over noise, % Hz^-1/2."""
    frame_rates: tuple[PositiveFloat, ...] = (5.0, 7.5, 15.0, 30.0, 60.0)
    """Sweep over frame rates, Hz."""
    noise_levels: tuple[Level, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    """Sweep over ν, % Hz^-1/2."""
    snrs: tuple[PositiveFloat, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    """Sweep over the peak dF/F of one spike in standard deviations of the noise per frame."""
    lookaheads: tuple[NonNegativeInt, ...] = (0, 2, 4, 8, 16)
    """Sweep over the frames that an online inference may wait for; of backends that have the parameter `lookahead`."""
    no_sweeps: tuple[str, ...] = ()
    """Names under `spikes` to score for the leaderboard alone, say because they are slow."""
    neurons_per_dataset: PositiveInt | None = None
    """Score so many neurons of each data set, the same for all backends; empty means all."""
    max_seconds: PositiveFloat | None = 300.0
    """Imaging time used of each neuron, s, its first recordings first; empty means all. Neurons count the same."""
    population_cells: int = Field(default=60, ge=3)
    """Neurons of the simulated population."""
    population_seconds: PositiveFloat = 300.0
    """Its duration, s."""
    population_indicators: tuple[str, ...] = ("GCaMP6s", "GCaMP6f", "jGCaMP8m")
    """Indicators to simulate it with."""
    bootstrap: PositiveInt = 1000
    """Draws of data sets and neurons behind each interval."""
    seed: int = Field(default=0, ge=0)
    """Seed of noise, choice of neurons, simulated population and bootstrap."""
    parts: PositiveInt = 8
    """Jobs per backend; each takes every n-th data set. It changes no result."""
    tables: Path | None = None
    """Folder with the benchmark on simulated sessions that `snakemake suggest` reads (recipes.parquet,
    extraction.parquet, recordings_timing.tsv); empty takes that of this run, and makes it when needed."""
    recordings: RecordingBenchmark = RecordingBenchmark()
    """Motion correction, extraction and recipes on simulated sessions."""
