"""Each neuron of each data set."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import CORRELATION, Benchmark, dots
from groundtrace.report.svg import Panel, rows


def context(data: Benchmark) -> dict[str, Any]:
    return {"panels": per_dataset(data)}


def per_dataset(data: Benchmark) -> list[Panel]:
    """One small chart for each data set: r of every neuron; rings where a method has learnt from the data set."""
    panels = []
    for (dataset,), own in data.centre.filter(pl.col("metric") == "correlation").group_by(
        "dataset", maintain_order=True
    ):
        drawn = [dots(data, own.filter(pl.col("backend") == name), name) for name in data.methods]
        first = own.row(0, named=True)
        hint = f"{first['indicator']}, {first['cell_class'] or 'class unknown'}, {own['neuron'].n_unique()} neurons"
        label = f"Correlation of each neuron of {dataset}, by method"
        chart = rows(drawn, CORRELATION, label, width=300, left=82)
        panels.append(Panel(str(dataset), chart, hint))
    return panels
