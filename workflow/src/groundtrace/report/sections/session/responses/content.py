"""Responses to stimuli."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.io import read_provenance, read_table
from groundtrace.report.html import number, plural
from groundtrace.report.sections.session.responses.pictures import alike, around_onsets, by_repeat
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.tables import OURS

BEST = 12
"""Cells that are shown one by one."""
TUNED, EXPLAINED = 0.05, 0.15
"""p below which a cell counts as responding; explainable share from which an encoding model of it can be judged."""
FEWEST, HARDLY = 10, 2.0
"""Cells from which on it is said when hardly any respond: no more than this many times as by chance."""
POINTS = ("roi", "oracle", "oracle_error", "variance", "entropy", "explainable", "tuning_p", "selected", "outlier")


@dataclass(frozen=True)
class Loaded:
    """Tables of responses, and with which parameters they were made."""

    presentations: pl.DataFrame
    responses: pl.DataFrame
    reliability: pl.DataFrame
    tuning: pl.DataFrame
    parameters: ResponseParameters

    @property
    def cells(self) -> pl.DataFrame:
        """Rows of Reliability of the cells, the most reliable first, with their place in the tables."""
        placed = self.reliability.with_row_index("place").filter("accepted")
        return placed.sort("oracle", descending=True, nulls_last=True, maintain_order=True)

    def values(self, place: int) -> FloatArray:
        """(n_presentations,) responses of a ROI."""
        return self.responses["response"][place].to_numpy()


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> Loaded:
    names = ("presentations", "responses", "reliability", "tuning")
    history = read_provenance(paths["responses"])["history"]
    parameters = next(step["parameters"] for step in history if step["step"] == "responses")
    tables = {name: read_table(paths[name]) for name in names}
    return Loaded(**tables, parameters=ResponseParameters(**parameters))


def context(inputs: SessionInputs) -> dict[str, Any] | None:
    loaded: Loaded | None = inputs.loaded.get("responses")
    if loaded is None:
        return None
    cells, shown = loaded.cells, loaded.presentations.filter(pl.col("condition").is_not_null())
    repeats = np.bincount(shown["condition"].to_numpy())
    least, most = (number(int(found), 9) for found in (repeats.min(), repeats.max()))
    lasting = loaded.parameters.duration
    return {
        "cells": cells.height,
        "responding": int((cells["tuning_p"] < TUNED).sum()),
        "chance": number(TUNED * cells.height, 2),
        "kept": int((cells["explainable"] >= EXPLAINED).sum()),
        "selected": int(cells["selected"].sum()),
        "outliers": int(cells["outlier"].sum()),
        "shown": plural(shown.height, "presentation"),
        "grey": loaded.presentations.height - shown.height,
        "conditions": plural(len(repeats), "condition"),
        "repeats": least if least == most else f"{least} to {most}",
        "window": f"{number(loaded.parameters.latency)} s after the start of a presentation, for "
        + (f"{number(lasting)} s" if lasting else "as long as it lasts"),
        "numbers": loaded.tuning["parameter"].unique(maintain_order=True).to_list(),
    }


def data(inputs: SessionInputs) -> dict[str, Any]:
    loaded: Loaded = inputs.loaded["responses"]
    cells = loaded.cells
    best = cells.head(BEST)
    found: dict[str, Any] = {name: cells[name].to_numpy() for name in POINTS}
    found |= {"place": cells["place"].to_numpy(), "names": names_of(loaded.presentations)}
    found |= {"axis": axis_of(loaded.presentations)}
    found |= {"alike": alike(loaded, cells), "best": [_cell(inputs, loaded, row) for row in best.iter_rows(named=True)]}
    return {"responses": found}


def _cell(inputs: SessionInputs, loaded: Loaded, row: Mapping[str, Any]) -> dict[str, Any]:
    place = row["place"]
    tuned = loaded.tuning.filter(roi=row["roi"])
    return {
        "roi": row["roi"],
        "place": place,
        "oracle": _with_error(row, "oracle"),
        "corrected": _with_error(row, "oracle_corrected") if row["oracle_corrected"] is not None else None,
        "onsets": around_onsets(inputs, loaded, place),
        "matrix": by_repeat(loaded, place),
        "tuning": [_curve(curve) for curve in tuned.iter_rows(named=True)],
    }


def _with_error(row: Mapping[str, Any], name: str) -> str:
    error = row[f"{name}_error"]
    return number(row[name], 2) + (f" ± {number(error, 1)}" if error is not None else "")


def _curve(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {
        name: f"{number(row[name], 2)} ± {number(row[f'{name}_error'], 2)}" if row[name] is not None else "–"
        for name in ("preferred", "selectivity")
    }
    lists = {"value": row["value"], "response": row["response"], "error": row["response_error"]}
    peak = {"at": row["preferred"], "within": row["preferred_error"]}
    return {"name": row["parameter"], "period": row["period"], **lists, **peak, **texts}


def axis_of(presentations: pl.DataFrame) -> dict[str, Any]:
    """What tells conditions apart, and its value of each of them; their number where it is more than one thing."""
    shown = presentations.filter(pl.col("condition").is_not_null())
    kinds = shown.group_by("condition").agg(pl.all().first()).sort("condition")
    same = shown.group_by("condition").agg(pl.exclude("condition").n_unique() == 1)
    told = [
        name
        for name in presentations.columns
        if name not in (*OURS, "start_time", "stop_time", "start_frame", "stop_frame")
        and same[name].all()
        and kinds[name].n_unique() > 1
    ]
    own = next((name for name in told if len(told) == 1 or kinds[name].n_unique() == kinds.height), None)
    if own is None:
        return {"label": "condition", "values": [str(number) for number in kinds["condition"]]}
    values = [number(value, 4) if isinstance(value, float) else str(value or "grey") for value in kinds[own]]
    return {"label": own.replace("_", " "), "values": values}


def names_of(presentations: pl.DataFrame) -> list[str]:
    """What each condition is: stimulus, image, and numbers that are the same in all its presentations."""
    ours = ("presentation", "condition", "repeat", "start_time", "stop_time", "start_frame", "stop_frame")
    numbers = [name for name, kind in presentations.schema.items() if kind.is_numeric() and name not in ours]
    named = presentations.filter(pl.col("condition").is_not_null()).group_by("condition")
    named = named.agg(
        pl.col("stimulus", "image", *numbers).first(), *(pl.col(name).n_unique().alias(f"{name}|") for name in numbers)
    )
    kept = [name for name in numbers if named[f"{name}|"].max() == 1]
    rows = named.sort("condition").iter_rows(named=True)
    return [
        ", ".join(
            [row["stimulus"] if row["image"] is None else f"{row['stimulus']} {row['image']}"]
            + [f"{name} {number(row[name])}" for name in kept if row[name] is not None]
        )
        for row in rows
    ]


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    loaded: Loaded | None = inputs.loaded.get("responses")
    if loaded is None:
        return
    told = loaded.cells["tuning_p"].drop_nulls().drop_nans()
    responding = int((told < TUNED).sum())
    if len(told) >= FEWEST and responding <= HARDLY * TUNED * len(told):
        yield Warning(
            "warning",
            f"{responding} of {len(told)} cells respond differently to different stimuli, hardly more than by chance",
            "Either nothing that was shown drives these cells, or the times of presentations are not on the clock of "
            "the imaging.",
            "Check that times in the file of stimuli are seconds from the first frame of this recording, and that the "
            "window (responses.latency, responses.duration) is where responses are.",
            kind="hardly_responding",
        )
