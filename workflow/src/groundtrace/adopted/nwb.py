"""A processed NWB file: ROIs of a `PlaneSegmentation`, traces of `RoiResponseSeries`, both found by type, not by name.

Files of the Allen Brain Observatory are NWB 1 and have no types: `adopted/allen.py`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted import allen
from groundtrace.adopted.base import Adopted
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.extraction.given.drawn import Drawn
from groundtrace.extraction.given.nwb import drawn, segmentation, typed

SERIES = "RoiResponseSeries"
NEUROPIL = ("neuropil", "fneu")
NO_LIGHT = ("corrected", "deconv", "spike", "denois", "baseline", "event", "inferred", "interval")
"""Words in the path of a series of type Fluorescence that is no F with its neuropil."""
ACCEPTED = ("accepted", "iscell", "is_cell", "valid_roi")
"""Names of columns, in any case, that tell which ROIs are cells."""
AVERAGE, MAXIMUM, CORRELATION = ("mean", "average"), ("max",), ("corr",)
"""Words in the names of images."""


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return allen.read(path, file) if allen.is_one(file) else _read(path, file, plane, planes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error


def _read(path: Path, file: Any, plane: int, planes: int) -> Adopted:
    group = segmentation(path, file, plane, planes)
    rois = drawn(path, group)
    found = [item for item in typed(file, SERIES).values() if of_segmentation(item, group)]
    dff = [item for item in found if item.parent.attrs.get("neurodata_type") == "DfOverF"]
    light = [item for item in found if item not in dff]
    around = [item for item in light if said(item, NEUROPIL)]
    own = [item for item in light if item not in around and not said(item, NO_LIGHT)]
    chosen = _one(path, own, "fluorescence") if own else _one(path, dff, "dF/F") if dff else None
    if chosen is None:
        raise InputError(
            f"{path}: has no {SERIES} of fluorescence or in a DfOverF for the ROIs of {group.name}; there are "
            f"{', '.join(item.name for item in found) or 'none'}"
        )
    count = len(rois.footprints)
    # What is added to the values of the file to make them those of its unit.
    zero = float(chosen["data"].attrs.get("offset", 0)) if own else 0.0
    values, rows = of_rois(path, chosen, count, zero), regions(chosen, count)
    rois = Drawn(
        [rois.footprints[r] for r in rows], [rois.names[r] for r in rows], rois.shape, turned=_some(rois, rows)
    )
    neuropil = of_rois(path, _one(path, around, "neuropil"), count, zero) if own and around else None
    time, frames = times_of(chosen), values.shape[1]
    rois, pictures, shape = on_images(file, rois)
    return Adopted(
        "NWB",
        rois.footprints,
        rois.names,
        verdict(group, count)[rows],
        shape,
        rate_of(file, chosen),
        values if own else None,
        neuropil if neuropil is not None and neuropil.shape == values.shape else None,
        None if own else values,
        images=pictures,
        bad=without_dff(path, dff, count, frames) if own else None,
        offset=-zero or None,
        time=time,
        segment=segments(file, np.arange(frames) / (rate_of(file, chosen) or 1) if time is None else time),
        notes=rois.notes,
    )


def _some(rois: Drawn, rows: list[int]) -> Drawn | None:
    other = rois.turned
    return other and Drawn([other.footprints[r] for r in rows], [other.names[r] for r in rows], other.shape)


def said(item: Any, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands in the path of a series, below `processing`."""
    return any(word in item.name.lower() for word in words)


def _one(path: Path, found: list[Any], what: str) -> Any:
    if len(found) > 1:
        named = [item for item in found if item.name.rpartition("/")[2] == SERIES]
        found = named if len(named) == 1 else found
    if len(found) > 1:
        raise InputError(
            f"{path}: has {len(found)} {SERIES} that may be {what} ({', '.join(item.name for item in found)}); keep one"
        )
    return found[0]


def of_segmentation(series: Any, group: Any) -> bool:
    """Whether a series is of the ROIs of a PlaneSegmentation; one that does not say is."""
    table = series["rois"].attrs.get("table") if "rois" in series else None
    return not table or series.file[table].name == group.name


def regions(series: Any, count: int) -> list[int]:
    """Rows of the PlaneSegmentation that a series has traces of."""
    return [int(row) for row in series["rois"][()]] if "rois" in series else list(range(count))


