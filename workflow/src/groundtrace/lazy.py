"""A column of lists of a Parquet file as a 2-D array that is read when its values are used."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from groundtrace.errors import InputError
from groundtrace.io import read_meanings

BATCH = 64
"""Rows that are read at a time."""


def list_variable(path: Path, column: str, length: int) -> xr.Variable:
    """Variable (roi, time) of a column with one list of `length` numbers per ROI; unit and meaning are its attributes.

    Raises InputError when the lists are empty, as where a method has no such value.
    """
    file = pq.ParquetFile(path)
    fields, rows = file.schema_arrow, file.metadata.num_rows
    leaf = next(i for i in range(len(file.schema)) if file.schema.column(i).path.split(".")[0] == column)
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    if sum(group.column(leaf).num_values for group in groups) != rows * length:
        raise InputError(f"{path}: {column} has no value for each of the {length} frames; its method does not give any")
    unit, meaning = read_meanings(path)[column]
    attributes = {"units": unit, "long_name": meaning}
    array = _ListColumn(path, column, (rows, length), fields.field(column).type.value_type.to_pandas_dtype())
    return xr.Variable(("roi", "time"), indexing.LazilyIndexedArray(array), attributes)


class _ListColumn(BackendArray):
    """What xarray asks for rows and frames; only these are in memory, besides one batch."""

    def __init__(self, path: Path, column: str, shape: tuple[int, int], dtype: Any):
        self.path, self.column, self.shape, self.dtype = path, column, shape, np.dtype(dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, Any]) -> np.ndarray:
        rows, frames = (np.arange(size)[part] for part, size in zip(key, self.shape, strict=True))
        wanted, chosen = np.atleast_1d(rows), np.atleast_1d(frames)
        found = np.empty((len(wanted), len(chosen)), self.dtype)
        start = 0
        for batch in pq.ParquetFile(self.path).iter_batches(BATCH, columns=[self.column]):
            here = (wanted >= start) & (wanted < start + len(batch))
            if here.any():
                lists = batch.column(0).flatten().to_numpy(zero_copy_only=False).reshape(len(batch), -1)
                found[here] = lists[wanted[here] - start][:, chosen]
            start += len(batch)
        return found.reshape(np.shape(rows) + np.shape(frames))
