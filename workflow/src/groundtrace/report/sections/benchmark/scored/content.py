"""What was scored and what was not."""

from typing import Any

import polars as pl

from groundtrace.report.benchmark import Benchmark


def context(data: Benchmark) -> dict[str, Any]:
    return {"rows": excluded(data)}


def excluded(data: Benchmark) -> list[dict[str, Any]]:
    """What was scored and what was not, per data set, at the leaderboard's point."""
    names = ["recordings", "recordings_too_slow", "recordings_too_noisy", "spikes", "duration"]
    counted = data.centre.filter(pl.col("backend") == "oracle", pl.col("metric").is_in(names))
    if counted.is_empty():
        return []
    sums = counted.group_by("dataset", "indicator", "cell_class", "metric").agg(pl.col("value").sum())
    wide = sums.pivot(on="metric", index=["dataset", "indicator", "cell_class"], values="value").sort("dataset")
    scored = data.centre.filter(pl.col("backend") == "oracle", pl.col("metric") == "correlation")
    neurons = scored.group_by("dataset").agg(pl.col("neuron").n_unique().alias("neurons"))
    learnt = {name: data.learnt(name) for name in data.backends}
    table = wide.join(neurons, on="dataset", how="left").with_columns(pl.col("neurons").fill_null(0))
    return [
        row | {"learnt": ", ".join(name for name, seen in learnt.items() if row["dataset"] in seen)}
        for row in table.iter_rows(named=True)
    ]
