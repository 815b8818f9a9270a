"""Results as other pipelines leave them: three cells in a field of 40 x 56 px, 400 frames at 10 Hz."""

from pathlib import Path

import h5py
import numpy as np
import zarr
from scipy.sparse import csc_array

from groundtrace.extraction.base import Footprint
from tests.unit.extraction.scenes import disk_image, footprint

FIELD, FRAMES, RATE = (40, 56), 400, 10.0
ACCEPTED = np.array([True, False, True])
ROIS: list[Footprint] = [footprint(disk_image(FIELD, y, x, 5)) for y, x in ((12, 15), (25, 40), (30, 12))]
_random = np.random.default_rng(4)
NEUROPIL = (100 + _random.normal(0, 2, (3, FRAMES))).astype(np.float32)
ACTIVE = np.array([np.convolve(_random.random(FRAMES) < 0.03, np.exp(-np.arange(30) / 6))[:FRAMES] for _ in range(3)])
LIGHT = (300 * (1 + ACTIVE) + 0.7 * NEUROPIL + _random.normal(0, 6, (3, FRAMES))).astype(np.float32)
DFF = (ACTIVE + _random.normal(0, 0.03, (3, FRAMES))).astype(np.float32)
MEAN = (80 + 200 * sum(disk_image(FIELD, y, x, 5) for y, x in ((12, 15), (25, 40), (30, 12)))).astype(np.float32)
SHIFTS = np.round(_random.normal(0, 2, (2, FRAMES))).astype(np.float32)


def suite2p(folder: Path, version: int = 0, **changes: object) -> Path:
    """A plane folder of Suite2p 0.x or 1.x."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "F.npy", LIGHT)
    np.save(folder / "Fneu.npy", NEUROPIL)
    np.save(folder / "iscell.npy", np.column_stack([ACCEPTED, [0.9, 0.1, 0.8]]))
    stat = np.array([{"ypix": y, "xpix": x, "lam": w * 5, "med": [1, 2]} for y, x, w in ROIS], object)
    np.save(folder / "stat.npy", stat, allow_pickle=True)
    inner = {"yrange": [2, 38], "xrange": [3, 53]}
    registered = {"meanImg": MEAN, "yoff": SHIFTS[0], "xoff": SHIFTS[1], "badframes": np.arange(FRAMES) < 3, **inner}
    detected = {"max_proj": MEAN[2:38, 3:53] + 1, "Vcorr": MEAN[2:38, 3:53] / 300}
    size = {"Ly": FIELD[0], "Lx": FIELD[1], "nframes": FRAMES}
    if version:
        parts = {"settings": {"fs": RATE}, "db": size, "reg_outputs": registered | size, "detect_outputs": detected}
    else:
        parts = {"ops": {"fs": RATE, **size, **registered, **detected}}
    for name, content in parts.items():
        np.save(folder / f"{name}.npy", np.array(content | changes, object), allow_pickle=True)
    return folder


def caiman(path: Path, **changes: object) -> Path:
    """A result of CaImAn: F = C + YrA over a background of 60 in each pixel; None is text."""
    columns = np.zeros((FIELD[0] * FIELD[1], 3))
    for column, (y, x, _) in zip(columns.T, ROIS, strict=True):
        column[x * FIELD[0] + y] = 0.4
    a = csc_array(columns)
    content = {
        "A/data": a.data,
        "A/indices": a.indices,
        "A/indptr": a.indptr,
        "A/shape": np.array(a.shape),
        "C": 100 + 250 * ACTIVE,
        "YrA": 250 * (DFF - ACTIVE),
        "b": np.full((len(columns), 1), 60.0),
        "f": np.ones((1, FRAMES)),
        "F_dff": None,
        "idx_components": np.flatnonzero(ACCEPTED),
        "dims": np.array(FIELD),
    }
    with h5py.File(path, "w") as file:
        file["params/data/fr"] = RATE
        for name, value in (content | changes).items():
            file[f"estimates/{name}"] = "NoneType" if value is None else value
    return path


def nwb(path: Path, time_first: bool = True, container: str = "Fluorescence", verdict: bool = True) -> Path:
    """Fluorescence and neuropil, or dF/F alone, under names of no meaning; written with h5py, as MATLAB tools do."""
    with h5py.File(path, "w") as file:
        rois = file.create_group("processing/ophys/seg/plane")
        rois.attrs["neurodata_type"] = "PlaneSegmentation"
        rois["id"] = np.arange(3)
        masks = np.zeros((3, *FIELD), np.float32)
        for mask, (y, x, w) in zip(masks, ROIS, strict=True):
            mask[y, x] = w
        rois["image_mask"] = masks.swapaxes(1, 2)
        if verdict:
            rois["Accepted"] = ACCEPTED
        own = {"a": LIGHT, "b_neuropil": NEUROPIL} if container == "Fluorescence" else {"c": DFF}
        for name, values in own.items():
            series = file.create_group(f"processing/ophys/some_{name}/traces")
            series.parent.attrs["neurodata_type"] = container
            series.attrs["neurodata_type"] = "RoiResponseSeries"
            series["data"] = values.T if time_first else values
            series["rois"] = np.arange(3)
            series["rois"].attrs["table"] = rois.ref
            series["timestamps"] = 5 + np.arange(FRAMES) / RATE
        image = file.create_dataset("processing/ophys/images/mean_of_it", data=MEAN.T)
        image.attrs["neurodata_type"] = "GrayscaleImage"
    return path


def allen(path: Path) -> Path:
    """As the Allen Brain Observatory has it: NWB 1, (cell, time)."""
    with h5py.File(path, "w") as file:
        group = file.create_group("processing/brain_observatory_pipeline")
        light = {"": LIGHT + 9, "_neuropil_response": NEUROPIL, "_demixed_signal": LIGHT}
        for name, values in light.items():
            group[f"Fluorescence/imaging_plane_1{name}/data"] = values
        group["Fluorescence/imaging_plane_1/timestamps"] = 10 + np.arange(FRAMES) / RATE
        group["DfOverF/imaging_plane_1/data"] = DFF
        masks = group.create_group("ImageSegmentation/imaging_plane_1")
        masks["roi_list"] = np.array([f"ROI_{k:03d}".encode() for k in range(3)])
        for k, (y, x, _) in enumerate(ROIS):
            mask = np.zeros(FIELD, np.uint8)
            mask[y, x] = 1
            masks[f"ROI_{k:03d}/img_mask"] = mask
        masks["reference_images/maximum_intensity_projection_image/data"] = MEAN.astype(np.uint16)
    return path


def visual_behavior(path: Path) -> Path:
    """As Allen Visual Behavior has it: series called `traces` in containers of their own names."""
    with h5py.File(path, "w") as file:
        rois = file.create_group("processing/ophys/image_segmentation/cell_specimen_table")
        rois.attrs["neurodata_type"] = "PlaneSegmentation"
        rois["id"] = np.arange(3) + 1_086_000
        rois["valid_roi"] = ACCEPTED
        masks = [disk_image(FIELD, y, x, 5).T > 0 for y, x in ((12, 15), (25, 40), (30, 12))]
        rois["image_mask"] = np.array(masks)
        kinds = {"dff": DFF, "corrected_fluorescence": LIGHT - 0.7 * NEUROPIL, "demixed_trace": LIGHT}
        for name, values in (kinds | {"neuropil_trace": NEUROPIL}).items():
            series = file.create_group(f"processing/ophys/{name}/traces")
            series.parent.attrs["neurodata_type"] = "DfOverF" if name == "dff" else "Fluorescence"
            series.attrs["neurodata_type"] = "RoiResponseSeries"
            series["data"] = values.T
            series["rois"] = np.arange(3)
            series["rois"].attrs["table"] = rois.ref
            series["timestamps"] = 8.5 + np.arange(FRAMES) / RATE
        events = file.create_group("processing/ophys/event_detection")
        events.attrs["neurodata_type"] = "OphysEventDetection"
        events["data"] = DFF.T
        image = file.create_dataset("processing/ophys/images/average_image", data=MEAN.T)
        image.attrs["neurodata_type"] = "GrayscaleImage"
    return path


def extract(path: Path, traces: str = "raw", **changes: object) -> Path:
    """EXTRACT's output, as MATLAB 7.3 saves it: axes turned round, letters as numbers; None is left out."""
    masks = np.zeros((3, *FIELD[::-1]), np.float32)
    for mask, (y, x, w) in zip(masks, ROIS, strict=True):
        mask[x, y] = w / w.max()
    content = {
        "spatial_weights": masks,
        "temporal_weights": DFF,
        "config/preprocess": np.ones((1, 1)),
        "config/skip_dff": np.zeros((1, 1)),
        "config/trace_output_option": np.array([[ord(letter)] for letter in traces], np.uint16),
        "info/version": np.array([[ord(letter)] for letter in "1.1.0"], np.uint16),
        "info/F_per_pixel": MEAN.T,
        "info/cellcheck/is_bad": ~ACCEPTED[None],
    }
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in (content | changes).items():
            if value is not None:
                file[f"output/{name}"] = value
    return path


