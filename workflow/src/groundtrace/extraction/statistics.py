"""What tells a cell from the rest, ROI by ROI, from the movie in units of its noise; the same for every backend.

Each number depends on the ROI and its surroundings alone, never on what else is in the field.
"""

from dataclasses import dataclass, fields

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.footprints import compactness
from groundtrace.extraction.outlines import drawn

BORDER = 0.15
"""Cell diameters from the field's edge within which a ROI is taken for cut."""
RING = (0.10, 0.35)
"""Cell diameters from a ROI between which (at least 1 and 3 px) its surroundings are looked at."""


@dataclass(frozen=True)
class Statistics:
    """(n_rois,) each, float64; NaN where a ROI has too little to tell."""

    peak: FloatArray
    """Noise SD, largest value of the trace."""
    energy: FloatArray
    """Noise SD, root of the sum of squares of the trace above 3."""
    skewness: FloatArray
    """Skewness of the trace in units of noise."""
    relative_area: FloatArray
    """Area of what is drawn over that of a disk of the cell diameter."""
    compactness: FloatArray
    """Mean distance of what is drawn from its centre over that of a disk of the same area (`whole_compactness`)."""
    solidity: FloatArray
    """Area of what is drawn over that of its convex hull."""
    inside: FloatArray
    """Share of the power of the active image that lies inside the ROI."""
    sharpness: FloatArray
    """Active light per pixel inside less that just outside, over that inside."""
    mean_contrast: FloatArray
    """How much brighter than the ring it is in the mean image, in SD of the ring's pixels."""

    def __len__(self) -> int:
        return len(self.peak)

    def matrix(self) -> FloatArray:
        """(n_rois, n_statistics) in the order of NAMES."""
        return np.column_stack([getattr(self, name) for name in NAMES]) if len(self) else np.zeros((0, len(NAMES)))

    @classmethod
    def of(cls, rows: FloatArray) -> "Statistics":
        """Statistics from an array (n_rois, n_statistics)."""
        return cls(*np.asarray(rows, float).reshape(-1, len(NAMES)).T)


SHAPE = slice(3, 6)
"""Columns of `shape` among all."""
NAMES = tuple(field.name for field in fields(Statistics))


@dataclass(frozen=True)
class Images:
    """(Y, X) each, of the part of the scene that ROIs are measured in."""

    mean: FloatArray
    noise: FloatArray
    skew: FloatArray


def measure(z: FloatArray, images: Images, diameter: float, footprints: list[Footprint]) -> FloatArray:
    """(n_rois, n_statistics) of footprints in coordinates of z (Y, X, bins)."""
    rows = np.full((len(footprints), len(NAMES)), np.nan)
    for n, footprint in enumerate(footprints):
        if len(footprint[0]):
            rows[n] = _one(z, images, diameter, footprint)
    return rows


def _one(z: FloatArray, images: Images, diameter: float, footprint: Footprint) -> FloatArray:
    from groundtrace.extraction.statistics_kernels import seen

    y, x, weight = footprint
    reach = round(diameter)
    top, left = max(0, int(y.min()) - reach), max(0, int(x.min()) - reach)
    here = (slice(top, int(y.max()) + reach + 1), slice(left, int(x.max()) + reach + 1))
    around = z[here]
    inside = np.zeros(around.shape[:2], np.float32)
    inside[y - top, x - left] = weight
    near, far = max(1, round(RING[0] * diameter)), max(3, round(RING[1] * diameter))
    parts = (images.mean[here], images.noise[here], images.skew[here])
    found = seen(around, *parts, inside, near, far)
    return np.concatenate([found[: SHAPE.start], shape(footprint, diameter, images.mean.shape), found[SHAPE.start :]])


def shape(footprint: Footprint, diameter: float, field: tuple[int, ...]) -> tuple[float, float, float]:
    """Relative area, compactness and solidity of what is drawn of a ROI in a field of (height, width) px.

    Faint tails count as little here as for the eye: noise has more of them than cells.
    """
    y, x = drawn(*footprint)
    whole = whole_compactness(y, x, field, round(BORDER * diameter))
    return len(y) / (np.pi * diameter**2 / 4), whole, solidity(y, x)


def whole_compactness(rows: IntArray, columns: IntArray, field: tuple[int, ...], border: int) -> float:
    """Compactness of a ROI; of one that comes within `border` px of a `field`'s edge, also with its mirror image there.

    The smaller counts: an edge cuts a cell anywhere between its middle and its rim. Registration leaves a dark border.
    """
    found = [compactness(rows, columns)]
    for axis, places in enumerate((rows, columns)):
        low, high = int(places.min()), int(places.max())
        cuts = [2 * low - 1] * (low <= border) + [2 * high + 1] * (high >= field[axis] - 1 - border)
        for cut in cuts:
            both = [np.concatenate([rows, rows]), np.concatenate([columns, columns])]
            both[axis] = np.concatenate([places, cut - places])
            found.append(compactness(both[0], both[1]))
    return min(found)


def solidity(rows: IntArray, columns: IntArray) -> float:
    """Area of the pixels over that of their convex hull, pixels being squares; 1 for a line of pixels."""
    from groundtrace.extraction.statistics_kernels import hull_area

    return len(rows) / float(hull_area(np.asarray(rows, np.int64), np.asarray(columns, np.int64)))
