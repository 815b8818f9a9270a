"""The study page: one row for each session, plane and recipe, whether it succeeded or failed."""

import math
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pandera.typing.polars import Series
from polars.exceptions import PolarsError
from pydantic import ValidationError

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table, write_text
from groundtrace.provenance import provenance
from groundtrace.report.frame import render
from groundtrace.report.tables import Study
from groundtrace.report.warning import median
from groundtrace.running.layout import Entry
from groundtrace.running.status import failure
from groundtrace.tables import column, validate

LISTED = 24
"""Rows that are printed one by one."""
HEAD_BYTES = 2000
"""Bytes of a session report in which its number of warnings stands."""


def write_study(entries: Sequence[Entry], page: Path | str, table: Path | str) -> None:
    """Write the study page and the table Study."""
    rows = study_table(entries)
    write_text(page, render_study(rows))
    write_table(table, study_class(entries), rows, provenance("study", {}, ["polars"], []))


def study_class(entries: Sequence[Entry]) -> type[Study]:
    """The table Study; with the sheet's own columns, where it has some."""
    names = list(dict.fromkeys(name for entry in entries for name in labels(entry)))
    fields = {name: column("", "column of the sheet", nullable=True) for name in names}
    own = {"__module__": __name__, "__annotations__": dict.fromkeys(names, Series[str])}
    return type("Study", (Study,), own | fields) if names else Study


def labels(entry: Entry) -> dict[str, str]:
    return {f"sheet_{name}": value for name, value in entry.labels.items()}


def summary(table: Path | str) -> str:
    """One line per session, plane and recipe, for the terminal; of a long study its totals."""
    rows, lines = read_table(table), []
    if rows.height > LISTED:
        cells, warned = int(rows["cells"].sum()), int((rows["warnings"] > 0).sum())
        return f"  {rows.height:,} rows are done: {cells:,} cells; {warned:,} pages with warnings"
    for row in rows.iter_rows(named=True):
        where = f"{row['session']} plane {row['plane']} {row['recipe']}"
        known = {key: "unknown" if row[key] is None else f"{row[key]:.2f}" for key in ("noise_level", "spike_rate")}
        lines.append(
            f"  {where}: {row['cells']} cells of {row['rois']} ROIs, median ν {known['noise_level']} % Hz^-1/2, "
            f"median rate {known['spike_rate']} Hz, {row['warnings']} warning(s)"
        )
    return "\n".join(lines)


def study_table(entries: Sequence[Entry]) -> pl.DataFrame:
    """Table Study, in the order of `entries`."""
    # Reading waits for the disk, above all for a network's.
    with ThreadPoolExecutor(max_workers=8) as pool:
        rows = list(pool.map(study_row, entries))
    table = study_class(entries)
    types = {name: declared.dtype.type for name, declared in table.to_schema().columns.items() if declared.dtype}
    return validate(table, pl.DataFrame(rows, schema=types))


def study_row(entry: Entry) -> dict[str, Any]:
    """One row of the table Study; reads only columns that hold one number per ROI."""
    row: dict[str, Any] = dict.fromkeys(Study.to_schema().columns)
    row |= {
        "session": entry.session,
        "plane": entry.plane,
        "recipe": entry.recipe,
        **entry.methods,
        "indicator": entry.indicator,
        **labels(entry),
        "status": "done",
        "reason": "",
        "log": "",
        "report": _relative(entry.file("report"), entry.results),
    }
    results = ("ingest", "motion", "dff", "spikes", "report")
    complete = entry.raw_quality.exists() and all(entry.file(stage).exists() for stage in results)
    try:
        if entry.file("ingest").exists():
            acquisition = Acquisition.read(entry.file("ingest"))
            duration = acquisition.frames / acquisition.frame_rate
            row |= {"frame_rate": acquisition.frame_rate, "duration": duration}
        if complete:
            return row | _results(entry)
        reason, log = failure([step.log for step in entry.steps])
        if not entry.can_be_made:
            reason, log = f"its raw data are gone ({entry.missing}), and of this recipe there are no results", None
    except (OSError, ValueError, ValidationError, PolarsError) as error:
        # One unreadable file must not take the other sessions' page with it.
        reason, log = f"a result cannot be read ({error}); delete the folder of this plane and run again", None
    where = _relative(log, entry.results) if log else ""
    return row | {"status": "failed", "reason": reason, "log": where, "report": ""}


def _results(entry: Entry) -> dict[str, Any]:
    traces = read_table(entry.file("dff"), ["accepted", "noise_level", "snr"])
    rates = read_table(entry.file("spikes"), ["accepted", "mean_rate", "expected_correlation"]).filter(
        pl.col("accepted")
    )
    motion = read_table(entry.file("motion"), ["residual_motion", "bad_frames"]).row(0, named=True)
    cells = traces.filter(pl.col("accepted"))
    return motion | {
        "rois": traces.height,
        "cells": cells.height,
        "noise_level": _known(median(cells["noise_level"])),
        "snr": _known(median(cells["snr"])),
        "spike_rate": _known(median(rates["mean_rate"])),
        "expected_correlation": _known(median(rates["expected_correlation"])),
        "warnings": report_warnings(entry.file("report")),
    }


def report_warnings(report: Path) -> int | None:
    """The number of warnings that a session report states in its head."""
    with report.open("rb") as file:
        found = re.search(rb'<meta name="groundtrace-warnings" content="(\d+)">', file.read(HEAD_BYTES))
    return int(found[1]) if found else None


@dataclass(frozen=True)
class StudyInputs:
    """What the study page shows."""

    table: pl.DataFrame
    """The table Study."""
    title: str


def render_study(table: pl.DataFrame, title: str = "Study") -> str:
    """The page as HTML: totals, noise against population size, and the table with a filter."""
    return render("study", StudyInputs(table, title), title)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(path: Path, results: Path) -> str:
    return Path(os.path.relpath(path, results)).as_posix()
