"""Scores against the frames that an online inference waits for."""

from typing import Any

import polars as pl

from groundtrace.benchmark.population import POPULATION
from groundtrace.report.benchmark import Benchmark, near
from groundtrace.report.sections.benchmark.sweeps import curve, metric_axis
from groundtrace.report.svg import Axis, Panel, lines


def context(data: Benchmark) -> dict[str, Any] | None:
    panels = lookahead(data)
    return {"panels": panels} if panels else None


def lookahead(data: Benchmark) -> list[Panel]:
    """r, error and bias against the frames that an online inference waits for; the last point sees all."""
    p = data.parameters
    scored = data.table.filter(
        pl.col("snr").is_null(),
        pl.col("indicator_told"),
        ~pl.col("simulated"),
        pl.col("dataset") != POPULATION,
        near("frame_rate", p.frame_rate),
        near("noise_level", p.noise_level),
    )
    online = [
        name for name in data.backends if scored.filter(pl.col("backend") == name)["lookahead"].is_not_null().any()
    ]
    if not online:
        return []
    points = sorted(scored["lookahead"].drop_nulls().unique().to_list())
    place = {frames: float(k) for k, frames in enumerate(points)}
    at = pl.col("lookahead").replace_strict(place, default=float(len(points)), return_dtype=pl.Float64)
    frame = scored.with_columns(at)
    names = [f"{frames} ({1000 * frames / p.frame_rate:.0f} ms)" for frames in points]
    ticks = tuple(float(k) for k in range(len(points) + 1))
    x = Axis("lookahead in frames (and in time)", 0, len(points), ticks=ticks, names=(*names, "all"))
    panels = []
    for metric in ("correlation", "error"):
        found = [(name, data.values(frame, name, metric)) for name in online]
        drawn = [curve(data, own, name, "lookahead") for name, own in found if own.height]
        y = metric_axis(metric, drawn)
        panels.append(Panel(y.label, lines(drawn, x, y, f"{y.label} against lookahead", width=660)))
    return panels
