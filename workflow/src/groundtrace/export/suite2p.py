"""A plane as a folder that Suite2p 1.1 and its GUI open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.indicators import kinetics
from groundtrace.io import atomic, read_table
from groundtrace.results import SessionResults

TAU = 1.0
"""s, Suite2p's default, for an indicator whose decay is not known. Its GUI bins traces by it."""
FILES = ("F", "Fneu", "spks", "iscell", "stat", "ops")
"""Of a plane folder, without .npy."""
Plane = dict[str, Any]
"""Arrays by the names of Suite2p's files: F, Fneu, spks, iscell, stat, ops."""


def suite2p_plane(plane: SessionResults) -> Plane:
    """What the files of a plane folder hold.

    Suite2p knows no missing values: the rate is 0 in frames that have none, and so is a probability that is not known.
    """
    numbers = plane.numbers()
    probability = numbers["cell_probability"].fill_null(0).to_numpy()
    return {
        "F": plane.traces("fluorescence").values,
        "Fneu": plane.traces("neuropil").values,
        "spks": np.nan_to_num(plane.spikes().values),
        "iscell": np.stack([numbers["accepted"].to_numpy(), probability], axis=1).astype(np.float32),
        "stat": np.array(_statistics(plane), dtype=object),
        "ops": _ops(plane, _diameter(numbers["area"].to_numpy())),
    }


def extras(plane: SessionResults) -> dict[str, FloatArray]:
    """What Suite2p has no file for: dF/F and rates, (n_rois, n_frames), with NaN where there are none."""
    ends = ("rate_low", "rate_high") if plane.has_interval else ()
    return {"dff": plane.traces("dff").values} | {name: plane.spikes(name).values for name in ("rate", *ends)}


def write_suite2p(plane: Plane, paths: Mapping[str, Path | str]) -> None:
    """Write the files; stat and ops are pickled, as Suite2p reads them."""
    for name in FILES:
        with atomic(paths[name]) as temporary:
            np.save(temporary, plane[name], allow_pickle=True)


def _statistics(plane: SessionResults) -> list[dict[str, Any]]:
    """One dict per ROI, with the keys that Suite2p's GUI and classifier read."""
    rois = read_table(plane.files["rois"])
    typical = float(np.median(rois["area"])) if rois.height else 1.0
    return [_statistic(roi, typical) for roi in rois.iter_rows(named=True)]


def _statistic(roi: dict[str, Any], typical: float) -> dict[str, Any]:
    y, x = np.asarray(roi["pixel_y"], np.int64), np.asarray(roi["pixel_x"], np.int64)
    weight = np.asarray(roi["weight"], np.float32)
    radius, aspect = _ellipse(y, x, weight)
    nearest = np.argmin((y - np.median(y)) ** 2 + (x - np.median(x)) ** 2)
    return {
        "ypix": y,
        "xpix": x,
        "lam": weight,
        "med": [int(y[nearest]), int(x[nearest])],
        "npix": len(y),
        "npix_norm": len(y) / typical,
        "npix_soma": len(y),
        "soma_crop": np.ones(len(y), bool),
        "overlap": np.asarray(roi["overlap"], bool),
        "compact": max(1.0, float(roi["compactness"])),
        "skew": float(roi["skew"] or 0.0),
        "footprint": 0,
        "radius": radius,
        "aspect_ratio": aspect,
    }


def _diameter(area: IntArray) -> float:
    """px, of a disk with the median area of the ROIs."""
    return float(2 * np.sqrt(np.median(area) / np.pi)) if len(area) else 0.0


def _ellipse(y: IntArray, x: IntArray, weight: FloatArray) -> tuple[float, float]:
    """Radius (px) of the longer axis and aspect ratio of the Gaussian that fits a footprint, as of Suite2p."""
    share = weight / weight.sum()
    centred = np.stack([y - share @ y, x - share @ x])
    short, long = 2 * np.sqrt(np.maximum(np.linalg.eigvalsh((centred * share) @ centred.T), 0))
    return float(max(long, 0.5)), float(2 * long / (0.01 + long + short))


def _ops(plane: SessionResults, diameter: float) -> dict[str, Any]:
    """What Suite2p's GUI reads of its settings and results.

    Beyond Suite2p's own: `frame_time` (s) and `detector_offset`, by which a session that starts from the folder gets
    the same dF/F and spike rates.
    """
    acquisition, images = plane.acquisition, plane.images
    shifts = read_table(plane.files["shifts"], ["y", "x", "bad"])
    segment = read_table(plane.files["frames"], ["segment"])["segment"]
    indicator, moved = kinetics(acquisition.indicator), plane.has_shifts
    mean = images["mean"].values
    pictures = {"meanImg": "mean", "meanImgE": "energy", "max_proj": "maximum", "Vcorr": "correlation"}
    return {
        **{theirs: images[ours].values if ours in images else mean for theirs, ours in pictures.items()},
        "Ly": acquisition.height,
        "Lx": acquisition.width,
        "yrange": [0, acquisition.height],
        "xrange": [0, acquisition.width],
        **({f"{axis}off": np.round(shifts[axis].to_numpy()).astype(np.int32) for axis in "yx"} if moved else {}),
        "badframes": shifts["bad"].to_numpy(),
        "frame_time": plane.time.values,
        "frames_per_file": segment.value_counts().sort("segment")["count"].to_numpy().astype(np.int32),
        **({} if acquisition.offset is None else {"detector_offset": acquisition.offset}),
        "nframes": acquisition.frames,
        "nplanes": acquisition.planes,
        "nchannels": 1,
        "functional_chan": 1,
        "fs": acquisition.frame_rate,
        "tau": indicator.decay_time if indicator else TAU,
        "diameter": [diameter, diameter],
        "save_path": f"plane{plane.plane}",
    }
