"""What every Parquet table is: columns, types, units, ranges and keys, declared once in the `tables` of its room.

An array column holds one list per row (`list<float32>`), never one row per frame of a ROI.
Raise a table's `version` in its `Config.metadata` when a column changes its meaning.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import pandera.polars as pa
import polars as pl
import pyarrow as arrow
from pandera.api.dataframe.model_config import BaseConfig
from pandera.errors import SchemaErrors

from groundtrace.arrays import FloatArray
from groundtrace.errors import SchemaError

Floats = Annotated[pl.List, pl.Float32()]
Ints = Annotated[pl.List, pl.Int32()]
Booleans = Annotated[pl.List, pl.Boolean()]
Times = Annotated[pl.List, pl.Float64()]


def column(unit: str, description: str, *, low: float | None = None, high: float | None = None, **options: Any) -> Any:
    """Declare a column: its unit ("" for none), meaning and allowed closed range."""
    return pa.Field(ge=low, le=high, description=description, metadata={"unit": unit}, **options)


class Table(pa.DataFrameModel):
    """Base of every table."""

    class Config(BaseConfig):  # pyright: ignore[reportIncompatibleVariableOverride] - pandera's own idiom
        strict = True
        ordered = True
        metadata = {"version": 1}

    @classmethod
    def version(cls) -> int:
        return (cls.Config.metadata or {}).get("version", 1)

    @classmethod
    def meaning(cls, name: str) -> tuple[str, str]:
        """Unit and description of a column."""
        declared = cls.to_schema().columns[name]
        return (declared.metadata or {}).get("unit", ""), declared.description or ""


def validate(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` if it keeps the declaration of `table`; raise SchemaError with the first faults if not."""
    try:
        return table.to_schema().validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.head(3)
        faults = "; ".join(
            f"column {row.get('column') or row.get('failure_case')}: {row['check']} (found {row['failure_case']!r})"
            for row in cases.iter_rows(named=True)
        )
        raise SchemaError(f"table {table.__name__}: {faults}") from None


def empty(table: type[Table]) -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema={name: declared.dtype.type for name, declared in table.to_schema().columns.items()})


def list_column(array: np.ndarray) -> pl.Series:
    """A column of lists from the rows of a 2-D array, without copying them one by one."""
    array = np.ascontiguousarray(array)
    offsets = arrow.array(np.arange(len(array) + 1, dtype=np.int64) * array.shape[1])
    lists = arrow.LargeListArray.from_arrays(offsets, arrow.array(array.ravel()))
    return pl.Series(pl.from_arrow(lists))


def ragged(rows: Sequence[np.ndarray], kind: arrow.DataType) -> pl.Series:
    """A column of lists of any lengths."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)]).astype(np.int64)
    flat = arrow.array(np.concatenate(rows) if len(rows) else [], type=kind)
    return pl.Series(pl.from_arrow(arrow.LargeListArray.from_arrays(arrow.array(offsets), flat)))


def stack(column: pl.Series) -> np.ndarray:
    """The 2-D array (n_rows, n_frames) of a column of lists of equal length; (0, 0) for an empty column."""
    if len(column) == 0:
        return np.zeros((0, 0), np.float32)
    return column.explode().to_numpy().reshape(len(column), -1)


def single(values: FloatArray) -> pl.Series:
    """A float32 column in which NaN and infinity are missing values."""
    values = np.asarray(values, np.float32)
    return pl.Series(np.where(np.isfinite(values), values, np.nan), dtype=pl.Float32).fill_nan(None)
