"""The only `TwoPhotonSeries` of an NWB file's acquisition, or the one of that name.

Data are (frame, x, y[, z]), as in the NWB schema and as neuroconv writes them: images are transposed here.
"""

from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.errors import InputError
from groundtrace.movies.raw import Format, Metadata
from groundtrace.movies.stored_array import ArrayRaw, planes_of, the_only


def open_nwb(path: Path) -> ArrayRaw:
    from pynwb import NWBHDF5IO
    from pynwb.ophys import TwoPhotonSeries

    store: Any = NWBHDF5IO(path=str(path), mode="r")
    acquisition = store.read().acquisition
    found = {name: item for name, item in acquisition.items() if isinstance(item, TwoPhotonSeries)}
    series = the_only(path, found, "TwoPhotonSeries", "keep one, or name it TwoPhotonSeries", ("TwoPhotonSeries",))
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
        planes=planes_of(series.data, -1),
        pixel_size=spacing * scale if spacing and scale else None,
    )
    raw = ArrayRaw(path, series.data, "TXY" if series.data.ndim == 3 else "TXYZ", metadata, store.close)
    if series.timestamps is not None:
        raw.times = np.repeat(np.asarray(series.timestamps[:], float), metadata.planes or 1)
    return raw


FORMAT = Format(open_nwb, suffixes=(".nwb",), magic=(b"\x89HDF",))
