"""Sparse matrices from rows of places and weights."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from groundtrace.arrays import FloatArray, IntArray


def sparse_rows(rows: Sequence[tuple[IntArray, FloatArray]], columns: int) -> sparse.csr_array:
    """One row for each pair of places and weights."""
    ends = np.cumsum([len(places) for places, _ in rows])
    weights = np.concatenate([weights for _, weights in rows]).astype(np.float32)
    return sparse.csr_array(
        (weights, np.concatenate([places for places, _ in rows]), np.concatenate([[0], ends])),
        shape=(len(rows), columns),
    )
