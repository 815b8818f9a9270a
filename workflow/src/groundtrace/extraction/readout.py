"""ROIs as weightings of pixels: measured the same way in any movie of the same field."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.movies.noise import NoiseModel

CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class Readout:
    """F = cells @ frame, Fneu = neuropil @ frame; (n_rois, pixels) each, by rows, pixels row by row."""

    cells: sparse.csr_array
    neuropil: sparse.csr_array

    def measure(self, movie: Movie | FloatArray, pool: Executor) -> tuple[FloatArray, FloatArray]:
        """F and Fneu, (n_rois, n_frames) float32."""
        count, pixels = len(self.cells.indptr) - 1, movie.shape[1] * movie.shape[2]
        weighting = sparse.vstack([self.cells, self.neuropil], format="csr")
        traces = np.empty((2 * count, len(movie)), np.float32)
        chunk = max(1, CHUNK_BYTES // (pixels * 4))

        def read(start: int) -> None:
            part = movie[start : start + chunk]
            block = np.empty((len(traces), len(part)), np.float32)
            for t, frame in enumerate(part):
                block[:, t] = weighting @ frame.astype(np.float32).ravel()
            traces[:, start : start + chunk] = block

        list(pool.map(read, range(0, len(movie), chunk)))
        return traces[:count], traces[count:]

    def noise(self, model: NoiseModel, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Variance per frame of F and of Fneu, (n_rois,) each, where the movie has its mean brightness (Y, X)."""
        cells, neuropil = (
            np.array([model.readout_variance(*row, mean) for row in _rows(rows, mean.shape[1])], float)
            for rows in (self.cells, self.neuropil)
        )
        return cells, neuropil


def _rows(weighting: sparse.csr_array, width: int) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Rows, columns and weights of each read-out's pixels."""
    for first, last in pairwise(weighting.indptr):
        y, x = np.divmod(weighting.indices[first:last], width)
        yield y, x, np.asarray(weighting.data[first:last], float)
