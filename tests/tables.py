"""Tables for tests: a test gives the columns that it is about."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import groundtrace
from groundtrace.tables import Table, list_column, validate

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
    schema = table.to_schema()
    assert columns.keys() <= schema.columns.keys(), columns.keys() - schema.columns.keys()
    rows = next((len(value) for value in columns.values() if isinstance(value, PER_ROW)), rows)
    key = [name for name in schema.unique or () if name not in columns][-1:]
    made = {}
    for name, declared in schema.columns.items():
        numbered = declared.unique or name in key
        if name in columns:
            made[name] = _series(columns[name], rows, declared.dtype.type)
        elif declared.required:
            values = _numbers(declared, rows) if numbered else [_usual(declared)] * rows
            made[name] = pl.Series(values).cast(declared.dtype.type)
    return validate(table, pl.DataFrame(made))


def _series(value: Any, rows: int, dtype: pl.DataType) -> pl.Series:
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return list_column(value).cast(dtype) if value.size else pl.Series([[]] * rows, dtype=dtype)
    if isinstance(value, Sequence) and any(isinstance(row, np.ndarray) for row in value):
        value = [np.asarray(row).tolist() for row in value]
    return pl.Series(value if isinstance(value, PER_ROW) else [value] * rows, dtype=dtype, strict=False)


def _limits(declared: Any) -> dict[str, Any]:
    return {name: value for check in declared.checks for name, value in check.statistics.items()}


def _numbers(declared: Any, rows: int) -> list[float]:
    low, high = (_limits(declared).get(name) for name in ("min_value", "max_value"))
    return [(low or 0) + k * (1 if high is None else (high - (low or 0)) / rows) for k in range(rows)]


def _usual(declared: Any) -> Any:
    if declared.nullable:
        return None
    limits = _limits(declared)
    if "allowed_values" in limits:
        return next(iter(limits["allowed_values"]))
    dtype = declared.dtype.type
    if isinstance(dtype, pl.List):
        return []
    if dtype in (pl.String, pl.Boolean):
        return "" if dtype == pl.String else False
    return min(max(1, limits.get("min_value", 1)), limits.get("max_value", np.inf))
