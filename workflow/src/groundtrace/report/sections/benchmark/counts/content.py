"""Predicted over true numbers of spikes."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark, dots
from groundtrace.report.svg import Axis, Panel, rows


def context(data: Benchmark) -> dict[str, Any]:
    return {"panels": count_ratios(data)}


def count_ratios(data: Benchmark) -> list[Panel]:
    """Σp / Σg of each neuron, one chart per method, one row per indicator."""
    axis = Axis("predicted / true spikes", 0.05, 20, log=True, ticks=(0.1, 0.3, 1, 3, 10), marks=(1,), band=(0.7, 1.4))
    panels = []
    real = data.centre.filter(~pl.col("simulated"))
    for backend in data.backends:
        own = data.values(real, backend, "count_ratio")
        order = sorted(set(own["indicator"]), key=str.lower)
        drawn = [dots(data, own.filter(pl.col("indicator") == name), backend, name) for name in order]
        panels.append(Panel(data.name(backend), rows(drawn, axis, f"Count ratio of {backend} by indicator")))
    return panels
