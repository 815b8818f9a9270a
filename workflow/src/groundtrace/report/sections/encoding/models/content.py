"""Scores of every model and of the controls."""

from typing import Any

import numpy as np
import polars as pl

from groundtrace.report import svg
from groundtrace.report.encoding import CONTROLS, EncodingInputs, with_error
from groundtrace.report.html import number
from groundtrace.report.warning import median

EXPLAINED = 0.15
"""Explainable share of the variance from which FEVE is asked of a cell."""
SCORES = {
    "normalised": "correlation over its ceiling (CCnorm)",
    "correlation": "correlation with mean responses",
    "feve": "fraction of explainable variance (FEVE)",
}


def context(given: EncodingInputs) -> dict[str, Any] | None:
    if not given.models:
        return None
    reliable = given.reliability.filter(pl.col("explainable") >= EXPLAINED)["roi"]
    rows = []
    for name in (*given.models, *CONTROLS):
        own = given.scores.filter(model=name)
        kept = own.filter(pl.col("roi").is_in(reliable.implode()))
        row = {"model": name, "control": name in CONTROLS, "kept": kept.height}
        for score in SCORES:
            row[score] = _median(kept if score == "feve" else own, score)
        rows.append(row)
    return {
        "rows": rows,
        "charts": [_chart(given, score, label) for score, label in SCORES.items()],
        "explained": EXPLAINED,
    }


def _median(table: pl.DataFrame, score: str) -> str:
    """Median over cells, and the median error of one cell."""
    known = table.filter(pl.col(score).is_not_null())
    return with_error(median(known[score]), median(known[f"{score}_error"])) if known.height else "–"


def _chart(given: EncodingInputs, score: str, label: str) -> dict[str, Any]:
    rows = []
    for k, name in enumerate((*given.models, *CONTROLS)):
        own = given.scores.filter(model=name)
        values = own[score].fill_null(np.nan).to_numpy()
        known = values[np.isfinite(values)]
        names = [
            f"{name}, ROI {roi}, ± {number(error, 1)}"
            for roi, error in zip(own["roi"], own[f"{score}_error"], strict=True)
        ]
        middle = float(np.median(known)) if len(known) else np.nan
        rows.append(svg.Row(name, svg.PALETTE[k % len(svg.PALETTE)], values.tolist(), names, middle=middle))
    axis = svg.Axis("", -0.5, 1.2, marks=(0, 1))
    return {"title": label, "chart": svg.rows(rows, axis, f"{label} of each cell, by model")}
