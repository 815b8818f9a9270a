"""What a user gets of a method that says how sure it is, by indicator and noise level."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark, near

METRICS = {
    "correlation": ("r", pl.col("value").median(), 0.01),
    "count_ratio": ("inferred / true spikes", pl.col("value").median(), 0.01),
    "coverage_90": ("covered by the 90 % interval, %", 100 * pl.col("value").mean(), 1),
    "width_90": ("its width, spikes", pl.col("value").median(), 0.1),
}
"""Heading, summary over neurons, and the step that it is rounded to."""
INTERNEURONS = "interneurons"


@dataclass(frozen=True)
class Summary:
    """The table of one method."""

    backend: str
    colour: str
    levels: list[float]
    """ν, % Hz^-1/2."""
    rows: list[tuple[str, int, list[tuple[float | None, int]]]]
    """Indicator, neurons, and value and neurons at each level of each of METRICS."""


def context(data: Benchmark) -> dict[str, Any] | None:
    found = [summary(data, backend) for backend in data.backends]
    tables = [table for table in found if table.rows]
    return {"tables": tables, "headings": [heading for heading, *_ in METRICS.values()]} if tables else None


def summary(data: Benchmark, backend: str) -> Summary:
    """Empty for a method without intervals."""
    at_rate = data.told.filter(near("frame_rate", data.parameters.frame_rate), ~pl.col("simulated"))
    own = at_rate.filter(pl.col("backend") == backend, pl.col("metric").is_in(list(METRICS))).drop_nulls("value")
    other = ~pl.col("cell_class").is_in(["", "excitatory"])
    own = own.with_columns(kind=pl.when(other).then(pl.lit(INTERNEURONS)).otherwise("indicator"))
    levels = doubling(own["noise_level"].unique().to_list())
    kinds = sorted(set(own["kind"]), key=lambda kind: (kind == INTERNEURONS, kind.lower()))
    sure = "coverage_90" in set(own["metric"])
    rows = [row(kind, own.filter(pl.col("kind") == kind), levels) for kind in kinds] if sure else []
    return Summary(data.name(backend), data.colours[backend], levels, rows)


def row(kind: str, own: pl.DataFrame, levels: list[float]) -> tuple[str, int, list[tuple[float | None, int]]]:
    cells = []
    for metric, (_, over_neurons, step) in METRICS.items():
        for level in levels:
            part = own.filter(pl.col("metric") == metric, near("noise_level", level))
            value = part.select(over_neurons).item()
            cells.append((None if value is None else round(value / step) * step, part.height))
    return kind, own.select("dataset", "neuron").n_unique(), cells


def doubling(levels: list[float]) -> list[float]:
    """Of a long sweep, the levels that are each at least twice the one before."""
    kept: list[float] = []
    for level in sorted(levels):
        if not kept or level >= 1.999 * kept[-1]:
            kept.append(level)
    return kept
