"""Each statistic of real and simulated planes side by side."""

from typing import Any

import numpy as np
import polars as pl

from groundtrace.report.realism import RealismInputs, plane_name
from groundtrace.report.svg import Axis, Line, Panel, Row, lines, rows
from groundtrace.simulation.realism import STATISTICS, Statistic

REAL, SIMULATED = "accent", "spike"
"""Colours."""


def context(given: RealismInputs) -> dict[str, Any]:
    return {
        "panels": [panel(statistic, given.table, given.judged) for statistic in STATISTICS],
        "legend": [("real", REAL), ("simulated", SIMULATED)],
    }


def panel(statistic: Statistic, table: pl.DataFrame, judged: pl.DataFrame) -> Panel:
    own = table.filter(pl.col("statistic") == statistic.name, "judged")
    names = own["point"].unique(maintain_order=True).to_list()
    bounds = judged.filter(pl.col("statistic") == statistic.name, "judged").select("real_low", "real_high")
    columns = [*(own[name] for name in ("value", "low", "high")), *bounds.iter_columns()]
    values = np.concatenate([column.drop_nulls().to_numpy() for column in columns])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    margin = 0.08 * (high - low) or 0.1
    label = f"{statistic.label} of real and simulated planes"
    if len(names) == 1:
        chart = rows(plane_rows(own), Axis(statistic.label, low - margin, high + margin), label, left=170)
    else:
        places = [float(k) for k in range(len(names))]
        x = Axis("", 0, len(names) - 1, ticks=places, names=[tick(name) for name in names])
        chart = lines(plane_lines(own, names), x, Axis(statistic.label, low - margin, high + margin), label)
    return Panel(statistic.label, chart, statistic.meaning)


def plane_rows(own: pl.DataFrame) -> list[Row]:
    """A dot at each end of a plane's own range, a bar at its value."""
    found = []
    for row in own.sort("simulated", maintain_order=True).iter_rows(named=True):
        if row["value"] is not None:
            ends = [end for end in (row["low"], row["high"]) if end is not None]
            colour = SIMULATED if row["simulated"] else REAL
            names = ("low", "high")[: len(ends)]
            found.append(Row(plane_name(row["session"], row["plane"]), colour, ends, names, (), row["value"]))
    return found


def plane_lines(own: pl.DataFrame, names: list[str]) -> list[Line]:
    found = []
    for (session, plane, simulated), part in own.group_by("session", "plane", "simulated", maintain_order=True):
        part = part.drop_nulls("value").with_columns(pl.col("low", "high").fill_null(pl.col("value")))
        x = [float(names.index(point)) for point in part["point"]]
        ends = (part["low"].to_list(), part["high"].to_list())
        colour = SIMULATED if simulated else REAL
        found.append(
            Line(plane_name(str(session), int(plane)), colour, x, part["value"].to_list(), *ends, dashed=simulated)
        )  # pyright: ignore
    return found


def tick(point: str) -> str:
    """Short name of a point along a curve."""
    return point.split(" to ")[0].replace("over ", "> ").removesuffix(" px")
