"""ROIs of another session or recipe: its `rois.parquet`, and the mean image beside it."""

from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.given.drawn import Drawn
from groundtrace.io import read_arrays

IMAGES = "extraction_images.npz"
"""Beside a `rois.parquet`; its mean image tells how far the field has moved."""
COLUMNS = ("pixel_y", "pixel_x", "weight")


def read(path: Path, plane: int, planes: int) -> Drawn:
    try:
        table = pl.read_parquet(path)
    except PolarsError as error:
        raise InputError(f"{path}: cannot be read as Parquet ({error}); check the column rois") from error
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise InputError(
            f"{path}: has no column {', '.join(missing)}; give a rois.parquet of groundtrace, with {', '.join(COLUMNS)}"
        )
    table = table.with_row_index("place")
    numbers = table["roi" if "roi" in table.columns else "place"]
    notes: tuple[str, ...] = ()
    if "accepted" in table.columns:
        left = int((~table["accepted"]).sum())
        numbers, table = numbers.filter(table["accepted"]), table.filter(pl.col("accepted"))
        if left:
            notes = (f"{left} of its ROIs are not accepted there and left out; accept them there if they are cells",)
    footprints: list[Footprint] = [
        (np.asarray(y, np.int32), np.asarray(x, np.int32), np.asarray(w, np.float32) / np.sum(w, dtype=np.float32))
        for y, x, w in table.select(COLUMNS).iter_rows()
        if len(y)
    ]
    images = path.with_name(IMAGES)
    mean = read_arrays(images).get("mean") if images.is_file() else None
    shape = None if mean is None else (mean.shape[0], mean.shape[1])
    if mean is None:
        notes += (
            f"there is no {IMAGES} with a mean image beside it, so its ROIs are taken where they are; copy it "
            "there to have them moved onto this recording",
        )
    return Drawn(footprints, [f"roi {number}" for number in numbers], shape, mean, notes=notes)
