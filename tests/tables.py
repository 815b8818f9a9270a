"""Tables for tests: a test gives the columns that it is about."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import groundtrace
from groundtrace.tables import Column, Table, list_column, validate

for _room in sorted(Path(groundtrace.__file__).parent.glob("*/tables.py")):
    import_module(f"groundtrace.{_room.parent.name}.tables")
TABLES = Table.__subclasses__()
"""All that are declared."""
PER_ROW = (list, np.ndarray, pl.Series)


def example(table: type[Table], rows: int = 3, **columns: Any) -> pl.DataFrame:
    """A valid frame of `table`: `columns` as given, the others made up.

    A column is given as a list, array or series of its rows, or as one value for all. `rows` counts when all are such
    values. Made up are 0, 1, 2, … for a key; nothing where a value may be missing; else False, "", [], and the allowed
    number nearest to 1. Columns that the table may lack are there when they are given.
    """
    assert columns.keys() <= table.columns.keys(), columns.keys() - table.columns.keys()
    rows = next((len(value) for value in columns.values() if isinstance(value, PER_ROW)), rows)
    key = [name for name in table.key if name not in columns][-1:]
    made = {}
    for name, declared in table.columns.items():
        numbered = declared.unique or name in key
        if name in columns:
            made[name] = _series(columns[name], rows, declared.dtype)
        elif declared.required:
            values = _numbers(declared, rows) if numbered else [_usual(declared)] * rows
            made[name] = pl.Series(values).cast(declared.dtype)
    return validate(table, pl.DataFrame(made))


def _series(value: Any, rows: int, dtype: pl.DataType) -> pl.Series:
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return list_column(value).cast(dtype) if value.size else pl.Series([[]] * rows, dtype=dtype)
    if isinstance(value, Sequence) and any(isinstance(row, np.ndarray) for row in value):
        value = [np.asarray(row).tolist() for row in value]
    return pl.Series(value if isinstance(value, PER_ROW) else [value] * rows, dtype=dtype, strict=False)


def _numbers(declared: Column, rows: int) -> list[float]:
    low, high = declared.low or 0, declared.high
    return [low + k * (1 if high is None else (high - low) / rows) for k in range(rows)]


def _usual(declared: Column) -> Any:
    if declared.nullable:
        return None
    if declared.isin:
        return declared.isin[0]
    dtype = declared.dtype
    if isinstance(dtype, pl.List):
        return []
    if dtype in (pl.String, pl.Boolean):
        return "" if dtype == pl.String else False
    low, high = declared.low, declared.high
    return min(1 if low is None else max(1, low), np.inf if high is None else high)
