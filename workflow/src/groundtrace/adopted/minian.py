"""A result of Minian: a folder with a Zarr store for each variable (A.zarr, YrA.zarr, …)."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted.base import Adopted, footprint
from groundtrace.adopted.formats import STAMPS
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint

BACKGROUND = (
    "Minian takes the background of the field out of the movie, so that dF/F is larger than it was; compare its size "
    "between cells and moments of one session only"
)

HELD = 32
"""Units whose pixels are held at a time."""


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    """Light of the units over the background under them. C is not read: it is denoised, and of a unit of its own."""
    masks, traces = stored(path, "A", "A"), variable(path, "YrA")
    if masks is None or masks.ndim != 3:
        raise InputError(
            f"{path}: has no A.zarr of axes unit_id, height, width: no result of Minian; name the folder that "
            "save_minian wrote to"
        )
    if traces is None or traces.ndim != 2:
        raise InputError(
            f"{path}: has no measured traces, YrA.zarr, and neither dF/F nor noise can be told from the denoised C; "
            "copy YrA.zarr here from Minian's intermediate results, or save there what compute_trace returns"
        )
    names = coordinate(path, "A", "unit_id") or list(range(masks.shape[0]))
    traced = coordinate(path, "YrA", "unit_id") or list(range(len(traces)))
    if missing := [name for name in names if name not in traced]:
        raise InputError(f"{path}: YrA has no trace of unit {missing[0]}, which is in A; save both of one run")
    traces = traces[[traced.index(name) for name in names]]
    shape, maximum = (masks.shape[1], masks.shape[2]), variable(path, "max_proj")
    footprints, background = units(masks, variable(path, "b"), variable(path, "f"))
    time = times(path, traces.shape[1])
    return Adopted(
        "Minian",
        footprints,
        [f"unit {name}" for name in names],
        np.ones(masks.shape[0], bool),
        shape,
        float(1 / np.median(np.diff(time))) if time is not None else None,
        traces + background,
        images={} if maximum is None or maximum.shape != shape else {"maximum": maximum},
        time=time,
        notes=(BACKGROUND,),
    )


def units(masks: Any, b: FloatArray | None, f: FloatArray | None) -> tuple[list[Footprint], FloatArray]:
    """Footprints, and (n_rois, 1) median light of the background under each: b f projected onto it; 0 without any.

    masks: array (n_rois, Y, X) on the disk, read a few units at a time.
    """
    footprints: list[Footprint] = []
    level = np.zeros((masks.shape[0], 1), np.float32)
    for start in range(0, masks.shape[0], HELD):
        part = np.nan_to_num(np.asarray(masks[start : start + HELD], np.float32))
        footprints += [footprint(mask) for mask in part]
        if b is not None and f is not None and b.shape == part.shape[1:]:
            squares = np.maximum(np.einsum("nyx,nyx->n", part, part), np.float32(1e-12))
            level[start : start + HELD, 0] = np.einsum("nyx,yx->n", part, b) / squares * np.median(f)
    return footprints, level


def variable(path: Path, name: str) -> FloatArray | None:
    """A variable with units before frames, as Minian gives it, its NaN as 0; None where there is none."""
    array = stored(path, name, name)
    if array is None:
        return None
    values, axes = np.nan_to_num(np.asarray(array[:], np.float32)), list(array.attrs.get("_ARRAY_DIMENSIONS", ()))
    return values.T if axes == ["frame", "unit_id"] else values


def coordinate(path: Path, name: str, axis: str) -> list[int] | None:
    """Labels of an axis of a variable."""
    array = stored(path, name, axis)
    return None if array is None or array.ndim != 1 else np.asarray(array[:]).tolist()


def stored(path: Path, name: str, part: str) -> Any:
    try:
        import zarr
    except ImportError:
        raise InputError(f"{path}: is in Zarr, which is not installed here; pip install zarr") from None
    if not (path / f"{name}.zarr" / part).is_dir():
        return None
    try:
        return zarr.open_array(path / f"{name}.zarr" / part, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {name}.zarr cannot be read as Zarr ({error}); copy the folder again") from error


def times(path: Path, frames: int) -> FloatArray | None:
    """(n_frames,) s, by the stamps that the microscope's software wrote; None where there is none for each frame."""
    if not (path / STAMPS).is_file():
        return None
    with (path / STAMPS).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    try:
        stamps = {int(row["Frame Number"]): float(row["Time Stamp (ms)"]) / 1000 for row in rows}
    except (KeyError, ValueError) as error:
        raise InputError(f"{path / STAMPS}: has no column of numbers {error}; remove it, or copy it again") from error
    kept = coordinate(path, "YrA", "frame") or list(range(frames))
    if len(kept) != frames or not set(kept) <= set(stamps) or frames < 2:
        return None
    return np.array([stamps[frame] for frame in kept])
