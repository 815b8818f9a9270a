"""How much was scored."""

from typing import Any

import polars as pl

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.report.benchmark import Benchmark
from groundtrace.report.figure import Figure
from groundtrace.report.html import number


def context(data: Benchmark) -> dict[str, Any]:
    return {"figures": totals(data)}


def totals(data: Benchmark) -> list[Figure]:
    known = data.centre.filter(pl.col("backend") == "oracle")
    total = {name: float(known.filter(pl.col("metric") == name)["value"].sum()) for name in ("spikes", "duration")}
    scored = known.filter(pl.col("metric") == "correlation").select("dataset", "neuron", "simulated").unique()
    real = scored.filter(~pl.col("simulated"))
    rate, level = number(data.parameters.frame_rate), number(data.parameters.noise_level)
    return [
        Figure("neurons", number(real.height, 9), "", f"real ones, scored at {rate} Hz and ν = {level} %/√Hz"),
        Figure("data sets", number(real["dataset"].n_unique(), 9), "", "real ones"),
        Figure("simulated", number(scored.height - real.height, 9), "", "neurons, kept apart"),
        Figure("imaged", number(total["duration"] / 3600), "h", "with an electrode on the cell"),
        Figure("spikes", number(total["spikes"], 9), "", "seen by the electrode while imaging"),
        Figure("methods", number(len(data.backends), 9), "", f"and {len(CONTROLS)} do-nothing controls"),
    ]
