"""ROIs: footprints, by what they were judged, and what was looked for."""

from typing import Any

import numpy as np
import polars as pl

from groundtrace.extraction.tables import Rois
from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.traces.tables import Traces

STATISTICS = {
    "energy": "activity",
    "peak": "highest peak",
    "skew": "skewness of the trace",
    "relative_area": "size against a cell",
    "compactness": "spread against a disk",
    "solidity": "solidity of the outline",
    "inside": "active light inside",
    "sharpness": "edge of the active light",
    "mean_contrast": "contrast in the mean image",
    "classifier_probability": "the backend's classifier",
    "snr": "the backend's SNR",
    "space_correlation": "footprint in the movie",
}
"""Columns of the table Rois that say why a ROI was or was not accepted, in plain words."""
NEARLY = 1.3
"""Ratio of cell diameters up to which two are the same."""
SOURCES = {
    "config": "from the config",
    "pixel size": "from the pixel size",
    "movie": "as the movie shows it",
    "assumed": "assumed",
}


def statistics(rois: pl.DataFrame) -> list[dict[str, Any]]:
    """Statistics by which the ROIs were judged, as far as known: {name, label, unit, meaning, values}."""
    found = []
    for name, label in STATISTICS.items():
        if name not in rois.columns or not rois[name].is_finite().any():
            continue
        unit, meaning = Rois.meaning(name)
        values = [None if value is None else float(f"{value:.4g}") for value in rois[name].to_list()]
        found.append({"name": name, "label": label, "unit": unit, "meaning": meaning, "values": values})
    return found


def trace_meanings() -> dict[str, str]:
    """What the raw traces of a ROI are."""
    return {name: Traces.meaning(name)[1] for name in ("fluorescence", "neuropil")}


def search_facts(inputs: SessionInputs) -> list[str]:
    """What cells were looked for and why, and how many of the accepted ones may be none; sentences."""
    row = inputs.extraction_quality.row(0, named=True)
    pixel = inputs.acquisition.pixel_size
    if row.get("given"):
        return given_facts(inputs.rois, row, pixel, inputs.acquisition.adopted)
    source = SOURCES.get(row["diameter_source"], row["diameter_source"])
    facts = [f"Looked for: cells of {length(row['diameter'], pixel)}, {source}."]
    used, seen = row["diameter"], row["diameter_seen"]
    if used and seen and max(used / seen, seen / used) > NEARLY:
        facts.append(f"The movie shows cells of about {length(seen, pixel)}.")
    return facts + _decoys(row) + _expected(inputs.rois)


def given_facts(
    rois: pl.DataFrame, row: dict[str, Any], pixel_size: float | None, pipeline: str | None = None
) -> list[str]:
    """Where ROIs come from that were not searched for; sentences."""
    facts = [f"{rois.height} ROI{'' if rois.height == 1 else 's'} given in {row['given']}, none searched for."]
    if pipeline:
        facts = [f"{rois.height} ROIs and their traces are from {row['given']} ({pipeline}); no movie was seen."]
    if row["shift_y"] is not None:
        moved = float(np.hypot(row["shift_y"], row["shift_x"]))
        facts.append(
            f"They were moved by {row['shift_y']:+.0f} px down and {row['shift_x']:+.0f} px to the right"
            f" ({length(moved, pixel_size)}) onto this recording; its mean image and that of theirs correlate by "
            f"{number(row['likeness'], 2)} then."
        )
    if not pipeline and (shared := int(rois["overlap"].list.any().sum())):
        facts.append(f"{shared} of them overlap; in shared pixels the light of each is told apart by least squares.")
    return facts


def _decoys(row: dict[str, Any]) -> list[str]:
    found, accepted, cells = row["decoys"], row["decoys_accepted"], row["accepted"]
    if found is None or accepted is None:
        return []
    fact = f"The same search in the inverted movie, where nothing fires: {found} ROI{'' if found == 1 else 's'}, "
    fact += f"{accepted or 'none'} accepted"
    if not cells:
        return [f"{fact}."]
    noise = f"about {min(accepted, cells)}" if accepted else "hardly any"
    return [f"{fact}, so {noise} of the {cells} accepted cells may be noise."]


def _expected(rois: pl.DataFrame) -> list[str]:
    """How many of the accepted ROIs are cells, which decoys do not tell: they know noise alone."""
    sure = rois.filter("accepted", kind="active")["cell_probability"].drop_nulls()
    if not len(sure):
        return []
    return [
        f"By their cell probability, about {round(sure.sum())} of {len(sure)} accepted ROIs are cells; others may be "
        "dendrites, neuropil or parts of cells."
    ]


def length(pixels: float, pixel_size: float | None) -> str:
    """In pixels, and in µm when their size is known."""
    return f"{number(pixels)} px" + (f" ({number(pixels * pixel_size, 2)} µm)" if pixel_size else "")
