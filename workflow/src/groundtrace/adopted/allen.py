"""Sessions of the Allen Brain Observatory: NWB 1, traces (cell, time), read without AllenSDK."""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted.base import Adopted
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError

PIPELINE = "processing/brain_observatory_pipeline"
PICTURES = {"mean": "average_intensity", "maximum": "maximum_intensity"}


def is_one(file: Any) -> bool:
    return PIPELINE in file


def read(path: Path, file: Any) -> Adopted:
    """Demixed light of the ROIs (before that correction the raw one), and the neuropil around them."""
    group = file[PIPELINE]
    planes = [name for name in group.get("ImageSegmentation", ()) if f"ImageSegmentation/{name}/roi_list" in group]
    if len(planes) != 1:
        raise InputError(f"{path}: has {len(planes)} planes with ROIs in {PIPELINE}/ImageSegmentation, one is wanted")
    masks, light = group[f"ImageSegmentation/{planes[0]}"], f"Fluorescence/{planes[0]}"
    listed = [name.decode() if isinstance(name, bytes) else str(name) for name in masks["roi_list"][()]]
    pictures = [np.asarray(masks[f"{name}/img_mask"][()]) for name in listed]
    name = next((name for name in (f"{light}_demixed_signal", light) if name in group), None)
    if name is None or not pictures:
        raise InputError(f"{path}: has no ROIs with fluorescence in {PIPELINE}")
    f, neuropil = (_traces(path, group, part, len(listed)) for part in (name, f"{light}_neuropil_response"))
    rois = []
    for picture in pictures:
        y, x = np.nonzero(picture)
        rois.append((y.astype(np.int32), x.astype(np.int32), np.full(len(y), 1 / max(len(y), 1), np.float32)))
    times = group[f"{light}/timestamps"][()] if f"{light}/timestamps" in group else np.zeros(0)
    shape = pictures[0].shape
    assert f is not None
    return Adopted(
        "Allen Brain Observatory",
        rois,
        listed,
        np.ones(len(listed), bool),
        (shape[0], shape[1]),
        float(1 / np.median(np.diff(times))) if len(times) > 1 else None,
        f,
        neuropil,
        images=_images(masks, shape),
        time=times if len(times) == f.shape[1] else None,
    )


def _traces(path: Path, group: Any, name: str, count: int) -> FloatArray | None:
    if name not in group:
        return None
    data = group[f"{name}/data"]
    if data.shape[0] != count:
        raise InputError(f"{path}: {data.name} has shape {data.shape}, and there are {count} ROIs; copy the file again")
    return np.asarray(data[()], np.float32)


def _images(masks: Any, shape: tuple[int, ...]) -> dict[str, FloatArray]:
    stored: dict[str, Any] = dict(masks.get("reference_images", {}))
    return {
        kind: np.asarray(item["data"][()], np.float32)
        for kind, words in PICTURES.items()
        for name, item in stored.items()
        if words in name and item["data"].shape == shape
    }
