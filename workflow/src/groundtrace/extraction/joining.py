"""Pieces of one dendrite or axon, told by their traces, become one ROI."""

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
from scipy import sparse

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.demixing import demixed
from groundtrace.extraction.scene import Scene
from groundtrace.extraction.search import Survey
from groundtrace.extraction.statistics import NAMES, SHAPE, shape


def joined(found: Survey, scene: Scene, pool: Executor, same: float, gap: float) -> Survey:
    """Sources of one process as one. same: least correlation of traces. gap: cell diameters between them at most.

    A process has the statistics of its most active source, and the shape of all.
    """
    count = len(found.footprints)
    if count < 2:
        return found
    weighting = demixed(found.footprints, np.ones(count, bool), scene.pixel_variance, scene.diameter)
    f, around = weighting.measure(scene.binned, pool)
    traces = f - around
    near = sparse.coo_array(_near(found.footprints, scene.shape, gap * scene.diameter))
    alike = [float(np.corrcoef(traces[i], traces[j])[0, 1]) > same for i, j in zip(*near.coords, strict=True)]
    edges = sparse.csr_array((np.array(alike, float), near.coords), shape=(count, count))
    edges.eliminate_zeros()
    _, group = sparse.csgraph.connected_components(edges, directed=False)
    energy, strength = found.statistics[:, NAMES.index("energy")], traces.std(axis=1)
    footprints, rows = [], []
    for members in (np.flatnonzero(group == number) for number in np.unique(group)):
        footprints.append(_union([found.footprints[n] for n in members], strength[members], scene.shape))
        row = found.statistics[members[np.argmax(energy[members])]].copy()
        row[SHAPE] = shape(footprints[-1], scene.diameter, scene.shape)
        rows.append(row)
    return replace(found, footprints=footprints, statistics=np.array(rows))


def _near(footprints: list[Footprint], field: tuple[int, int], gap: float) -> sparse.csr_array:
    """(n, n) upper triangle: whether the pixels of two ROIs come within `gap` px of each other."""
    reach = int(np.ceil(gap / 2))
    step = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    step = step[:, np.hypot(*step) <= gap / 2]

    def grown(y: IntArray, x: IntArray) -> IntArray:
        rows, columns = (np.clip(at[:, None] + d, 0, n - 1) for at, d, n in zip((y, x), step, field, strict=True))
        return np.unique(rows * field[1] + columns)

    places = [grown(y.astype(np.int64), x.astype(np.int64)) for y, x, _ in footprints]
    ends = np.cumsum([0, *map(len, places)])
    covered = sparse.csr_array(
        (np.ones(ends[-1], np.int32), np.concatenate(places), ends), shape=(len(places), field[0] * field[1])
    )
    return sparse.csr_array(sparse.triu(covered @ covered.T, 1))


def _union(parts: list[Footprint], strength: FloatArray, field: tuple[int, int]) -> Footprint:
    """Sum of footprints, each by the strength of its trace."""
    places = np.concatenate([y.astype(np.int64) * field[1] + x for y, x, _ in parts])
    weights = np.concatenate([power * weight for power, (*_, weight) in zip(strength, parts, strict=True)])
    pixels, where = np.unique(places, return_inverse=True)
    weight = np.bincount(where, weights)
    y, x = np.divmod(pixels, field[1])
    return y.astype(np.int32), x.astype(np.int32), (weight / weight.sum()).astype(np.float32)
