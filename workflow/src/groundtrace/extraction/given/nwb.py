"""The ROIs of an NWB file: a `PlaneSegmentation`, found by its type and not by its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.given.drawn import Drawn

SEGMENTATION = "PlaneSegmentation"


def read(path: Path, plane: int, planes: int) -> Drawn:
    import h5py

    with h5py.File(path, "r") as file:
        return drawn(path, segmentation(path, file, plane, planes))


def typed(file: Any, kind: str) -> dict[str, Any]:
    """Groups and datasets of a type of the NWB schema, by path, numbers in it by their value."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if item.attrs.get("neurodata_type") == kind:
            found[name] = item

    file.visititems(visit)
    return {name: found[name] for name in natsorted(found)}


def segmentation(path: Path, file: Any, plane: int, planes: int) -> Any:
    """The only PlaneSegmentation, or that of a plane where there is one for each."""
    found = typed(file, SEGMENTATION)
    if not found:
        raise InputError(f"{path}: has no {SEGMENTATION}; give an NWB file with ROIs, or another file of ROIs")
    if len(found) not in (1, planes):
        raise InputError(
            f"{path}: has {len(found)} of type {SEGMENTATION} ({', '.join(found)}), and the sheet says planes "
            f"{planes}; correct the column planes, or save the one that is wanted in a file of its own"
        )
    if len(found) == 1 and planes > 1:
        raise InputError(f"{path}: has one {SEGMENTATION}, and the sheet says planes {planes}; give one file a plane")
    return list(found.values())[plane]


def drawn(path: Path, group: Any) -> Drawn:
    """ROIs of a PlaneSegmentation. Which of a mask's axes is the row is left open: the schema says (x, y), and files
    of several packages have (y, x)."""
    ids = group["id"][()] if "id" in group else None
    if "image_mask" in group:
        masks = group["image_mask"]
        if masks.ndim != 3:
            raise InputError(f"{path}: {masks.name} has shape {masks.shape}; (ROI, x, y) is wanted")
        pairs = [_weighted(mask) for mask in masks]
        first, second = masks.shape[1:]
        shape, turned = (second, first), (first, second)
    elif "pixel_mask" in group:
        pairs, shape, turned = list(_of_pixels(path, group)), None, None
    else:
        raise InputError(f"{path}: {group.name} has neither image_mask nor pixel_mask; export it with one of them")
    if empty := [number for number, (_, _, weight) in enumerate(pairs) if not len(weight)]:
        raise InputError(f"{path}: {group.name}: ROI {empty[0]} has no pixel; leave it out")
    names = [f"roi {number}" for number in (range(len(pairs)) if ids is None else ids)]
    # By the schema the first axis is x; turned, it is y.
    return Drawn(
        [(y, x, w) for x, y, w in pairs], names, shape, turned=Drawn([(y, x, w) for y, x, w in pairs], names, turned)
    )


def _weighted(mask: FloatArray) -> Footprint:
    first, second = np.nonzero(mask > 0)
    weight = np.asarray(mask[first, second], np.float32)
    return first.astype(np.int32), second.astype(np.int32), weight / max(weight.sum(), np.float32(1e-12))


def _of_pixels(path: Path, group: Any) -> Iterator[Footprint]:
    pixels, ends = group["pixel_mask"][()], group["pixel_mask_index"][()].astype(np.int64)
    if not {"x", "y", "weight"} <= set(pixels.dtype.names or ()):
        raise InputError(f"{path}: {group.name}/pixel_mask has no fields x, y and weight; export it again")
    for part in np.split(pixels, ends)[: len(ends)]:
        part = part[part["weight"] > 0]
        weight = np.asarray(part["weight"], np.float32)
        yield part["x"].astype(np.int32), part["y"].astype(np.int32), weight / max(weight.sum(), np.float32(1e-12))
