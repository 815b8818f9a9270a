"""The study page: one row for each session, plane and recipe, whether it succeeded or failed."""

import math
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError
from pydantic import ValidationError

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table, write_text
from groundtrace.layout import Entry
from groundtrace.provenance import provenance
from groundtrace.report.html import number, render
from groundtrace.report.session import Figure
from groundtrace.report.warnings import median
from groundtrace.status import failure
from groundtrace.tables import Study, validate

REFERENCE_CELLS = 150
"""The √n line goes through this many neurons at ν = 1 % Hz^-1/2."""
LISTED = 24
"""Rows that are printed one by one."""
HEAD_BYTES = 2000
"""Of a session report; its number of warnings stands there."""


def write_study(entries: Sequence[Entry], page: Path | str, table: Path | str | None) -> None:
    """Write the study page and, unless None, the table Study."""
    rows = study_table(entries)
    write_text(page, render_study(rows))
    if table is not None:
        write_table(table, Study, rows, provenance("study", {}, ["polars"], []))


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
    types = {name: declared.dtype.type for name, declared in Study.to_schema().columns.items() if declared.dtype}
    return validate(Study, pl.DataFrame(rows, schema=types))


def study_row(entry: Entry) -> dict[str, Any]:
    """One row of the table Study; reads only columns that hold one number per ROI."""
    row: dict[str, Any] = dict.fromkeys(Study.to_schema().columns)
    row |= {
        "session": entry.session,
        "plane": entry.plane,
        "recipe": entry.recipe,
        "indicator": entry.indicator,
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


def render_study(table: pl.DataFrame, title: str = "Study") -> str:
    """The page as HTML: totals, noise against population size, and the table with a filter."""
    done = table["status"] == "done"
    columns = ["session", "plane", "recipe", "status", "indicator", "frame_rate", "duration", "rois", "cells"]
    columns += ["noise_level", "snr", "spike_rate", "expected_correlation", "residual_motion", "bad_frames"]
    columns += ["warnings", "reason", "report"]
    return render(
        "study.html",
        ("charts.js", "study.js"),
        {"columns": {name: table[name].to_list() for name in columns}, "referenceCells": REFERENCE_CELLS},
        title=title,
        rows=table.rows(named=True),
        figures=_totals(table),
        failed=int((~done).sum()),
        reference=REFERENCE_CELLS,
    )


def _totals(table: pl.DataFrame) -> list[Figure]:
    """Over all rows; a recording that several recipes analysed counts once in its duration."""
    done = table.filter(pl.col("status") == "done")
    planes = done.unique(["session", "plane"])
    hours = float(planes.group_by("session").agg(pl.col("duration").max())["duration"].sum()) / 3600
    failed = table.height - done.height
    rois, cells = (number(int(done[name].sum() or 0), 9) for name in ("rois", "cells"))
    noise = number(median(done["noise_level"]), 2)
    recorded = (number(hours), "h") if hours >= 1 else (number(60 * hours), "min")
    return [
        Figure("sessions", number(table["session"].n_unique(), 9), "", f"{number(table.height, 9)} rows in the table"),
        Figure("done", number(done.height, 9), "", "complete, with a report"),
        Figure("failed", number(failed, 9), "", "with reason and log below" if failed else "none"),
        Figure("cells", cells, "", f"accepted of {rois} ROIs"),
        Figure("recorded", *recorded, "sessions that are done"),
        Figure("noise level ν", noise, "%/√Hz", "median of the rows; above 8 only bursts show"),
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(path: Path, results: Path) -> str:
    return Path(os.path.relpath(path, results)).as_posix()
