"""A result of Minian: a folder with a Zarr store for each variable (A.zarr, YrA.zarr, …)."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted.base import Adopted, footprint
from groundtrace.adopted.formats import STAMPS
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError

BACKGROUND = (
    "Minian takes the background of the field out of the movie, so that dF/F is larger than it was; compare its size "
    "between cells and moments of one session only"
)


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    """Light of the units over the background under them. C is not read: it is denoised, and of a unit of its own."""
    masks, traces = variable(path, "A"), variable(path, "YrA")
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
    names = coordinate(path, "A", "unit_id") or list(range(len(masks)))
    traced = coordinate(path, "YrA", "unit_id") or list(range(len(traces)))
    if missing := [name for name in names if name not in traced]:
        raise InputError(f"{path}: YrA has no trace of unit {missing[0]}, which is in A; save both of one run")
    traces = traces[[traced.index(name) for name in names]]
    time, shape, maximum = times(path, traces.shape[1]), (masks.shape[1], masks.shape[2]), variable(path, "max_proj")
    return Adopted(
        "Minian",
        [footprint(mask) for mask in masks],
        [f"unit {name}" for name in names],
        np.ones(len(masks), bool),
        shape,
        float(1 / np.median(np.diff(time))) if time is not None else None,
        traces + background(masks, variable(path, "b"), variable(path, "f")),
        images={} if maximum is None or maximum.shape != shape else {"maximum": maximum},
        time=time,
        notes=(BACKGROUND,),
    )


def variable(path: Path, name: str) -> FloatArray | None:
    """A variable with the axes that Minian gives it, its NaN as 0; None where there is none."""
    array = stored(path, name, name)
    if array is None:
        return None
    values, axes = np.nan_to_num(np.asarray(array[:], np.float32)), list(array.attrs.get("_ARRAY_DIMENSIONS", ()))
    wanted = [axis for axis in ("unit_id", "frame", "height", "width") if axis in axes]
    return values.transpose([axes.index(axis) for axis in wanted]) if len(wanted) == values.ndim else values


def coordinate(path: Path, name: str, axis: str) -> list[int] | None:
    """Labels of an axis of a variable."""
    array = stored(path, name, axis)
    return None if array is None or array.ndim != 1 else np.asarray(array[:]).tolist()


def stored(path: Path, name: str, part: str) -> Any:
    import zarr

    if not (path / f"{name}.zarr" / part).is_dir():
        return None
    try:
        return zarr.open_array(path / f"{name}.zarr" / part, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {name}.zarr cannot be read as Zarr ({error}); copy the folder again") from error


def background(masks: FloatArray, b: FloatArray | None, f: FloatArray | None) -> FloatArray:
    """(n_rois, 1) median light of the background under each footprint, b f projected onto it; 0 without any."""
    if b is None or f is None or b.shape != masks.shape[1:]:
        return np.zeros((len(masks), 1), np.float32)
    flat = masks.reshape(len(masks), -1)
    level = flat @ b.ravel() / np.maximum((flat**2).sum(axis=1), np.float32(1e-12))
    return (level * np.median(f))[:, None].astype(np.float32)


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
