"""The control `oracle`: the true footprints of a simulated recording, measured in the registered movie."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, Movie
from groundtrace.benchmark.extraction import footprints, mask, placed
from groundtrace.extraction.base import Extraction, Footprint
from groundtrace.extraction.demixing import demixed
from groundtrace.extraction.extract import judged, sized


def shown(
    cells: pl.DataFrame, offset: tuple[float, float], detectability: float, shape: tuple[int, int]
) -> tuple[pl.DataFrame, list[Footprint]]:
    """The cells (rows of TruthCells) that are measured, in order, and their pixels in the registered movie."""
    chosen = cells.filter(pl.col("detectability") >= detectability)
    parts = [mask(placed(footprint, offset, shape)) for footprint in footprints(chosen)]
    seen = [len(part[0]) > 0 for part in parts]
    return chosen.filter(pl.Series(seen, dtype=pl.Boolean)), [part for part in parts if len(part[0])]


def measure_truth(
    movie: Movie,
    bad_frames: BoolArray,
    cells: pl.DataFrame,
    offset: tuple[float, float],
    detectability: float,
    acquisition: Acquisition,
    scratch: Path,
    threads: int,
) -> Extraction:
    """F and Fneu of the cells (rows of TruthCells) of at least this detectability, measured as `transients` does.

    movie: (T, Y, X) registered; registered[p] shows tissue[p + offset], (y, x) px. All are accepted.
    """
    _, found = shown(cells, offset, detectability, (movie.shape[1], movie.shape[2]))
    rois: list[Footprint] = [
        (y.astype(np.int32), x.astype(np.int32), np.asarray(w / w.sum(), np.float32)) for y, x, w in found
    ]
    traces, weighting, sure = np.zeros((2, 0, len(movie)), np.float32), None, np.ones(len(rois), bool)
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        scene, diameter = sized(movie, bad_frames, None, acquisition.pixel_size, scratch, pool)
        if rois:
            weighting = demixed(rois, sure, scene.pixel_variance, scene.diameter)
            traces = weighting.measure(movie, pool)
        known = Extraction(
            pixel_y=[y for y, _, _ in rois],
            pixel_x=[x for _, x, _ in rois],
            weight=[weight for *_, weight in rois],
            classifier_probability=None,
            accepted=sure,
            fluorescence=traces[0],
            neuropil=traces[1],
            readout=weighting,
        )
        return judged(known, scene, diameter, pool, None)
