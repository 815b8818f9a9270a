"""Scores with and without the name of the indicator."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import CORRELATION, Benchmark, dots, near
from groundtrace.report.svg import Panel, rows


def context(data: Benchmark) -> dict[str, Any]:
    return {"panels": told_and_not(data)}


def told_and_not(data: Benchmark) -> list[Panel]:
    """r with and without the name of the indicator."""
    p = data.parameters
    real = data.table.filter(~pl.col("simulated"), pl.col("snr").is_null(), pl.col("lookahead").is_null())
    real = real.filter(near("frame_rate", p.frame_rate), near("noise_level", p.noise_level))
    drawn = []
    for backend in data.backends:
        for told in (True, False):
            own = data.values(real.filter(pl.col("indicator_told") == told), backend, "correlation")
            if own.height:
                drawn.append(dots(data, own, backend, f"{backend}, {'told' if told else 'not told'}"))
    return [Panel("Pearson r", rows(drawn, CORRELATION, "Correlation with and without the indicator", left=150))]
