"""What every Parquet table is: columns, types, units, ranges and keys, declared once in the `tables` of its room.

    class Spikes(Table, version=2):
        roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
        rate: Floats = column("Hz", "one value per frame")
        snr: Series[pl.Float32] | None = column("", "only some methods have it", nullable=True)

An array column holds one list per row (`list<float32>`), never one row per frame of a ROI.
Raise a table's `version` when a column changes its meaning. Columns that identify a row together are its `key`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args, get_origin

import numpy as np
import polars as pl
import pyarrow as arrow

from groundtrace.arrays import FloatArray
from groundtrace.errors import SchemaError

T = TypeVar("T")


class Series(Generic[T]):
    """Annotation of a column with one value per row."""


Floats = Annotated[pl.List, pl.Float32()]
Ints = Annotated[pl.List, pl.Int32()]
Booleans = Annotated[pl.List, pl.Boolean()]
Times = Annotated[pl.List, pl.Float64()]


@dataclass(frozen=True)
class Column:
    """A column as it was declared."""

    unit: str
    """Empty for none."""
    description: str
    low: float | None = None
    high: float | None = None
    """Of the allowed closed range."""
    isin: Sequence[str] | None = None
    """Allowed values."""
    nullable: bool = False
    unique: bool = False
    required: bool = True
    dtype: pl.DataType = pl.Null()  # noqa: RUF009 - has no state

    def faults(self, values: pl.Series) -> Iterator[str]:
        """What is wrong with the values of a column."""
        if values.dtype != self.dtype:
            yield f"is {values.dtype}, declared is {self.dtype}"
            return
        missing = values.is_null() | (values.is_nan().fill_null(False) if values.dtype.is_float() else False)
        if not self.nullable and missing.any():
            yield f"has a missing value in row {missing.arg_true()[0]}"
        wrong = {
            f"is below {self.low}": None if self.low is None else values < self.low,
            f"is above {self.high}": None if self.high is None else values > self.high,
            f"is none of {self.isin}": None if self.isin is None else ~values.is_in(list(self.isin)),
            "is there twice": values.is_duplicated() if self.unique else None,
        }
        for fault, rows in wrong.items():
            if rows is not None and (rows & ~missing).any():
                yield f"{fault} ({values.filter(rows & ~missing)[0]!r})"


def column(unit: str, description: str, **options: Any) -> Any:
    """Declare a column: its unit ("" for none), meaning, and what else a `Column` has."""
    return Column(unit, description, **options)


class Table:
    """Base of every table."""

    version: ClassVar[int] = 1
    key: ClassVar[tuple[str, ...]] = ()
    """Columns that identify a row together."""
    columns: ClassVar[dict[str, Column]] = {}
    """In the order of the file."""

    def __init_subclass__(cls, version: int | None = None, key: tuple[str, ...] = (), **rest: Any):
        super().__init_subclass__(**rest)
        cls.version, cls.key = version or cls.version, key or cls.key
        own = {name: _declared(kind, vars(cls)[name]) for name, kind in vars(cls).get("__annotations__", {}).items()}
        cls.columns = cls.columns | own

    @classmethod
    def types(cls) -> dict[str, pl.DataType]:
        """Type of each column: a schema of Polars."""
        return {name: declared.dtype for name, declared in cls.columns.items()}

    @classmethod
    def meaning(cls, name: str) -> tuple[str, str]:
        """Unit and description of a column."""
        return cls.columns[name].unit, cls.columns[name].description


def _declared(annotation: Any, declared: Column) -> Column:
    """A column with the type of its annotation; one that may be None may be absent."""
    options = [kind for kind in get_args(annotation) if kind is not NoneType]
    required = NoneType not in get_args(annotation)
    kind = annotation if required else options[0]
    if get_origin(kind) is Annotated:
        dtype = pl.List(get_args(kind)[1])
    else:
        (inner,) = get_args(kind)
        dtype = pl.Series(dtype=inner).dtype
    return replace(declared, dtype=dtype, required=required)


def validate(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` if it keeps the declaration of `table`; raise SchemaError with the first faults if not."""
    if faults := list(_faults(table, frame))[:3]:
        raise SchemaError(f"table {table.__name__}: {'; '.join(faults)}")
    return frame


def _faults(table: type[Table], frame: pl.DataFrame) -> Iterator[str]:
    expected = [name for name, declared in table.columns.items() if declared.required or name in frame.columns]
    yield from (f"column {name} is missing" for name in expected if name not in frame.columns)
    yield from (f"column {name} is not declared" for name in frame.columns if name not in expected)
    if set(expected) != set(frame.columns):
        return
    if frame.columns != expected:
        yield f"columns are in the order {', '.join(frame.columns)}, declared is {', '.join(expected)}"
    for name in expected:
        yield from (f"column {name} {fault}" for fault in table.columns[name].faults(frame[name]))
    if table.key and (repeated := frame.select(table.key).is_duplicated()).any():
        yield f"columns {', '.join(table.key)} name a row twice ({frame.select(table.key).filter(repeated).row(0)})"


def empty(table: type[Table]) -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema=table.types())


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