def of_rois(path: Path, series: Any, count: int, zero: float = 0.0) -> FloatArray:
    """(n_rois, n_frames) of a series, whichever axis is time: the schema has (time, ROI), many files (ROI, time).

    zero: what is still to be added to the values.
    """
    data, rois = series["data"], len(regions(series, count))
    shape = data.shape if data.ndim == 2 else (*data.shape, 1)
    if rois not in shape or len(shape) != 2:
        raise InputError(f"{path}: {data.name} has shape {data.shape}, and there are {rois} ROIs; export it again")
    frames = series["timestamps"].shape[0] if "timestamps" in series else None
    time_first = shape[1] == rois and (shape[0] != rois or frames in (None, shape[0]))
    values = np.asarray(data[()], np.float32).reshape(shape)
    values = np.ascontiguousarray(values.T if time_first else values)
    conversion, added = float(data.attrs.get("conversion", 1)) or 1.0, float(data.attrs.get("offset", 0)) - zero
    return values * np.float32(conversion) + np.float32(added)


def without_dff(path: Path, dff: list[Any], count: int, frames: int) -> BoolArray | None:
    """(n_frames,) frames in which the file's dF/F, where it has some, is NaN in every ROI."""
    values = of_rois(path, dff[0], count) if dff else np.zeros((0, 0))
    return np.asarray(np.isnan(values).all(axis=0)) if values.shape[1] == frames else None


def times_of(series: Any) -> FloatArray | None:
    """(n_frames,) s, where the file has a time for each frame."""
    return np.asarray(series["timestamps"][()], np.float64) if "timestamps" in series else None


def segments(file: Any, time: FloatArray) -> IntArray | None:
    """(n_frames,) number of the stretch, by the intervals `segments` of a file of groundtrace's own."""
    starts = file.get("intervals/segments/start_time")
    if starts is None:
        return None
    return np.searchsorted(starts[()] - np.median(np.diff(time)) / 2, time, side="right") - 1


def rate_of(file: Any, series: Any) -> float | None:
    """Hz: of the series, or of its time stamps."""
    if "starting_time" in series and (rate := series["starting_time"].attrs.get("rate")):
        return float(rate)
    if "timestamps" in series and len(series["timestamps"]) > 1:
        return float(1 / np.median(np.diff(series["timestamps"][()])))
    rates = [item["imaging_rate"][()] for item in typed(file, "ImagingPlane").values() if "imaging_rate" in item]
    return float(rates[0]) if len(set(map(float, rates))) == 1 else None


def verdict(group: Any, count: int) -> BoolArray:
    """(n_rois,) by a column of the PlaneSegmentation; without one, all."""
    for name in group:
        if name.lower() in ACCEPTED:
            values = np.asarray(group[name][()], float).reshape(count, -1)
            return values[:, 0] > 0.5
    return np.ones(count, bool)


def on_images(file: Any, rois: Drawn) -> tuple[Drawn, dict[str, FloatArray], tuple[int, int]]:
    """ROIs and images in one orientation, and the size of the field. By the schema both have (x, y)."""
    from groundtrace.extraction.given.placing import oriented

    kinds = {"mean": AVERAGE, "maximum": MAXIMUM, "correlation": CORRELATION}
    found: dict[str, FloatArray] = {}
    for name, item in typed(file, "GrayscaleImage").items():
        kind = next((kind for kind, words in kinds.items() if any(word in name.lower() for word in words)), None)
        if kind and kind not in found and item.ndim == 2:
            found[kind] = np.asarray(item[()], np.float32).T
    if found:
        first = next(iter(found.values()))
        size = float(np.sqrt(np.mean([len(y) for y, *_ in rois.footprints]) * 4 / np.pi))
        rois = oriented(rois, first, size)
        shape = (first.shape[0], first.shape[1])
        if rois.shape in (None, shape) and all(
            y.max() < shape[0] and x.max() < shape[1] for y, x, _ in rois.footprints
        ):
            return rois, {name: image for name, image in found.items() if image.shape == shape}, shape
    shape = rois.shape or tuple(
        int(max(part.max() for part in axis)) + 1 for axis in list(zip(*rois.footprints, strict=True))[:2]
    )
    return rois, {}, (shape[0], shape[1])
