"""Coverage of the intervals."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark, dots
from groundtrace.report.svg import Axis, Panel, rows


def context(data: Benchmark) -> dict[str, Any] | None:
    panels = coverages(data)
    return {"panels": panels} if panels else None


def coverages(data: Benchmark) -> list[Panel]:
    """Share of 1 s windows inside each interval: a dot for each data set."""
    panels = []
    tolerance = {50: 0.05, 80: 0.04, 95: 0.03}
    real = data.centre.filter(~pl.col("simulated"))
    for level, allowed in tolerance.items():
        aim = level / 100
        axis = Axis("share inside", 0, 1, marks=(aim,), band=(aim - allowed, min(aim + allowed, 1)))
        drawn = []
        for backend in data.backends:
            own = data.values(real, backend, f"coverage_{level}")
            means = own.group_by("dataset", maintain_order=True).agg(
                pl.col("value").mean(), pl.lit("").alias("neuron"), pl.col("in_sample").first()
            )
            if means.height:
                drawn.append(dots(data, means, backend))
        if drawn:
            panels.append(Panel(f"{level} % interval", rows(drawn, axis, f"Coverage of the {level} % interval")))
    return panels
