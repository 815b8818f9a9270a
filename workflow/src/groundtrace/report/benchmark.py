"""The page of the benchmark of spike inference: who finds the spikes, under which conditions, and how surely."""

import math
from functools import cached_property

import numpy as np
import polars as pl

from groundtrace.benchmark.metrics import bootstrap
from groundtrace.benchmark.parameters import CONTROLS, BenchmarkParameters
from groundtrace.benchmark.population import POPULATION
from groundtrace.random import stream
from groundtrace.report.frame import render
from groundtrace.report.svg import PALETTE, Axis, Row

GREYS = {"oracle": "ink", "dff": "muted", "shuffled": "faint", "zero": "faint"}
SIMULATED = "X-"
"""Data sets of this beginning are simulated; they count in no summary of real neurons."""
CORRELATION = Axis("", -0.05, 1, ticks=(0, 0.25, 0.5, 0.75, 1))


class Benchmark:
    """The tables of the benchmark, and the views that the page shows."""

    def __init__(self, table: pl.DataFrame, timing: pl.DataFrame, parameters: BenchmarkParameters):
        self.table = table.with_columns(simulated=pl.col("dataset").str.starts_with(SIMULATED))
        self.timing = timing
        self.parameters = parameters
        found = sorted(set(table["backend"]) - set(CONTROLS))
        self.backends = found
        self.methods = [*found, "dff"]
        self.colours = {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(found)} | GREYS

    @cached_property
    def centre(self) -> pl.DataFrame:
        """The leaderboard's point: one frame rate and ν, the indicator told, no limit on the lookahead."""
        p = self.parameters
        return self.told.filter(near("frame_rate", p.frame_rate), near("noise_level", p.noise_level))

    @cached_property
    def told(self) -> pl.DataFrame:
        """Chosen ν, indicator told, all of the recording seen; real and simulated neurons, not the population."""
        chosen = pl.col("snr").is_null() & pl.col("lookahead").is_null() & pl.col("indicator_told")
        return self.table.filter(chosen, pl.col("dataset") != POPULATION)

    def values(self, frame: pl.DataFrame, backend: str, metric: str) -> pl.DataFrame:
        return frame.filter(pl.col("backend") == backend, pl.col("metric") == metric).drop_nulls("value")

    def median(self, frame: pl.DataFrame, name: str, draws: int | None = None) -> tuple[float, float, float]:
        """Median over neurons, and its interval over data sets and neurons; a single neuron has none."""
        if frame.is_empty():
            return math.nan, math.nan, math.nan
        values, groups = frame["value"].to_numpy().astype(np.float64), frame["dataset"].to_numpy()
        if len(values) == 1:
            return float(values[0]), math.nan, math.nan
        random = stream(self.parameters.seed, "bootstrap", name)
        low, high = bootstrap(values, groups, random, draws or self.parameters.bootstrap)
        # What is zero but for rounding shall read so.
        middle, low, high = (round(value, 9) + 0.0 for value in (float(np.median(values)), low, high))
        return middle, low, high

    def learnt(self, backend: str) -> set[str]:
        """Data sets that a backend has learnt from."""
        return set(self.table.filter(pl.col("in_sample"), pl.col("backend") == backend)["dataset"])

    def name(self, backend: str) -> str:
        return f"{backend} *" if self.learnt(backend) else backend

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [(self.name(name), self.colours[name]) for name in (*self.methods, "shuffled", "oracle")]

    @property
    def in_sample(self) -> bool:
        """Whether a method has learnt from a data set on which it is scored."""
        return bool(self.table["in_sample"].any())


def render_benchmark(table: pl.DataFrame, timing: pl.DataFrame, parameters: BenchmarkParameters) -> str:
    """The page as HTML, from the table SpikeBenchmark and the time that inference took."""
    return render("benchmark", Benchmark(table, timing, parameters), "Spike inference benchmark")


def dots(data: Benchmark, own: pl.DataFrame, backend: str, label: str | None = None) -> Row:
    """Each value of `own` as a dot."""
    values = own["value"].to_list()
    names = [f"{row['dataset']} {row['neuron']}" for row in own.iter_rows(named=True)]
    middle = float(np.median(values)) if values else math.nan
    shown = data.name(backend) if label is None else label
    return Row(shown, data.colours[backend], values, names, own["in_sample"].to_list(), middle)


def near(name: str, value: float) -> pl.Expr:
    return (pl.col(name) - value).abs() < 1e-4 * value
