"""The page that compares simulated sessions with real ones."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.report.html import number, render
from groundtrace.report.svg import Axis, Line, Panel, Row, lines, rows
from groundtrace.simulation.realism import STATISTICS, Statistic, judge, verdicts

REAL, SIMULATED = "accent", "spike"
"""Colours."""


@dataclass(frozen=True)
class Verdict:
    """One statistic over all simulated planes."""

    label: str
    meaning: str
    inside: int
    measured: int
    worst: str
    """Largest misfit and where."""


@dataclass(frozen=True)
class Board:
    """One simulated plane."""

    name: str
    inside: int
    marks: list[bool | None]
    """Per statistic; None where it could not be measured."""


def render_realism(table: pl.DataFrame) -> str:
    """The page as HTML, from the table Realism of all planes; raises InputError without a real recording."""
    judged = judge(table)
    found = verdicts(judged)
    boards = [
        _board(str(key[0]), int(key[1]), part) for key, part in found.group_by("session", "plane", maintain_order=True)
    ]
    counts = [board.inside for board in boards]
    return render(
        "realism.html",
        ("benchmark.js",),
        {},
        title="Are the simulated recordings like the real ones?",
        statistics=STATISTICS,
        real=[_name(*key) for key in _planes(table.filter(~pl.col("simulated")))],
        fewest=min(counts, default=None),
        most=max(counts, default=None),
        verdicts=[_verdict(statistic, found, judged) for statistic in STATISTICS] if boards else [],
        boards=boards,
        panels=[_panel(statistic, table, judged) for statistic in STATISTICS],
        points=_points(table, judged),
        legend=[("real", REAL), ("simulated", SIMULATED)],
    )


def _name(session: str, plane: int) -> str:
    return f"{session}, plane {plane}"


def _planes(table: pl.DataFrame) -> list[tuple[str, int]]:
    return table.select("session", "plane").unique(maintain_order=True).rows()


def _board(session: str, plane: int, part: pl.DataFrame) -> Board:
    marks = dict(part.select("statistic", "inside").iter_rows())
    return Board(
        _name(session, plane), sum(mark is True for mark in marks.values()), [marks[s.name] for s in STATISTICS]
    )


def _verdict(statistic: Statistic, found: pl.DataFrame, judged: pl.DataFrame) -> Verdict:
    own = found.filter(pl.col("statistic") == statistic.name)
    points = judged.filter(pl.col("statistic") == statistic.name, "judged", pl.col("misfit") > 0)
    worst = points.sort("misfit", descending=True).head(1)
    text = "–"
    if worst.height:
        row = worst.row(0, named=True)
        low, high = number(row["real_low"]), number(row["real_high"])
        text = f"{number(row['value'])} at {row['point']}, real {low} to {high} (misfit {number(row['misfit'], 2)})"
    inside = own["inside"].drop_nulls()
    return Verdict(statistic.label, statistic.meaning, int(inside.sum()), len(inside), text)


def _panel(statistic: Statistic, table: pl.DataFrame, judged: pl.DataFrame) -> Panel:
    own = table.filter(pl.col("statistic") == statistic.name, "judged")
    names = own["point"].unique(maintain_order=True).to_list()
    bounds = judged.filter(pl.col("statistic") == statistic.name, "judged").select("real_low", "real_high")
    columns = [*(own[name] for name in ("value", "low", "high")), *bounds.iter_columns()]
    values = np.concatenate([column.drop_nulls().to_numpy() for column in columns])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    margin = 0.08 * (high - low) or 0.1
    label = f"{statistic.label} of real and simulated planes"
    if len(names) == 1:
        chart = rows(_rows(own), Axis(statistic.label, low - margin, high + margin), label, left=170)
    else:
        places = [float(k) for k in range(len(names))]
        x = Axis("", 0, len(names) - 1, ticks=places, names=[_tick(name) for name in names])
        chart = lines(_lines(own, names), x, Axis(statistic.label, low - margin, high + margin), label)
    return Panel(statistic.label, chart, statistic.meaning)


def _rows(own: pl.DataFrame) -> list[Row]:
    """A dot at each end of a plane's own range, a bar at its value."""
    found = []
    for row in own.sort("simulated", maintain_order=True).iter_rows(named=True):
        if row["value"] is not None:
            ends = [end for end in (row["low"], row["high"]) if end is not None]
            colour = SIMULATED if row["simulated"] else REAL
            names = ("low", "high")[: len(ends)]
            found.append(Row(_name(row["session"], row["plane"]), colour, ends, names, (), row["value"]))
    return found


def _lines(own: pl.DataFrame, names: list[str]) -> list[Line]:
    found = []
    for (session, plane, simulated), part in own.group_by("session", "plane", "simulated", maintain_order=True):
        part = part.drop_nulls("value").with_columns(pl.col("low", "high").fill_null(pl.col("value")))
        x = [float(names.index(point)) for point in part["point"]]
        ends = (part["low"].to_list(), part["high"].to_list())
        colour = SIMULATED if simulated else REAL
        found.append(Line(_name(str(session), int(plane)), colour, x, part["value"].to_list(), *ends, dashed=simulated))  # pyright: ignore
    return found


def _points(table: pl.DataFrame, judged: pl.DataFrame) -> list[dict]:
    """Numbers behind the charts: each point of every real plane, and the simulated ones from smallest to largest."""
    real = table.filter(~pl.col("simulated"))
    labels = {statistic.name: statistic.label for statistic in STATISTICS}
    shown = []
    for key, part in real.group_by("statistic", "point", maintain_order=True):
        own = judged.filter(pl.col("statistic") == key[0], pl.col("point") == key[1])
        ends = own.select("real_low", "real_high").row(0) if own.height else (None, None)
        measured = own.drop_nulls("value")
        simulated, misfit = (measured[name].to_numpy() for name in ("value", "misfit"))
        shown.append(
            {
                "label": labels[str(key[0])],
                "point": key[1],
                "real": [number(value) for value in part["value"]],
                "range": tuple(map(number, ends)),
                "simulated": _extent(simulated),
                "misfit": number(float(misfit.max()), 2) if misfit.size else "–",
                "inside": f"{int(measured['inside'].sum())} of {measured.height}",
                "judged": bool(part["judged"][0]),
            }
        )
    return shown


def _extent(values: np.ndarray) -> tuple[str, str, str]:
    """Smallest, median, largest."""
    if not values.size:
        return "–", "–", "–"
    return number(float(values.min())), number(float(np.median(values))), number(float(values.max()))


def _tick(point: str) -> str:
    """Short name of a point along a curve."""
    return point.split(" to ")[0].replace("over ", "> ").removesuffix(" px")
