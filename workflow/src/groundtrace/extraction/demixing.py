"""Light of each ROI without that of the ROIs it overlaps, and of the neuropil around it, as weightings of pixels.

Under a ROI the movie is taken for its own light in the shape of its footprint, that of the ROIs which share pixels with
it, and the neuropil measured around it. Weighted least squares give F, all light of the ROI's pixels but its
neighbours'; the weights are one over the variance of the noise. Where nothing overlaps, F is a weighted mean of pixels.
"""

from typing import Any

import numpy as np
from scipy import ndimage, sparse

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.readout import Readout
from groundtrace.sparse import sparse_rows

GAP = 0.15
"""Cell diameters (at least 2 px) between a ROI and its neuropil."""
FEWEST = 350
"""px of a neuropil ..."""
CELLS = 3.0
"""... and so many times the area of a cell, at least."""
FARTHEST = 3.0
"""Cell diameters from a ROI that its neuropil is looked for in."""
CLEARANCE = 1
"""px between a neuropil and the other ROIs."""
RIDGE = 0.03
"""Ridge, over a footprint's own weight: two ROIs of nearly one shape share their light instead of fighting for it."""


def demixed(footprints: list[Footprint], source: BoolArray, variance: FloatArray, diameter: float) -> Readout:
    """Weightings (n_rois, pixels) for F and Fneu.

    source: (n_rois,) whether a ROI is believed: only those take light from others, and pixels from a neuropil.
    variance: (Y, X) of the noise of a pixel. diameter: px.
    """
    shape = variance.shape
    pixels = [np.asarray(y, np.int64) * shape[1] + x for y, x, _ in footprints]
    profile = [_profile(weight, variance[y, x]) for y, x, weight in footprints]
    shapes, filters = (
        sparse_rows(list(zip(pixels, part, strict=True)), variance.size) for part in zip(*profile, strict=True)
    )
    # How much of another ROI's light each filter sees; of ROIs that are not believed, none.
    mixing = sparse.csr_array(filters @ shapes.T).toarray()
    mixing[:, ~np.asarray(source, bool)] = 0
    own = np.arange(len(footprints))
    mixing[own, own] = 1 + RIDGE * (np.count_nonzero(mixing, axis=1) > 1)
    rings = _rings(footprints, source, shape, diameter)
    return Readout(*_solved(mixing, filters, rings))


def _profile(weight: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape and filter of one ROI: filter @ shape = filter @ 1 = 1."""
    weight = np.maximum(weight.astype(float), 1e-9)
    kernel = weight / np.maximum(variance, 1e-12)
    kernel /= kernel.sum()
    return weight / (kernel @ weight), kernel


def _solved(
    mixing: FloatArray, filters: sparse.csr_array, rings: sparse.csr_array
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """F = M⁻¹ (filters y - Fneu) + Fneu, one connected group of overlapping ROIs after the other."""
    count, groups = sparse.csgraph.connected_components(sparse.csr_array(mixing), directed=False)
    order = np.argsort(groups, kind="stable")
    rows, columns, values = [], [], []
    for group in np.split(order, np.cumsum(np.bincount(groups, minlength=count))[:-1]):
        inverse = np.linalg.inv(mixing[np.ix_(group, group)])
        rows.append(np.repeat(group, len(group)))
        columns.append(np.tile(group, len(group)))
        values.append(inverse.ravel())
    solve = sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=mixing.shape
    )
    solve.eliminate_zeros()
    rest: Any = sparse.eye_array(len(mixing), format="csr") - solve
    rest.data[np.abs(rest.data) < 1e-9] = 0
    rest.eliminate_zeros()
    cells = sparse.csr_array(solve @ filters + rest @ rings, dtype=np.float32)
    cells.sort_indices()
    return cells, rings


def _rings(footprints: list[Footprint], source: BoolArray, shape: tuple[int, ...], diameter: float) -> sparse.csr_array:
    """The mean over the nearest pixels beyond a gap around each ROI that are of no other believed ROI."""
    claims = np.zeros(shape, bool)
    for (y, x, _), believed in zip(footprints, source, strict=True):
        claims[y, x] |= bool(believed)
    taken: Any = ndimage.binary_dilation(claims, iterations=CLEARANCE)
    least = max(FEWEST, round(CELLS * np.pi * diameter**2 / 4))
    rows: list[tuple[IntArray, FloatArray]] = []
    for y, x, _ in footprints:
        reach = round(FARTHEST * diameter)
        top, left = max(0, int(y.min()) - reach), max(0, int(x.min()) - reach)
        window = (slice(top, int(y.max()) + reach + 1), slice(left, int(x.max()) + reach + 1))
        outside = np.ones(taken[window].shape, bool)
        outside[y - top, x - left] = False
        distance: FloatArray = np.asarray(ndimage.distance_transform_edt(outside))
        near = distance <= max(2.0, GAP * diameter)
        free = ~taken[window] & ~near
        if free.sum() < least // 4:
            free = ~near
        places = np.flatnonzero(free)
        chosen = np.sort(places[np.argsort(distance.flat[places], kind="stable")[:least]])
        r, c = np.unravel_index(chosen, outside.shape)
        flat = (r + top).astype(np.int64) * shape[1] + c + left
        rows.append((flat, np.full(len(flat), 1 / max(1, len(flat)))))
    return sparse_rows(rows, int(np.prod(shape)))
