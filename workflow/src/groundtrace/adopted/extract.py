"""A result of EXTRACT from version 1.0 on: a MATLAB 7.3 file with the struct `output`."""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted.base import Adopted, footprint
from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.errors import InputError

STRUCT = "output"
PARTS = ("spatial_weights", "temporal_weights")
IMAGES = {"mean": "F_per_pixel", "maximum": "max_image"}
SAVE = "save EXTRACT's output with save('…', 'output', '-v7.3')"
CUT = (
    "its traces are cut off below zero (trace_output_option nonneg), so that their noise, and the accuracy that is "
    "expected from it, look better than they are; run EXTRACT with trace_output_option raw"
)


def is_one(file: Any) -> bool:
    return all(f"{STRUCT}/{name}" in file for name in PARTS)


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    """EXTRACT divides the movie by its baseline first, so that its traces are dF/F. MATLAB's axes are turned round."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a MATLAB 7.3 file ({error}); {SAVE}") from error


def _read(path: Path, file: Any) -> Adopted:
    import h5py

    if not is_one(file):
        raise InputError(f"{path}: has no struct {STRUCT} with {' and '.join(PARTS)}; {SAVE}")
    output = file[STRUCT]
    if not isinstance(output[PARTS[0]], h5py.Dataset):
        raise InputError(
            f"{path}: {STRUCT}.{PARTS[0]} is sparse, which h5py cannot read; write full(…) of it before saving"
        )
    weights, traces = output[PARTS[0]], np.atleast_2d(np.asarray(output[PARTS[1]][()], np.float32))
    # Of a single cell MATLAB drops the last axis.
    masks = [weights] if weights.ndim == 2 else weights
    if len(traces) != len(masks):
        raise InputError(f"{path}: {len(traces)} traces for {len(masks)} ROIs; run EXTRACT again")
    preprocess, no_division = (number(output, f"config/{name}") for name in ("preprocess", "skip_dff"))
    if preprocess == 0 or no_division == 1:
        setting = "preprocess = 0" if preprocess == 0 else "skip_dff = 1"
        raise InputError(
            f"{path}: was made with config.{setting}, so that its traces are no dF/F; run EXTRACT with preprocess = 1 "
            "and skip_dff = 0, or start from the movie"
        )
    shape = weights.shape[:-3:-1]
    return Adopted(
        "EXTRACT",
        [footprint(np.asarray(mask[()], np.float32).T) for mask in masks],
        [f"cell {k}" for k in range(1, len(masks) + 1)],
        verdict(output, len(masks)),
        shape,
        None,
        None,
        dff=traces,
        images=images(output, shape),
        notes=(CUT,) if word(output, "config/trace_output_option") == "nonneg" else (),
    )


def images(output: Any, shape: tuple[int, int]) -> dict[str, FloatArray]:
    """Images of the field (Y, X) that EXTRACT leaves."""
    found = {name: output.get(f"info/{theirs}") for name, theirs in IMAGES.items()}
    return {
        name: np.asarray(image[()], np.float32).T
        for name, image in found.items()
        if image is not None and image.shape[::-1] == shape
    }


def verdict(output: Any, count: int) -> BoolArray:
    """(n_rois,) what EXTRACT's own check did not find bad; all where it was not made."""
    bad = output.get("info/cellcheck/is_bad")
    found = np.zeros(0) if bad is None else np.ravel(bad[()])
    return found == 0 if found.shape == (count,) else np.ones(count, bool)


def number(output: Any, name: str) -> float | None:
    """A number of the configuration."""
    found = np.ravel(output[name][()]) if name in output else np.zeros(0)
    return float(found[0]) if found.size == 1 else None


def word(output: Any, name: str) -> str:
    """A text of the configuration: MATLAB stores its letters as numbers."""
    return "".join(map(chr, np.ravel(output[name][()]))) if name in output else ""
