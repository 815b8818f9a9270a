"""Coverage of the intervals of spike counts, their width and their score."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark, dots
from groundtrace.report.svg import Axis, Panel, rows


def context(data: Benchmark) -> dict[str, Any] | None:
    panels = coverages(data) + scores(data)
    return {"panels": panels} if panels else None


def coverages(data: Benchmark) -> list[Panel]:
    """Share of 1 s windows inside each interval: a dot for each data set."""
    panels = []
    for level, allowed in {50: 0.05, 80: 0.04, 90: 0.03, 95: 0.03}.items():
        aim = level / 100
        axis = Axis("share inside", 0, 1, marks=(aim,), band=(aim - allowed, min(aim + allowed, 1)))
        drawn = [dots(data, means, backend) for backend, means in by_dataset(data, pl.col(f"coverage_{level}"))]
        if drawn:
            panels.append(Panel(f"{level} % interval", rows(drawn, axis, f"Coverage of the {level} % interval")))
    return panels


def scores(data: Benchmark) -> list[Panel]:
    """Width of the 90 % interval, and CRPS over that of a Poisson distribution: a dot for each data set."""
    shown = {
        "Width of the 90 % interval": (Axis("spikes", 0, 30), pl.col("width_90")),
        "Score over Poisson's": (Axis("ratio", 0, 2, marks=(1.0,)), pl.col("crps") / pl.col("crps_poisson")),
    }
    panels = []
    for title, (axis, value) in shown.items():
        drawn = [dots(data, means, backend) for backend, means in by_dataset(data, value)]
        if drawn:
            panels.append(Panel(title, rows(drawn, axis, title)))
    return panels


def by_dataset(data: Benchmark, value: pl.Expr) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each backend that has it, with `value` of the means of the metrics over the neurons of each real data set."""
    metrics = value.meta.root_names()
    real = data.centre.filter(~pl.col("simulated"))
    for backend in data.backends:
        means = None
        for metric in metrics:
            own = data.values(real, backend, metric).group_by("dataset", maintain_order=True)
            each = own.agg(pl.col("value").mean().alias(metric), pl.col("in_sample").first())
            means = each if means is None else means.join(each.drop("in_sample"), on="dataset", maintain_order="left")
        if means is not None and means.height:
            yield backend, means.select("dataset", value.alias("value"), pl.lit("").alias("neuron"), "in_sample")
