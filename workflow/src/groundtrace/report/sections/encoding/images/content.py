"""Metrics of most exciting images, each with its error."""

from typing import Any

from groundtrace.report.encoding import EncodingInputs, with_error
from groundtrace.report.html import number

COLUMNS = {
    "orientation": "orientation, °",
    "frequency": "frequency, cycles/px",
    "size": "size, px",
    "luminance": "luminance",
    "local_rms": "RMS contrast",
    "symmetry_1": "1-fold symmetry",
    "symmetry_2": "2-fold symmetry",
    "gabor_similarity": "likeness to best Gabor",
}


def context(given: EncodingInputs) -> dict[str, Any] | None:
    if given.images.is_empty():
        return None
    rows = [
        {
            "roi": row["roi"],
            "model": row["model"],
            "whole": f"{number(row['mean'])}, {number(row['rms'])}",
            "uniqueness": number(row["uniqueness"], 2),
            "stability": number(row["stability"], 2),
            "numbers": [with_error(row[name], row[f"{name}_error"]) for name in COLUMNS],
        }
        for row in given.images.sort("roi", maintain_order=True).iter_rows(named=True)
    ]
    return {"rows": rows, "columns": list(COLUMNS.values())}