def minian(folder: Path, stamps: bool = True, **changes: object) -> Path:
    """A folder of Minian, Zarr 2; None is left out."""
    zarr.open_group(folder, mode="w", zarr_format=2)
    masks = np.zeros((3, *FIELD))
    for mask, (y, x, w) in zip(masks, ROIS, strict=True):
        mask[y, x] = w / w.max()
    units, place, frame = {"unit_id": np.array([3, 7, 12])}, ("height", "width"), {"frame": np.arange(FRAMES)}
    content = {
        "A": (masks, units | dict.fromkeys(place)),
        "C": (ACTIVE, units | frame),
        "YrA": (LIGHT, units | frame),
        "S": (ACTIVE, units | frame),
        "b0": (np.ones_like(ACTIVE), units | frame),
        "b": (np.full(FIELD, 0.5), dict.fromkeys(place)),
        "f": (np.full(FRAMES, 8.0), frame),
        "max_proj": (MEAN, dict.fromkeys(place)),
    }
    for name, given in (content | changes).items():
        if given is None:
            continue
        values, axes = given  # type: ignore[misc]
        group = zarr.open_group(folder / f"{name}.zarr", mode="w", zarr_format=2)
        group.create_array(name, data=values, attributes={"_ARRAY_DIMENSIONS": list(axes)})
        for axis, labels in axes.items():
            group.create_array(axis, data=np.arange(FIELD[axis == "width"]) if labels is None else labels)
    if stamps:
        rows = "".join(f"{k},{50 + 1000 * k / RATE:g},0\n" for k in range(FRAMES))
        (folder / "timeStamps.csv").write_text("Frame Number,Time Stamp (ms),Buffer Index\n" + rows)
    return folder
