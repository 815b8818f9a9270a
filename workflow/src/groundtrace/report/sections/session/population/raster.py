"""The population raster: spike rates of all cells, similar cells side by side."""

import warnings
from dataclasses import dataclass

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.report.html import contrast, png

COLUMNS = 1200
ROWS = 1000
RASTERMAP_CELLS = 20
"""Fewest active cells for an embedding: it has nothing to sort by with fewer."""
CLUSTERS = 50
"""Clusters of rastermap. Its time grows steeply: 1000 cells take 2 s with 50 clusters, 25 s with 100."""
WHITE_TO_BLACK = 4.0
"""Black is this many standard deviations above a cell's mean rate."""


@dataclass(frozen=True)
class Raster:
    """Binned spike rates as an image, one row per cell."""

    image: str
    """Data URI of a PNG: white is silent."""
    order: IntArray
    """(n_cells,) positions of the cells in the tables, from the top row down."""
    rows: int
    """Rows of the image; fewer than cells when neighbouring cells are averaged."""
    columns: int
    bin_frames: float
    """Frames per column."""
    method: str
    """How the cells are sorted, for the caption."""


def make_raster(rates: pl.Series, chosen: IntArray) -> Raster | None:
    """Raster of the rows `chosen` of `rates` (list of Hz per ROI); None when there is nothing to show."""
    frames = rates.list.len()[int(chosen[0])] if chosen.size else 0
    if not frames:
        return None
    columns = min(COLUMNS, int(frames))
    binned = np.stack([_binned(rates[int(i)].to_numpy(), columns) for i in chosen])
    order, method = sort_cells(binned)
    scaled = _standardised(binned[order])
    rows = min(ROWS, chosen.size)
    edges = np.linspace(0, chosen.size, rows + 1).astype(int)[:-1]
    scaled = np.add.reduceat(scaled, edges) / np.diff(np.append(edges, chosen.size))[:, None]
    image = png(255 - contrast(scaled, 0.0, WHITE_TO_BLACK))
    return Raster(image, chosen[order], rows, columns, frames / columns, method)


def sort_cells(rates: FloatArray) -> tuple[IntArray, str]:
    """Order of the rows of `rates` (n_cells, n_bins) that puts similar cells side by side, and its name.

    Silent cells come last. Deterministic, whatever the number of cores.
    """
    active = np.flatnonzero(rates.std(axis=1) > 1e-9)
    silent = np.setdiff1d(np.arange(len(rates)), active)
    if active.size < 3:
        return np.argsort(-rates.mean(axis=1), kind="stable"), "mean rate"
    with threadpool_limits(1):
        order, method = _by_rastermap(rates[active]) if active.size >= RASTERMAP_CELLS else None, "rastermap"
        if order is None:
            order, method = _by_first_component(_standardised(rates[active])), "the first principal component"
    return np.concatenate([active[order], silent]), method


def _by_first_component(standardised: FloatArray) -> IntArray:
    left = np.linalg.svd(standardised, full_matrices=False)[0][:, 0]
    # The sign of a component is arbitrary; fix it by its largest entry.
    return np.argsort(-left * np.sign(left[np.abs(left).argmax()]), kind="stable")


def _by_rastermap(rates: FloatArray) -> IntArray | None:
    """Order of the cells; None when fewer of them are distinct than rastermap wants clusters."""
    # Imported here: it compiles its sorting on the first import in an environment (30 s; 5 s later).
    import numba
    from rastermap import Rastermap

    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            # It sorts up to 50 cells without clustering, and warns that it does.
            warnings.simplefilter("ignore", UserWarning)
            model = Rastermap(n_clusters=CLUSTERS, n_PCs=64, random_state=0, verbose=False, keep_norm_X=False)
            model.fit(rates.astype(np.float32), compute_X_embedding=False)
    except IndexError:
        # Rastermap 1.0 draws one cluster centre too many from identical cells.
        return None
    finally:
        numba.set_num_threads(threads)
    # Its own order leaves ties to an unstable sort.
    return np.argsort(model.embedding[:, 0], kind="stable")


def _binned(rate: FloatArray, columns: int) -> FloatArray:
    edges = np.linspace(0, rate.size, columns + 1).astype(int)[:-1]
    return np.add.reduceat(np.nan_to_num(rate), edges) / np.diff(np.append(edges, rate.size))


def _standardised(rates: FloatArray) -> FloatArray:
    deviation = rates.std(axis=1, keepdims=True)
    return (rates - rates.mean(axis=1, keepdims=True)) / np.where(deviation > 1e-9, deviation, 1)
