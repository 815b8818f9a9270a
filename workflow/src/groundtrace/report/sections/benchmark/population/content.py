"""Correlations in a simulated population."""

from typing import Any

import polars as pl

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.benchmark.population import POPULATION
from groundtrace.report.benchmark import Benchmark
from groundtrace.report.svg import Axis, Line, Panel, lines


def context(data: Benchmark) -> dict[str, Any] | None:
    panels = populations(data)
    return {"panels": panels} if panels else None


def populations(data: Benchmark) -> list[Panel]:
    """Pairwise correlations of the simulated population against ν."""
    own = data.table.filter(pl.col("dataset") == POPULATION)
    axes = {
        "pairwise_correlation": Axis("r of pairs", 0, 1),
        "pairwise_slope": Axis("slope of pairs", 0, 1.5, marks=(1,)),
    }
    panels = []
    for metric, y in axes.items():
        for indicator in sorted(set(own["indicator"])):
            part = own.filter(pl.col("metric") == metric, pl.col("indicator") == indicator).sort("noise_level")
            points = sorted(set(part["noise_level"]))
            x = Axis("noise level ν (%/√Hz)", points[0], max(points[-1], points[0] + 1e-6), ticks=points)
            drawn = []
            for name in data.methods:
                line = part.filter(pl.col("backend") == name)
                at, values = line["noise_level"].to_list(), line["value"].to_list()
                drawn.append(Line(name, data.colours[name], at, values, dashed=name in CONTROLS))
            panels.append(Panel(f"{indicator}: {y.label}", lines(drawn, x, y, f"{y.label}, {indicator}")))
    return panels
