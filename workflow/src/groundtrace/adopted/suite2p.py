"""A Suite2p plane folder: of 0.x, with ops.npy, and of 1.x, with settings.npy and what stands beside it."""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.adopted.base import Adopted
from groundtrace.adopted.formats import FILES
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.pickled import read_dicts
from groundtrace.suite2p_settings import read_settings

IMAGES = {"mean": "meanImg", "maximum": "max_proj", "correlation": "Vcorr"}
AGAIN = "run Suite2p's extraction again"


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    if not (path / "F.npy").is_file():
        hint = ", ".join(str(found.parent) for found in sorted(path.rglob("F.npy"))) if path.is_dir() else ""
        raise InputError(
            f"{path}: is no Suite2p plane folder, it has no F.npy"
            + (f"; there are planes in it: {hint}" if hint else "; name the folder plane0 in the column path")
        )
    fluorescence, neuropil, verdict = traces(path)
    settings = read_all(path)
    shape = (int(settings.get("Ly") or 0), int(settings.get("Lx") or 0))
    if not all(shape):
        raise InputError(f"{path}: no frame size (Ly, Lx) in its ops.npy, db.npy or reg_outputs.npy; copy them there")
    rois = footprints(path, shape)
    if len(rois) != len(fluorescence):
        raise InputError(f"{path / 'stat.npy'}: {len(rois)} ROIs, F.npy has {len(fluorescence)}; {AGAIN}")
    frames = fluorescence.shape[1]
    y, x, time = (np.asarray(settings.get(name, 0)) for name in ("yoff", "xoff", "frame_time"))
    return Adopted(
        "Suite2p",
        rois,
        [f"ROI {number}" for number in range(len(rois))],
        verdict[:, 0] > 0.5,
        shape,
        float(settings["fs"]) if settings.get("fs") else None,
        fluorescence,
        neuropil,
        probability=np.clip(verdict[:, 1], 0, 1) if verdict.shape[1] > 1 else None,
        images=images(settings, shape),
        # Suite2p moves a frame by -offset, so that the offset is where the tissue was.
        shifts=np.array([y, x], np.float32) if y.shape == x.shape == (frames,) else None,
        bad=bad_frames(settings, frames),
        offset=settings.get("detector_offset"),
        time=time if time.shape == (frames,) else None,
        segment=segments(settings, frames),
    )


def bad_frames(settings: dict[str, Any], frames: int) -> BoolArray | None:
    """(n_frames,) frames that Suite2p left out of registration and detection."""
    bad = np.asarray(settings.get("badframes", 0))
    return bad.astype(bool) if bad.shape == (frames,) else None


def segments(settings: dict[str, Any], frames: int) -> IntArray | None:
    """(n_frames,) number of the file that each frame is of, where files are more than single images."""
    lengths = np.atleast_1d(np.asarray(settings.get("frames_per_file", 0))).astype(np.int64)
    if lengths.sum() != frames or lengths.max() < 2:
        return None
    return np.repeat(np.arange(len(lengths)), lengths)


def traces(folder: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """F, Fneu (n_rois, n_frames) and iscell (n_rois, 2) of a plane folder."""
    fluorescence, neuropil = array(folder / "F.npy"), array(folder / "Fneu.npy")
    if fluorescence.shape != neuropil.shape or fluorescence.ndim != 2:
        raise InputError(
            f"{folder}: F.npy has shape {fluorescence.shape}, Fneu.npy {neuropil.shape}; "
            f"both must be (n_rois, n_frames): {AGAIN}"
        )
    verdict = np.atleast_2d(array(folder / "iscell.npy"))
    if len(verdict) != len(fluorescence):
        raise InputError(f"{folder / 'iscell.npy'}: {len(verdict)} ROIs, F.npy has {len(fluorescence)}")
    return fluorescence, neuropil, verdict


def array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as an array ({error})") from error


def read_all(folder: Path) -> dict[str, Any]:
    """Settings and results of registration and detection, of whatever version."""
    settings: dict[str, Any] = {}
    for name in FILES[FILES.index("settings.npy") :]:
        if (folder / name).is_file():
            settings |= read_settings(folder / name)
    return settings


def footprints(folder: Path, shape: tuple[int, int]) -> list[Footprint]:
    """Pixels of stat.npy with the weights lam."""
    path, found = folder / "stat.npy", []
    if not path.is_file():
        raise InputError(f"{path}: is missing, so that the pixels of the ROIs are not known; copy it there")
    for number, roi in enumerate(read_dicts(path, "not Suite2p's ROIs", AGAIN)):
        if missing := [name for name in ("ypix", "xpix", "lam") if name not in roi]:
            raise InputError(f"{path}: ROI {number} has no {', '.join(missing)}; {AGAIN}")
        y, x, weight = (np.asarray(roi[name]) for name in ("ypix", "xpix", "lam"))
        if not len(y) or y.min() < 0 or x.min() < 0 or y.max() >= shape[0] or x.max() >= shape[1]:
            raise InputError(
                f"{path}: ROI {number} has no pixel, or some outside of {shape[0]} x {shape[1]} px; {AGAIN}"
            )
        weight = np.maximum(weight, 0).astype(np.float32)
        found.append((y.astype(np.int32), x.astype(np.int32), weight / max(weight.sum(), np.float32(1e-12))))
    return found


def images(settings: dict[str, Any], shape: tuple[int, int]) -> dict[str, FloatArray]:
    """Images of the field; those of its inner part (yrange, xrange) are put in their place."""
    found: dict[str, FloatArray] = {}
    y, x = (settings.get(name) for name in ("yrange", "xrange"))
    for name, key in IMAGES.items():
        image = np.asarray(settings.get(key, 0))
        if image.shape == shape:
            found[name] = image.astype(np.float32)
        elif image.ndim == 2 and y is not None and x is not None and image.shape == (y[1] - y[0], x[1] - x[0]):
            found[name] = np.full(shape, image.min(), np.float32)
            found[name][y[0] : y[1], x[0] : x[1]] = image
    return found
