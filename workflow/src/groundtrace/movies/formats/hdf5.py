"""HDF5: the only 3-D (T, Y, X) or 4-D (T, Z, Y, X) dataset, or the one named `data` or `mov`; also MATLAB 7.3.

MATLAB's axes are turned round: (rows, columns, frames) of its arrays is (T, X, Y) here. Where time is the last axis, or
MATLAB's first, the images tell. The frame rate, Hz, is taken from the attribute `frame_rate` or `fr` (CaImAn).
"""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.movies.notes import note
from groundtrace.movies.raw import Format, Metadata
from groundtrace.movies.stored_array import ArrayRaw, planes_of, the_only

SLICES = 32
"""Images, evenly spread along an axis, that are compared to find the axis of time."""
LOOKED_AT = 2**26
"""Bytes read for it at most."""


def open_hdf5(path: Path) -> ArrayRaw:
    import h5py

    store = h5py.File(path, "r")
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (3, 4) and item.dtype.kind in "iuf":
            found[name] = item

    store.visititems(visit)
    array = the_only(path, found, "3-D dataset", "keep one, or name the movie `data`")
    rate = array.attrs.get("frame_rate", array.attrs.get("fr"))
    metadata = Metadata(frame_rate=None if rate is None else float(rate), planes=planes_of(array))
    return ArrayRaw(path, array, _axes(path, array, _is_matlab(store, array)), metadata, store.close)


def _is_matlab(store: Any, array: Any) -> bool:
    """MATLAB leaves 512 bytes for its own header, and says the class of every array."""
    return store.userblock_size >= 512 or "MATLAB_class" in array.attrs


def _axes(path: Path, array: Any, matlab: bool) -> str:
    if array.ndim == 4:
        return "TZXY" if matlab else "TZYX"
    if not _time_is_last(array):
        return "TXY" if matlab else "TYX"
    axes = "XYT" if matlab else "YXT"
    note(
        path,
        f"has shape {array.shape}, whose last axis is taken for time: images along it are alike, those along "
        "the first are not; if that is wrong, save the movie as (T, Y, X)",
        "time_axis",
    )
    return axes


def _time_is_last(array: Any) -> bool:
    """Images half a movie apart still show the same tissue; rows or columns half a field apart do not."""
    slices = min(SLICES, len(array), max(4, LOOKED_AT // max(1, array[0].nbytes)))
    some = np.unique(np.linspace(0, len(array) - 1, slices).astype(int))
    part = np.asarray(array[some], np.float32)
    return _likeness(part.swapaxes(0, 2)) > max(0.2, 2 * _likeness(part))


def _likeness(images: np.ndarray) -> float:
    """Mean correlation of images half of the first axis apart."""
    half = len(images) // 2
    if not half:
        return 0.0
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.square(flat).sum(axis=1))
    first, second = flat[:half], flat[half : 2 * half]
    products = (first * second).sum(axis=1) / np.maximum(norm[:half] * norm[half : 2 * half], 1e-9)
    return float(products.mean())


FORMAT = Format(open_hdf5, suffixes=(".h5", ".hdf5", ".mat"), magic=(b"\x89HDF",))
