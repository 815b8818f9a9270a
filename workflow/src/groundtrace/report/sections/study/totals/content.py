"""Totals of a study."""

from typing import Any

import polars as pl

from groundtrace.report.figure import Figure
from groundtrace.report.html import number, plural
from groundtrace.report.study import StudyInputs
from groundtrace.report.warning import median


def context(study: StudyInputs) -> dict[str, Any]:
    return {"figures": totals(study.table)}


def totals(table: pl.DataFrame) -> list[Figure]:
    """All over rows, but for the recordings: one that several recipes analysed counts once."""
    done = table.filter(pl.col("status") == "done")
    every = f"of {plural(table.height, 'row')}"
    failed = table.height - done.height
    rois, cells = (number(int(done[name].sum() or 0), 9) for name in ("rois", "cells"))
    noise = number(median(done["noise_level"]), 2)
    curated = int((done["curated"].fill_null(0) > 0).sum())
    hand = f"; {plural(curated, 'row')} with verdicts by hand" if curated else ""
    recordings = done.unique("session").height
    return [
        Figure("sessions", number(table["session"].n_unique(), 9), "", "in the table, done or not"),
        Figure("rows done", number(done.height, 9), "", f"{every}, one per session, plane and recipe"),
        Figure(
            "rows failed", number(failed, 9), "", f"{every}, with reason and log below" if failed else every, failed > 0
        ),
        Figure("cells", cells, "", f"accepted of {rois} ROIs, each recipe's counted{hand}"),
        Figure("recorded", *recorded(done), f"in the {plural(recordings, 'session')} with a row that is done"),
        Figure("noise level ν", noise, "%/√Hz", "median of the rows; above 8 only bursts show"),
    ]


def recorded(done: pl.DataFrame) -> tuple[str, str]:
    """Time of the recordings, and its unit."""
    hours = float(done.group_by("session").agg(pl.col("duration").max())["duration"].sum()) / 3600
    return (number(hours), "h") if hours >= 1 else (number(60 * hours), "min")
