"""Presentations and images of stimuli in NWB files."""

from pathlib import Path
from typing import Any

import polars as pl

from groundtrace.errors import InputError

NO_STIMULUS = ("trials", "epochs", "invalid_times")
"""Intervals that are no presentations, as their names go."""
ENDING = "_presentations"


def intervals(path: Path) -> pl.DataFrame:
    """Rows of all tables of presentations below `intervals`, one below the other; raises InputError where none is.

    A table without `stimulus` is named by its `stimulus_name`, else by its own name; without `image` the column
    `frame`, of which negative ones are grey, numbers the images.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found: Any = file.get("intervals", {})
            tables = {name: _rows(group) for name, group in found.items() if name not in NO_STIMULUS}
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error
    tables = {name: table for name, table in tables.items() if {"start_time", "stop_time"} <= set(table)}
    if not tables:
        raise InputError(
            f"{path}: has no presentations: no table with start_time and stop_time below `intervals`, besides "
            f"{', '.join(NO_STIMULUS)}; give a file with stimulus intervals, or a table"
        )
    return pl.concat([_named(name, pl.DataFrame(table)) for name, table in tables.items()], how="diagonal_relaxed")


def _rows(group: Any) -> dict[str, Any]:
    """Columns of a table with one number, truth or text per row; an index into another table is none."""
    import h5py

    columns: dict[str, Any] = dict(group.items()) if isinstance(group, h5py.Group) else {}
    if "start_time" not in columns:
        return {}
    count = columns["start_time"].shape
    lists = {name.removesuffix("_index") for name in columns if name.endswith("_index")}
    found = {}
    for name, column in columns.items():
        plain = isinstance(column, h5py.Dataset) and column.shape == count and name not in {"id", *lists}
        if not plain or name.endswith("_index"):
            continue
        if h5py.check_string_dtype(column.dtype) is not None:
            found[name] = column.asstr()[:]
        elif column.dtype.kind in "fiub":
            found[name] = column[:]
    return found


def _named(name: str, table: pl.DataFrame) -> pl.DataFrame:
    if "stimulus" not in table.columns:
        named = pl.col("stimulus_name") if "stimulus_name" in table.columns else pl.lit(name.removesuffix(ENDING))
        table = table.with_columns(named.alias("stimulus"))
    if "image" not in table.columns and "frame" in table.columns:
        frame = pl.col("frame").cast(pl.Float64, strict=False)
        image = pl.when(frame >= 0).then(frame).cast(pl.Int64).cast(pl.String)
        # A number of an image is no quantity that cells could be tuned to.
        table = table.with_columns(image=image).drop("frame")
    return table


def templates(path: Path) -> list[str]:
    """Ids of the images in a file: positions in the one stack of templates, or names of single images."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found: Any = file.get("stimulus/templates", {})
            items: list[Any] = [item for item in found.values() if isinstance(item, h5py.Group)]
            stacks = [item["data"].shape for item in items if "data" in item]
            images = [name for item in items if "data" not in item for name in _images(item)]
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error
    if len(stacks) > 1:
        raise InputError(f"{path}: has {len(stacks)} stacks of templates; save the one that was shown as .npy")
    return [str(i) for i in range(stacks[0][0])] if stacks else images


def _images(item: Any) -> list[str]:
    import h5py

    return [name for name, part in item.items() if isinstance(part, h5py.Dataset) and part.ndim >= 2]
