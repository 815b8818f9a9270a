"""Sessions of a field on pixels of one size and a field of one shape."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter, map_coordinates

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.tracking.field import Visit, pixels_of
from groundtrace.tracking.placing import between

SAME = 0.02
"""Share by which two pixel sizes may differ and stand: the alignment looks for a scale anyway."""


def on_one_grid(visits: Sequence[Visit], pixel_sizes: Sequence[float | None]) -> tuple[list[Visit], float | None]:
    """The visits with the largest of their pixels, in the smallest field that holds all; and the size of a pixel, µm.

    Raises InputError where the fields are of different shape and a pixel size is not known.
    """
    known = [size for size in pixel_sizes if size is not None]
    shapes = {visit.shape for visit in visits}
    if len(known) < len(visits):
        if len(shapes) > 1:
            who = visits[pixel_sizes.index(None)].key
            listed = ", ".join(sorted(f"{height} x {width} px" for height, width in shapes))
            raise InputError(
                f"{who}: its field is of another size than others of the same field ({listed}), and its pixel size is "
                "not known, so that it cannot be rescaled; fill the column pixel_size (µm) of the sheet, or empty its "
                "column field"
            )
        return list(visits), known[0] if known else None
    largest = max(known)
    factors = [factor_of(size, largest) for size in known]
    scaled = [visit if factor == 1 else resized(visit, factor) for visit, factor in zip(visits, factors, strict=True)]
    height, width = (max(visit.shape[axis] for visit in scaled) for axis in (0, 1))
    return [padded(visit, (height, width)) for visit in scaled], largest


def factor_of(size: float | None, largest: float | None) -> float:
    """By how much the pixels of a session become larger; 1 where a size is not known."""
    return largest / size if size and largest and size <= (1 - SAME) * largest else 1.0


def unscaled(places: FloatArray, factor: float) -> FloatArray:
    """Places of a session with pixels `factor` times as large, in its own pixels."""
    return places * factor + (factor - 1) / 2


def resized(visit: Visit, factor: float) -> Visit:
    """With pixels `factor` times as large."""
    shape = (round(visit.shape[0] / factor), round(visit.shape[1] / factor))
    grid = unscaled(pixels_of(shape), factor)
    smooth = {name: gaussian_filter(np.nan_to_num(image), factor / 2) for name, image in visit.images.items()}
    places = np.moveaxis(grid, -1, 0)
    images: dict[str, FloatArray] = {
        name: map_coordinates(image, places, order=1, mode="nearest") for name, image in smooth.items()
    }
    rows = sparse.csr_array(visit.masks @ between(grid.reshape(-1, 2), visit.shape).T)
    footprints = []
    for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        y, x = np.divmod(rows.indices[start:stop], shape[1])
        footprints.append((y, x, rows.data[start:stop]))
    kept = [k for k, (y, *_) in enumerate(footprints) if len(y)]
    rois, footprints = visit.rois[kept], [footprints[k] for k in kept]
    return replace(visit, images=images, rois=rois, footprints=footprints, diameter=visit.diameter / factor)


def padded(visit: Visit, shape: tuple[int, int]) -> Visit:
    """In a field of `shape`; NaN where there is nothing."""
    if visit.shape == shape:
        return visit
    more = [(0, whole - own) for whole, own in zip(shape, visit.shape, strict=True)]
    images = {
        name: np.pad(np.asarray(image, float), more, constant_values=np.nan) for name, image in visit.images.items()
    }
    return replace(visit, images=images)
