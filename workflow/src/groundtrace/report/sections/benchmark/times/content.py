"""Scores of single spike times."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import CORRELATION, Benchmark, dots
from groundtrace.report.svg import Axis, Panel, rows


def context(data: Benchmark) -> dict[str, Any]:
    return {"panels": spike_timing(data)}


def spike_timing(data: Benchmark) -> list[Panel]:
    axes = {
        "victor_purpura": ("Victor–Purpura, per spike", Axis("", 0, 1, ticks=(0, 0.25, 0.5, 0.75, 1))),
        "van_rossum": ("van Rossum, squared, per spike", Axis("", 0.01, 100, log=True, ticks=(0.01, 0.1, 1, 10, 100))),
        "spikefinder": ("Spikefinder: r in bins of 40 ms", CORRELATION),
    }
    panels = []
    real = data.centre.filter(~pl.col("simulated"))
    for metric, (title, axis) in axes.items():
        shown = (*data.methods, "oracle", "shuffled")
        drawn = [dots(data, own, name) for name in shown if (own := data.values(real, name, metric)).height]
        panels.append(Panel(title, rows(drawn, axis, title)))
    return panels
