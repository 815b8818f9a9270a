"""The leaderboard."""

import math
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.report.benchmark import Benchmark
from groundtrace.report.svg import Axis, interval

COLUMNS = (
    ("correlation", "r", "Pearson correlation of rate and truth, both smoothed"),
    ("correlation_as_given", "r, as given", "the same, with the method's rate not smoothed again"),
    ("error", "error", "Σ|p−g| / Σg; 1 for no spikes at all"),
    ("bias", "bias", "Σ(p−g) / Σg; −1 for no spikes at all"),
    ("count_ratio", "counts", "Σp / Σg; 1 is right"),
    ("spikefinder", "Spikefinder", "Pearson correlation in bins of 40 ms"),
    ("victor_purpura", "Victor–Purpura", "per spike; 0 for the right times, 1 when none has a partner"),
    ("van_rossum", "van Rossum", "squared, per spike; 0 for the right times"),
)


@dataclass(frozen=True)
class Standing:
    """One row of the leaderboard: medians over neurons with their intervals."""

    backend: str
    note: str
    colour: str
    neurons: int
    values: dict[str, tuple[float, float, float]]
    bar: Markup
    speed: float
    """Frames per CPU second."""


def context(data: Benchmark) -> dict[str, Any]:
    return {
        "columns": COLUMNS,
        "real": leaderboard(data, simulated=False),
        "simulated": leaderboard(data, simulated=True),
    }


def leaderboard(data: Benchmark, *, simulated: bool) -> list[Standing]:
    """Best first; a method that has learnt from some data sets has a second row without them."""
    centre = data.centre.filter(pl.col("simulated") == simulated)
    found = []
    for backend in (*data.backends, *CONTROLS):
        own = centre.filter(pl.col("backend") == backend)
        learnt = data.learnt(backend) & set(own["dataset"])
        note = f"has learnt from {len(learnt)} of these data sets" if learnt else ""
        found.append(standing(data, own, backend, note))
        if learnt and learnt != set(own["dataset"]):
            rest = own.filter(~pl.col("dataset").is_in(list(learnt)))
            found.append(standing(data, rest, backend, "only data sets it has not learnt from"))
    return sorted((row for row in found if row.neurons), key=lambda row: -row.values["correlation"][0])


def standing(data: Benchmark, own: pl.DataFrame, backend: str, note: str) -> Standing:
    values = {
        metric: data.median(data.values(own, backend, metric), f"{backend} {metric} {note}") for metric, *_ in COLUMNS
    }
    speed = data.timing.filter(pl.col("backend") == backend, pl.col("seconds") > 0)
    frames = float(speed["frames"].sum()) / float(speed["seconds"].sum()) if speed.height else math.nan
    colour = data.colours[backend]
    bar = interval(*values["correlation"], colour, Axis("", 0, 1), 100) if own.height else Markup("")
    neurons = data.values(own, backend, "correlation").height
    return Standing(data.name(backend), note, colour, neurons, values, bar, frames)
