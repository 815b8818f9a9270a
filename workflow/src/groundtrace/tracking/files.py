"""Files of the sessions of a field, and of what was found of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_arrays, read_table, write_arrays, write_table
from groundtrace.tracking.steps import Field, Session
from groundtrace.tracking.tables import Alignment, Pairs, Tracks

Where = Path | str


def read_session(acquisition: Where, rois: Where, images: Where, quality: Where) -> Session:
    """A session from `acquisition.json`, `rois.parquet`, `extraction_images.npz` and `extraction_quality.parquet`."""
    diameter = float(read_table(quality, ["diameter"])["diameter"][0])
    return Session(Acquisition.read(acquisition), read_table(rois), read_arrays(images), diameter)


def write_field(found: Field, made: Mapping[str, Where], made_by: Mapping[str, Any]) -> None:
    """Write the files `tracks`, `pairs`, `alignment` and `images`. made_by: their provenance."""
    write_table(made["tracks"], Tracks, found.tracks, made_by)
    write_table(made["pairs"], Pairs, found.pairs, made_by)
    write_table(made["alignment"], Alignment, found.alignment, made_by)
    write_arrays(made["images"], **found.images)
