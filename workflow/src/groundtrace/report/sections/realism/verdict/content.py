"""Which statistics of which simulated planes are like the real ones."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.report.html import number
from groundtrace.report.realism import RealismInputs, plane_name
from groundtrace.simulation.realism import STATISTICS, Statistic


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


def context(given: RealismInputs) -> dict[str, Any]:
    planes = given.found.group_by("session", "plane", maintain_order=True)
    boards = [board(str(key[0]), int(key[1]), part) for key, part in planes]
    counts = [each.inside for each in boards]
    return {
        "statistics": STATISTICS,
        "fewest": min(counts, default=None),
        "most": max(counts, default=None),
        "verdicts": [verdict(one, given.found, given.judged) for one in STATISTICS] if boards else [],
        "boards": boards,
    }


def board(session: str, plane: int, part: pl.DataFrame) -> Board:
    marks = dict(part.select("statistic", "inside").iter_rows())
    return Board(
        plane_name(session, plane), sum(mark is True for mark in marks.values()), [marks[s.name] for s in STATISTICS]
    )


def verdict(statistic: Statistic, found: pl.DataFrame, judged: pl.DataFrame) -> Verdict:
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
