"""Which recipe for each recording, and what that rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.benchmark.suggest import FAR, QUANTITIES
from groundtrace.report.html import number
from groundtrace.report.suggest import SuggestInputs


@dataclass(frozen=True)
class Quantity:
    """One measured quantity of a recording beside its range over the simulated sessions."""

    label: str
    unit: str
    value: str
    low: str
    high: str
    outside: bool


@dataclass(frozen=True)
class Advice:
    """One recording."""

    title: str
    quantities: list[Quantity]
    warning: str
    """Empty when there are simulated sessions like it."""
    rows: list[dict[str, Any]]
    """Rows of the table Suggestion, best first."""
    tied: list[str]
    """Recipes that cannot be told from the first."""


def context(given: SuggestInputs) -> dict[str, Any]:
    planes = given.table.partition_by("session", "plane", maintain_order=True)
    return {"advice": [advise(plane, given.simulated) for plane in planes]}


def advise(plane: pl.DataFrame, simulated: pl.DataFrame) -> Advice:
    """plane: rows of one recording."""
    rows = plane.sort("rank").rows(named=True)
    first = rows[0]
    outside = [name for name in first["outside"].split(", ") if name]
    quantities = []
    for name, (label, unit) in QUANTITIES.items():
        values = simulated[name].drop_nulls().to_list()
        ends = (number(min(values)), number(max(values))) if values else ("–", "–")
        quantities.append(Quantity(label, unit, number(first[name]), *ends, name in outside))
    apart = (row for row in rows[1:] if row["behind_low"] is not None and not row["left_motion"])
    tied = [row["recipe"] for row in apart if row["behind_low"] <= 0]
    title = f"{first['session']}, plane {first['plane']}"
    return Advice(title, quantities, warn(quantities, first["distance"]), rows, tied)


def warn(quantities: Sequence[Quantity], distance: float) -> str:
    """Why the suggestion is not to be relied on."""
    outside = [q for q in quantities if q.outside]
    if outside:
        named = "; ".join(f"{q.label} is {q.value} {q.unit}, simulated were {q.low} to {q.high}" for q in outside)
        return f"No simulated session is like this recording: {named}. Simulate sessions like it and run the benchmark."
    if distance > FAR:
        return (
            "No simulated session is like this recording: each quantity is within the simulated range, but not their "
            f"combination (the nearest session is {number(distance, 2)} standard deviations away)."
        )
    return ""
