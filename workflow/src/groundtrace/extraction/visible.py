"""Cells of the mean image that do not fire: offered beside the active ones, never mixed with them."""

import numpy as np
from scipy import ndimage

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.footprints import compactness
from groundtrace.extraction.statistics import solidity

INNER, OUTER = 0.25, 0.6
"""Cell diameters; the two Gaussians whose difference shows a cell in the mean image."""
CONTRAST = 0.25
"""Brightness of a cell above its surroundings, in theirs, at least ..."""
SPREADS = 2.0
"""... and in the standard deviation of theirs."""
AREA = (0.35, 1.8)
"""Smallest and largest area of a spot, over that of a disk of the cell diameter."""
LEAST_RING = 0.45
"""Fraction of a spot's surroundings that must be seen."""
ROUND, SOLID = 1.12, 0.85
"""Largest compactness, least solidity."""


def visible_cells(mean: FloatArray, dark: float, taken: list[Footprint], diameter: float) -> list[Footprint]:
    """Compact bright spots of a cell's size in `mean` (Y, X) that no ROI of `taken` lies over, the clearest first.

    dark: brightness without light, detector units.
    """
    light = np.maximum(mean - dark, 0)
    inner, outer, wide = (
        np.asarray(ndimage.gaussian_filter(light, part * diameter)) for part in (INNER, OUTER, 2 * OUTER)
    )
    contrast = (inner - outer) / (wide + 1e-9)
    free = np.ones(mean.shape, bool)
    for y, x, _ in taken:
        free[y, x] = False
    highest = np.asarray(ndimage.maximum_filter(contrast, round(0.8 * diameter)))
    peaks = (contrast == highest) & (contrast > 0.3 * CONTRAST) & free
    places = np.argwhere(peaks)
    found = []
    for y, x in places[np.argsort(-contrast[tuple(places.T)], kind="stable")]:
        footprint = _grown(light, (int(y), int(x)), free, diameter)
        if footprint is not None:
            free[footprint[0], footprint[1]] = False
            found.append(footprint)
    return found


def _grown(light: FloatArray, place: tuple[int, int], free: BoolArray, diameter: float) -> Footprint | None:
    """The spot around a place: what is brighter than half way between it and its surroundings; None if no cell."""
    reach = round(0.75 * diameter)
    top, left = max(0, place[0] - 2 * reach), max(0, place[1] - 2 * reach)
    window = (slice(top, place[0] + 2 * reach + 1), slice(left, place[1] + 2 * reach + 1))
    soft: FloatArray = np.asarray(ndimage.gaussian_filter(light[window], max(0.7, 0.08 * diameter)))
    y, x = np.ogrid[: soft.shape[0], : soft.shape[1]]
    away = np.hypot(y + top - place[0], x + left - place[1])
    ring = (away > reach) & (away < 2 * reach)
    seen = ring.sum() / (3 * np.pi * reach**2)
    ring &= free[window]
    if seen < LEAST_RING or not ring.any():
        return None
    ground, spread = float(np.median(soft[ring])), float(1.4826 * np.median(np.abs(soft[ring] - np.median(soft[ring]))))
    peak = float(np.quantile(soft[away < 0.4 * diameter], 0.8))
    # Where a vessel's edge leaves the field, a good part of the surroundings is as bright as the spot.
    besides = float(np.quantile(soft[ring], 0.8))
    if peak - ground < max(CONTRAST * ground, SPREADS * spread) or peak - besides < 0.5 * CONTRAST * ground:
        return None
    labels: IntArray = ndimage.label((soft > ground + 0.5 * (peak - ground)) & (away < reach))[0]  # pyright: ignore
    near = away + 1e6 * (labels == 0)
    if near.min() > 0.4 * diameter:
        return None
    piece = np.asarray(ndimage.binary_fill_holes(labels == labels.flat[int(near.argmin())]), bool)
    rows, columns = np.nonzero(piece)
    size = len(rows) / (np.pi * diameter**2 / 4)
    round_enough = compactness(rows, columns) <= ROUND and solidity(rows, columns) >= SOLID
    if not (AREA[0] <= size <= AREA[1] and round_enough) or (~free[window][piece]).mean() > 0.1:
        return None
    weight = soft[piece] - ground
    weight = np.maximum(weight, 0.05 * weight.max())
    return (rows + top).astype(np.int32), (columns + left).astype(np.int32), (weight / weight.sum()).astype(np.float32)
