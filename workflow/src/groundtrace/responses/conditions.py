"""What was shown in each presentation, and which of them are repeats."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from groundtrace.errors import InputError, did_you_mean
from groundtrace.responses.tables import KNOWN

BOOKKEEPING = ("block", "index", "trial", "id", "order", "repeat", "run", "seed", "time", "tag", "duration", "count")
"""Words in the names of columns that tell when and how often, and not what was shown."""


def varied(presentations: pl.DataFrame, wanted: Sequence[str] | None = None) -> list[str]:
    """Columns besides stimulus and image that say what was shown: those wanted, else numbers that come back."""
    own = [name for name in presentations.columns if name not in KNOWN]
    if unknown := [name for name in wanted or () if name not in own]:
        raise InputError(
            f"responses.conditions: the stimuli have no column {unknown[0]!r}{did_you_mean(unknown[0], own)}; besides "
            f"times, stimulus and image there {'are ' + ', '.join(own) if own else 'is none'}"
        )
    return list(wanted) if wanted is not None else [name for name in own if _comes_back(presentations[name])]


def _comes_back(values: pl.Series) -> bool:
    known = values.drop_nulls()
    if not values.dtype.is_numeric() or any(word in values.name.lower().split("_") for word in BOOKKEEPING):
        return False
    return 1 < known.n_unique() <= len(known) / 2


def with_conditions(presentations: pl.DataFrame, wanted: Sequence[str] | None, path: Path | str) -> pl.DataFrame:
    """Presentations with their columns condition and repeat.

    Presentations that agree in stimulus, image and the columns `varied` are one condition; one without an image and
    without a number is grey, unless nothing else is shown. Raises InputError where nothing is shown twice.
    """
    chosen = varied(presentations, wanted)
    named = ["stimulus", "image", *chosen]
    shown = presentations.filter(pl.any_horizontal(pl.col("image", *chosen).is_not_null()))
    if shown.is_empty():
        shown, named = presentations, ["stimulus"]
    kinds = shown.select(named).unique().sort(*_in_order(named), nulls_last=True)
    kinds = kinds.with_columns(condition=pl.int_range(pl.len(), dtype=pl.Int32))
    joined = shown.join(kinds, on=named, nulls_equal=True, how="left").sort("presentation")
    joined = joined.select("presentation", "condition").with_columns(
        repeat=pl.int_range(pl.len(), dtype=pl.Int32).over("condition")
    )
    if not joined["repeat"].max():
        raise InputError(
            f"{path}: nothing is shown twice: {joined.height} presentations differ in {', '.join(named)}; how reliable "
            "a response is can be told from repeats alone. Name the columns that say what was shown in "
            "`responses.conditions` (config), or correct the column image"
        )
    found = presentations.join(joined, on="presentation", how="left", maintain_order="left")
    return found.select(*KNOWN, *(name for name in presentations.columns if name not in KNOWN))


def _in_order(named: Sequence[str]) -> list[pl.Expr]:
    """Columns to sort conditions by: ids of images that are numbers go by value."""
    number = pl.col("image").cast(pl.Int64, strict=False)
    return [part for name in named for part in ([number, pl.col(name)] if name == "image" else [pl.col(name)])]
