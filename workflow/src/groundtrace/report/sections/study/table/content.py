"""The columns of the table; some are there only where a row has a value."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.report.study import StudyInputs

PADDING = 28
"""px to the left and right of a row."""


@dataclass(frozen=True)
class Number:
    """A column of numbers."""

    name: str
    """In the table Study."""
    label: str
    unit: str
    decimals: int
    width: int
    """px."""
    title: str = ""
    """What is shown at the pointer."""
    per: float = 1.0
    """What is shown is this multiple."""


NUMBERS = (
    Number("warnings", "warnings", "", 0, 62),
    Number("frame_rate", "frame rate", "Hz", 1, 52),
    Number("duration", "duration", "s", 0, 58),
    Number("rois", "ROIs", "", 0, 48),
    Number("cells", "cells", "", 0, 48),
    Number("tracked", "tracked", "", 0, 58, "cells that were found in another session of the field"),
    Number("curated", "curated", "%", 0, 60, "share of the ROIs that a person decided on", per=100),
    Number("noise_level", "ν", "%/√Hz", 2, 56),
    Number("snr", "SNR", "", 1, 46),
    Number("spike_rate", "spike rate", "Hz", 2, 52),
    Number("expected_correlation", "expected correlation", "", 2, 78),
    Number("residual_motion", "residual motion", "px", 2, 64),
    Number("bad_frames", "bad frames", "", 0, 56),
    Number("field_width", "field", "µm", 0, 56, "width of the field"),
    Number("axial_width", "focus", "µm", 1, 52, "FWHM of the focus along the axis: how much depth a pixel shows"),
    Number("photon_rate", "photons per cell", "1/s", 0, 62, "by the shot noise of a cell"),
)
TEXTS = ((190, "2.4fr"), (40, "40px"), (64, "1fr"), (50, "50px"), (80, "80px"))
"""Least and largest width of session, plane, recipe, status and indicator; the least in px."""
OPTIONAL = ("tracked", "curated", "field_width", "axial_width", "photon_rate")
"""Columns that are left out where no row has a value."""


def shown(table: pl.DataFrame) -> list[Number]:
    """Columns of this table; nobody has decided anything where a share is 0 everywhere."""
    values = table.with_columns(pl.col("curated").replace(0, None))
    return [one for one in NUMBERS if one.name not in OPTIONAL or values[one.name].null_count() < table.height]


def context(study: StudyInputs) -> dict[str, Any]:
    numbers = shown(study.table)
    widths = [*TEXTS, *((one.width, f"{one.width}px") for one in numbers)]
    columns = " ".join(f"minmax({least}px, {most})" for least, most in widths)
    return {"numbers": numbers, "columns": columns, "width": PADDING + sum(least for least, _ in widths)}
