"""What was decided by hand so far, for the scripts that decide more."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from groundtrace.curation.file import outline_text
from groundtrace.curation.tables import Curation
from groundtrace.io import read_table
from groundtrace.report.html import plural
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import share
from groundtrace.tables import empty


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> pl.DataFrame:
    """Table Curation."""
    return read_table(paths["curation"])


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {"rois": inputs.rois.height, "so_far": so_far(inputs), "path": inputs.curation_path}


def data(inputs: SessionInputs) -> dict[str, Any]:
    acquisition, rois, decided = inputs.acquisition, inputs.rois, _decided(inputs)
    merged = rois["merged"].to_list() if "merged" in rois.columns else [[]] * rois.height
    at = {roi: position for position, roi in enumerate(rois["roi"])}
    return {
        "curation": {
            "session": acquisition.key,
            "plane": acquisition.plane,
            "recipe": inputs.recipe,
            "path": inputs.curation_path,
            "content": content(inputs),
            "automatic": rois["accepted_automatically" if "curated" in rois.columns else "accepted"].to_list(),
            "parts": {position: [at[roi] for roi in parts] for position, parts in enumerate(merged) if parts},
            "decisions": [
                {"at": at[row["roi"]], **_words(row)} for row in decided.filter(pl.col("roi").is_not_null()).to_dicts()
            ],
            "lost": [_lost(row) for row in decided.filter(pl.col("roi").is_null()).iter_rows(named=True)],
        }
    }


def so_far(inputs: SessionInputs) -> str:
    """What was decided by hand; a sentence."""
    decided = _decided(inputs)
    held = decided.filter(pl.col("roi").is_not_null())
    found = int((inputs.rois["kind"] != "merged").sum())
    if decided.is_empty() and found:
        which = "this ROI" if found == 1 else f"these {plural(found, 'ROI')}"
        return f"No one has decided about {which} yet: the automatic verdicts hold."
    lost = decided.height - held.height
    gone = f" {plural(lost, 'decision')} from before {'is' if lost == 1 else 'are'} of ROIs that are no more." * (
        lost > 0
    )
    if not found:
        return f"No ROI was found, so there is nothing to decide.{gone}"
    return f"{plural(held.height, 'ROI')} of {found} ({share(held.height / found)}) decided by hand.{gone}"


def content(inputs: SessionInputs) -> str:
    """Mark of the ROIs that extraction found: decisions that a browser keeps hold for the same ones only."""
    pairs = zip(inputs.rois["kind"], inputs.outlines, strict=True)
    text = "\n".join(outline_text(outline) for kind, outline in pairs if kind != "merged")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _decided(inputs: SessionInputs) -> pl.DataFrame:
    return inputs.loaded.get("curation", empty(Curation))


def _words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("accepted", "reason", "note", "merge")}


def _lost(row: Mapping[str, Any]) -> dict[str, Any]:
    y, x = (pl.Series(row[name], dtype=pl.Int64).to_numpy() for name in ("pixel_y", "pixel_x"))
    return {**_words(row), "footprint": outline_text((y, x)), "y": y.mean(), "x": x.mean(), "area": len(y)}
