"""Movies that are one array of a store: HDF5, NWB `TwoPhotonSeries`, Zarr."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata, Raw
from groundtrace.sessions import Format

# What Suite2p, CaImAn and OME-Zarr call the movie.
USUAL_NAMES = ("data", "mov", "0")


class ArrayRaw(Raw):
    """One array-like with named axes: T, Y and X, and perhaps Z (planes) and C (channels)."""

    def __init__(
        self,
        path: Path,
        format: Format,
        array: Any,
        axes: str,
        metadata: Metadata,
        close: Callable[[], None] = lambda: None,
    ):
        sizes = dict(zip(axes, array.shape, strict=True))
        self._array, self._axes, self._close = array, axes, close
        self._lead = sizes["T"], sizes.get("Z", 1), sizes.get("C", 1)
        super().__init__(
            path,
            format,
            frames=int(np.prod(self._lead)),
            image=(sizes["Y"], sizes["X"]),
            dtype=np.dtype(array.dtype),
            metadata=metadata,
        )
        chunks = getattr(array, "chunks", None)
        if chunks:
            self.block = chunks[axes.index("T")]

    def _read(self, frames: IntArray, out: NDArray[Any]) -> None:
        times, planes, channels = np.unravel_index(frames, self._lead)
        steps = np.unique(np.diff(times))
        if len(steps) > 1 or np.ptp(planes) or np.ptp(channels):
            for position, place in enumerate(zip(times, planes, channels, strict=True)):
                out[position] = self._select(slice(place[0], place[0] + 1), *place[1:])[0]
        else:
            step = int(steps[0]) if len(steps) else 1
            out[...] = self._select(slice(int(times[0]), int(times[-1]) + 1, step), planes[0], channels[0])

    def _select(self, times: slice, plane: Any, channel: Any) -> NDArray[Any]:
        """(n, Y, X) of one plane and channel."""
        where = {"T": times, "Z": int(plane), "C": int(channel)}
        part = np.asarray(self._array[tuple(where.get(axis, slice(None)) for axis in self._axes)])
        left = "".join(axis for axis in self._axes if axis in "TYX")
        return part.transpose([left.index(axis) for axis in "TYX"])

    def close(self) -> None:
        self._close()


def open_hdf5(path: Path) -> ArrayRaw:
    """The only 3-D (T, Y, X) or 4-D (T, Z, Y, X) dataset of an HDF5 file, or the one named `data` or `mov`.

    Its frame rate, Hz, is taken from the dataset's attribute `frame_rate` or `fr` (CaImAn).
    """
    import h5py

    store = h5py.File(path, "r")
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (3, 4) and item.dtype.kind in "iuf":
            found[name] = item

    store.visititems(visit)
    array = _only(path, found, "3-D dataset", "keep one, or name the movie `data`")
    rate = array.attrs.get("frame_rate", array.attrs.get("fr"))
    metadata = Metadata(frame_rate=None if rate is None else float(rate), planes=_planes(array))
    return ArrayRaw(path, "hdf5", array, "TYX" if array.ndim == 3 else "TZYX", metadata, store.close)


def open_zarr(path: Path) -> ArrayRaw:
    """A Zarr array (T, Y, X) or (T, Z, Y, X), the only such array of a group, or OME-Zarr with its named axes."""
    import zarr

    node: Any = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        found: dict[str, Any] = {path.name: node}
    else:
        found = {name: item for name, item in node.members(max_depth=None) if isinstance(item, zarr.Array)}
        found = {name: item for name, item in found.items() if item.ndim in (3, 4, 5)}
    array = _only(path, found, "array of 3 to 5 axes", "keep one, or name the movie `data`")
    described: Any = node.attrs
    multiscales = described.get("multiscales") or described.get("ome", {}).get("multiscales")
    if multiscales:
        axes = "".join(str(axis["name"]).upper() for axis in multiscales[0]["axes"])
    else:
        axes = {3: "TYX", 4: "TZYX"}.get(array.ndim, "")
    if sorted(axes) not in ([*"TXY"], [*"TXYZ"], [*"CTXY"], [*"CTXYZ"]):
        raise InputError(
            f"{path}: has axes {axes or array.shape}; a movie is (T, Y, X), (T, Z, Y, X), or OME-Zarr with a time axis"
        )
    if array.nchunks_initialized < array.nchunks:
        warnings.warn(
            f"{path}: {array.nchunks - array.nchunks_initialized} of {array.nchunks} chunks are not in the store and "
            f"read as {array.fill_value}; if the recording was not dark there, copy it again",
            stacklevel=2,
        )
    sizes = dict(zip(axes, array.shape, strict=True))
    return ArrayRaw(path, "zarr", array, axes, Metadata(planes=sizes.get("Z"), channels=sizes.get("C")))


def open_nwb(path: Path) -> ArrayRaw:
    """The only `TwoPhotonSeries` of an NWB file's acquisition, or the one of that name.

    Data are (frame, x, y[, z]), as in the NWB schema and as neuroconv writes them: images are transposed here.
    """
    from pynwb import NWBHDF5IO
    from pynwb.ophys import TwoPhotonSeries

    store: Any = NWBHDF5IO(path=str(path), mode="r")
    acquisition = store.read().acquisition
    found = {name: item for name, item in acquisition.items() if isinstance(item, TwoPhotonSeries)}
    series = _only(path, found, "TwoPhotonSeries", "keep one, or name it TwoPhotonSeries", ("TwoPhotonSeries",))
    if series.external_file is not None:
        names = ";".join(str(name) for name in series.external_file)
        raise InputError(f"{path}: its frames are in other files; write their paths in the column path: {names}")
    rate, plane = series.rate, series.imaging_plane
    if rate is None and series.timestamps is not None:
        rate = 1 / np.median(np.diff(series.timestamps[:10_000]))
    if rate is None:
        rate = plane.imaging_rate
    spacing = None if plane.grid_spacing is None else float(plane.grid_spacing[0])
    scale = {"meters": 1e6, "millimeters": 1e3, "micrometers": 1, "microns": 1, "um": 1}.get(plane.grid_spacing_unit)
    metadata = Metadata(
        frame_rate=None if rate is None else float(rate),
        planes=_planes(series.data, -1),
        pixel_size=spacing * scale if spacing and scale else None,
    )
    return ArrayRaw(path, "nwb", series.data, "TXY" if series.data.ndim == 3 else "TXYZ", metadata, store.close)


def _planes(array: Any, axis: int = 1) -> int | None:
    return int(array.shape[axis]) if len(array.shape) == 4 else None


def _only(path: Path, found: Mapping[str, Any], what: str, advice: str, usual: tuple[str, ...] = USUAL_NAMES) -> Any:
    """The only one found, or the one with a usual name."""
    if len(found) == 1:
        return next(iter(found.values()))
    named = [item for name, item in found.items() if name.split("/")[-1] in usual]
    if len(named) == 1:
        return named[0]
    if not found:
        raise InputError(f"{path}: holds no {what}; check the columns path and format")
    raise InputError(f"{path}: holds {len(found)} times a {what} ({', '.join(found)}); {advice}")
