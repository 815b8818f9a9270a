"""Scores against noise."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark
from groundtrace.report.sections.benchmark.sweeps import same_neurons, sweep


def context(data: Benchmark) -> dict[str, Any]:
    return {
        "noise": sweep(data, same_neurons(data, "noise_level"), "noise_level", "noise level ν (%/√Hz)"),
        "snr": sweep(data, snr_rows(data), "snr", "dF/F of one spike / noise per frame", log=True),
    }


def snr_rows(data: Benchmark) -> pl.DataFrame:
    chosen = pl.col("snr").is_not_null() & pl.col("indicator_told") & pl.col("lookahead").is_null()
    return data.table.filter(chosen, ~pl.col("simulated"))
