"""The ROIs of all sessions on one canvas, and pairs of them that may be one cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tracking.field import Aligned, Visit, Warp

FARTHEST = 1.0
"""Cell diameters between centroids from which two ROIs are certainly different cells."""
RIM = 0.1
"""Share of a footprint's peak below which interpolation has left a pixel."""


class Candidates(NamedTuple):
    """Pairs of ROIs that lie near each other."""

    first: IntArray
    second: IntArray
    features: FloatArray
    """(n, 3): see `features_of`."""
    distance: FloatArray
    overlap: FloatArray


@dataclass(frozen=True)
class Canvas:
    """ROIs of all aligned sessions on the reference; they count through the sessions, one after the other."""

    masks: sparse.csr_array
    """(n_rois, pixels of the canvas), rows of length 1."""
    places: FloatArray
    """(n_rois, 2) px, centroids."""
    area: FloatArray
    """(n_rois,) px, number of pixels that would hold the light evenly."""
    session: IntArray
    """(n_rois,) position of its session."""
    diameter: float

    @classmethod
    def of(cls, visits: Sequence[Visit], warps: Sequence[Warp], diameter: float) -> "Canvas":
        shape = warps[0].shape
        corners = np.array([[y, x] for y in (0, shape[0] - 1) for x in (0, shape[1] - 1)], float)
        back = np.concatenate([warp.back(corners) for warp in warps])
        low = np.floor(np.minimum(back.min(axis=0), 0)).astype(int) - 1
        high = np.ceil(np.maximum(back.max(axis=0), np.array(shape) - 1)).astype(int) + 2
        size = high - low
        places = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 2)
        masks = []
        for visit, warp in zip(visits, warps, strict=True):
            masks.append(visit.masks @ between(warp(places.astype(float)), visit.shape).T)
        joined = sparse.csr_array(sparse.vstack(masks, format="csr"))
        pixels = int(np.prod(size))
        total = np.maximum(joined.sum(axis=1), 1e-12)
        length = np.sqrt(np.maximum((joined**2).sum(axis=1), 1e-12))
        rows, columns = np.divmod(np.arange(pixels), size[1])
        centres = np.stack([joined @ rows, joined @ columns], axis=1) / total[:, None] + low
        session = np.repeat(np.arange(len(visits)), [len(visit.rois) for visit in visits])
        unit = sparse.csr_array(sparse.diags_array(1 / length) @ joined)
        return cls(unit, centres, (total / length) ** 2, session, diameter)

    @cached_property
    def tree(self) -> KDTree:
        return KDTree(self.places)

    @cached_property
    def cosines(self) -> tuple[IntArray, FloatArray]:
        """Pairs of ROIs whose footprints overlap, as first * n_rois + second, ascending; and their cosines."""
        found = sparse.csr_array(self.masks @ self.masks.T).sorted_indices().tocoo()
        return found.row.astype(np.int64) * found.shape[1] + found.col, found.data

    def cosine(self, first: IntArray, second: IntArray) -> FloatArray:
        """(n,) between the footprints of pairs of ROIs."""
        pairs, cosines = self.cosines
        wanted = first * len(self.session) + second
        if not len(pairs):
            return np.zeros(len(wanted))
        at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
        return np.where(pairs[at] == wanted, cosines[at], 0.0)

    def candidates(self) -> Candidates:
        """Pairs of different sessions that are not certainly different cells."""
        pairs = self.tree.query_pairs(FARTHEST * self.diameter, output_type="ndarray")
        return self._candidates(pairs[self.session[pairs[:, 0]] != self.session[pairs[:, 1]]])

    def within(self) -> Candidates:
        """Pairs of neighbours in one session: certainly different cells."""
        pairs = self.tree.query_pairs(FARTHEST * self.diameter, output_type="ndarray")
        return self._candidates(pairs[self.session[pairs[:, 0]] == self.session[pairs[:, 1]]])

    def shared(self, first: IntArray, second: IntArray) -> FloatArray:
        """(n,) intersection over union of the pixels of pairs of ROIs; those of faint rims do not count."""
        bright = self.masks.copy()
        peak = np.repeat(np.asarray(self.masks.max(axis=1).todense()).ravel(), np.diff(self.masks.indptr))
        bright.data = (bright.data > RIM * peak).astype(float)
        size, both = bright.sum(axis=1), bright[first].multiply(bright[second]).sum(axis=1)
        return both / np.maximum(size[first] + size[second] - both, 1)

    def _candidates(self, pairs: IntArray) -> Candidates:
        pairs = np.sort(pairs, axis=1)
        first, second = pairs[np.lexsort(pairs.T[::-1])].T
        apart = np.hypot(*(self.places[first] - self.places[second]).T) / self.diameter
        overlap = self.cosine(first, second)
        return Candidates(
            first, second, features_of(apart, overlap, self.area[first] / self.area[second]), apart, overlap
        )


def on_canvas(visits: Sequence[Visit], aligned: Sequence[Aligned]) -> tuple[Canvas, IntArray]:
    """The ROIs of the aligned sessions on the reference, and their positions among those of all sessions."""
    diameter = float(np.median([visit.diameter for visit in visits]))
    number = np.cumsum([0, *(len(visit.rois) for visit in visits)])
    kept = [k for k, own in enumerate(aligned) if own.warp is not None]
    canvas = Canvas.of([visits[k] for k in kept], [w for own in aligned if (w := own.warp) is not None], diameter)
    return canvas, np.concatenate([np.arange(number[k], number[k + 1]) for k in kept])


def features_of(distance: FloatArray, overlap: FloatArray, ratio: FloatArray) -> FloatArray:
    """(n, 3): root of the distance in diameters, logit of the overlap, logarithm of the ratio of areas; about Gaussian
    for pairs of one cell."""
    share = np.clip(overlap, 0.01, 0.99)
    return np.stack([np.sqrt(distance), np.log(share / (1 - share)), np.log(ratio)], axis=1)


def between(places: FloatArray, shape: tuple[int, int]) -> sparse.csr_array:
    """(n, pixels) bilinear weights of an image of `shape` at places (n, 2); rows beyond it are empty."""
    floor = np.floor(places).astype(np.int64)
    part = places - floor
    rows, columns, weights = [], [], []
    for dy in (0, 1):
        for dx in (0, 1):
            y, x = floor[:, 0] + dy, floor[:, 1] + dx
            weight = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
            rows.append(np.flatnonzero(inside))
            columns.append((y * shape[1] + x)[inside])
            weights.append(weight[inside])
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=(len(places), shape[0] * shape[1]))
