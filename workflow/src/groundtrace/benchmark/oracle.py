"""The control `oracle`: the true footprints of a simulated recording, measured in the registered movie."""

from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.benchmark.extraction import Footprint, footprints, mask, placed
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import overlaps
from groundtrace.extraction.suite2p import readout
from groundtrace.suite2p_api import merge_settings, suite2p_session, worker_pool


def shown(
    cells: pl.DataFrame, offset: tuple[float, float], detectability: float, shape: tuple[int, int]
) -> tuple[pl.DataFrame, list[Footprint]]:
    """The cells (rows of TruthCells) that are measured, in order, and their pixels in the registered movie."""
    chosen = cells.filter(pl.col("detectability") >= detectability)
    parts = [mask(placed(footprint, offset, shape)) for footprint in footprints(chosen)]
    seen = [len(part[0]) > 0 for part in parts]
    return chosen.filter(pl.Series(seen, dtype=pl.Boolean)), [part for part in parts if len(part[0])]


def measure_truth(
    movie: Movie, cells: pl.DataFrame, offset: tuple[float, float], detectability: float, scratch: Path, threads: int
) -> Extraction:
    """F and Fneu of the cells (rows of TruthCells) of at least this detectability, measured as Suite2p does its own.

    movie: (T, Y, X) registered; registered[p] shows tissue[p + offset], (y, x) px.
    """
    shape = movie.shape[1], movie.shape[2]
    _, found = shown(cells, offset, detectability, shape)
    rows: list[IntArray] = [part[0].astype(np.int32) for part in found]
    columns: list[IntArray] = [part[1].astype(np.int32) for part in found]
    weight: list[FloatArray] = [(part[2] / part[2].sum()).astype(np.float32) for part in found]
    stat = [
        {"ypix": y, "xpix": x, "lam": w, "overlap": shared, "radius": np.sqrt(len(y) / np.pi)}
        for y, x, w, shared in zip(rows, columns, weight, overlaps(rows, columns, shape), strict=True)
    ]
    traces, weighting = np.zeros((2, 0, len(movie)), np.float32), None
    if stat:
        with suite2p_session(scratch, threads), worker_pool(threads) as pool:
            weighting = readout(np.array(stat), shape, merge_settings({}, {}, {})["extraction"])
            traces = weighting.measure(movie, pool)
    sure = np.ones(len(stat), np.float32)
    return Extraction(rows, columns, weight, sure, sure > 0, traces[0], traces[1], readout=weighting)
