"""The study page: one row for each session, plane and recipe, whether it succeeded or failed."""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError
from pydantic import ValidationError

from groundtrace.acquisition import Acquisition
from groundtrace.card import Card
from groundtrace.io import read_table, write_table, write_text
from groundtrace.notices import SEVERITIES
from groundtrace.provenance import provenance
from groundtrace.report.frame import render
from groundtrace.report.tables import Study, Warnings
from groundtrace.report.warning import median
from groundtrace.running.layout import Entry
from groundtrace.running.status import failure
from groundtrace.tables import Series, column, empty, validate

LISTED = 24
"""Rows that are printed one by one."""
TOLD = 12
"""Kinds of warnings that are printed."""


def write_study(
    entries: Sequence[Entry], page: Path | str, table: Path | str, warnings_table: Path | str | None = None
) -> None:
    """Write the study page, the table Study and, where given, Warnings."""
    rows, warnings = study_table(entries), study_warnings(entries)
    write_text(page, render_study(rows, warnings))
    made_by = provenance("study", {}, ["polars"], [])
    if warnings_table is not None:
        write_table(warnings_table, Warnings, warnings, made_by)
    write_table(table, study_class(entries), rows, made_by)


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
    return validate(table, pl.DataFrame(rows, schema=table.types()))


def study_row(entry: Entry) -> dict[str, Any]:
    """One row of the table Study; reads only columns that hold one number per ROI."""
    row: dict[str, Any] = dict.fromkeys(Study.columns)
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
    results = ("ingest", "spikes", "report") if entry.from_units else ("ingest", "motion", "dff", "spikes", "report")
    files = [entry.warnings, entry.card, *(entry.file(stage) for stage in results)]
    files += [] if entry.from_units else [entry.raw_quality]
    complete = all(file.exists() for file in files)
    try:
        if entry.file("ingest").exists():
            acquisition = Acquisition.read(entry.file("ingest"))
            duration = acquisition.frames / acquisition.frame_rate
            row |= {
                "frame_rate": acquisition.frame_rate,
                "duration": duration,
                "pixel_size": acquisition.pixel_size,
                "field_width": acquisition.pixel_size and acquisition.pixel_size * acquisition.width,
            }
        if complete:
            return row | (_of_units(entry) if entry.from_units else _results(entry))
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
    card = Card.model_validate_json(entry.card.read_bytes())
    return motion | {
        **{name: card.value(name) for name in ("lateral_width", "axial_width", "photon_rate")},
        "rois": traces.height,
        "cells": cells.height,
        "tracked": tracked_cells(entry),
        "curated": curated_share(read_table(entry.rois, ["kind", "curated"])),
        "noise_level": _known(median(cells["noise_level"])),
        "snr": _known(median(cells["snr"])),
        "spike_rate": _known(median(rates["mean_rate"])),
        "expected_correlation": _known(median(rates["expected_correlation"])),
        "warnings": serious(read_table(entry.warnings, ["severity"])).height,
    }


def tracked_cells(entry: Entry) -> int | None:
    """Accepted ROIs that are found in another session; None where no tracks are made."""
    if entry.tracks is None or not entry.tracks.exists():
        return None
    found = read_table(entry.tracks, ["session", "sessions"])
    return found.filter((pl.col("session") == entry.session) & (pl.col("sessions") > 1)).height


def _of_units(entry: Entry) -> dict[str, Any]:
    """Of a session that starts from sorted spikes: each unit is a cell."""
    units = read_table(entry.file("spikes"), ["mean_rate"])
    told = serious(read_table(entry.warnings, ["severity"])).height
    return {
        "frame_rate": None,
        "rois": units.height,
        "cells": units.height,
        "spike_rate": _known(median(units["mean_rate"])),
        "warnings": told,
    }


def curated_share(rois: pl.DataFrame) -> float:
    """Share of the ROIs of an extraction that a person decided on; a merged ROI is no further one."""
    found = rois.filter(pl.col("kind") != "merged")
    return float(found["curated"].sum()) / max(found.height, 1)


def study_warnings(entries: Sequence[Entry]) -> pl.DataFrame:
    """Table Warnings of all rows that have a page, the worst first, else in the order of `entries`."""
    made = [entry.warnings for entry in entries if entry.warnings.exists() and entry.file("report").exists()]
    made += [entry.encoding_warnings for entry in entries if entry.encoded and entry.encoding_warnings.exists()]
    found = pl.read_parquet(made) if made else empty(Warnings)
    return found.sort(pl.col("severity").replace_strict(SEVERITIES, range(len(SEVERITIES))), maintain_order=True)


def serious(warnings: pl.DataFrame) -> pl.DataFrame:
    """Those that are more than a note."""
    return warnings.filter(pl.col("severity") != "note")


def told(warnings: pl.DataFrame, listed: int = TOLD) -> str:
    """Lines for the terminal: each kind of warning with the number of its rows, and the first of them."""
    kinds = serious(warnings).group_by("severity", "step", "kind", maintain_order=True)
    rows = kinds.agg(pl.len(), pl.first("session", "plane", "recipe", "title")).iter_rows(named=True)
    lines = [
        f"  {row['severity']} {row['kind']} ({row['step']}), {row['len']:,} row{'s' * (row['len'] > 1)}: "
        f"{row['session']} plane {row['plane']} {row['recipe']}: {row['title']}"
        for row in rows
    ]
    more = [f"  and {len(lines) - listed} more kinds; the study page lists all"] if len(lines) > listed else []
    return "\n".join(["warnings:", *lines[:listed], *more]) if lines else ""


@dataclass(frozen=True)
class StudyInputs:
    """What the study page shows."""

    table: pl.DataFrame
    """The table Study."""
    warnings: pl.DataFrame
    """The table Warnings."""
    title: str


def render_study(table: pl.DataFrame, warnings: pl.DataFrame | None = None, title: str = "Study") -> str:
    """The page as HTML: totals, warnings, noise against population size, and the table with a filter."""
    return render("study", StudyInputs(table, empty(Warnings) if warnings is None else warnings, title), title)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(path: Path, results: Path) -> str:
    return Path(os.path.relpath(path, results)).as_posix()
