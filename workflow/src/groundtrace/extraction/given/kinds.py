"""Files that ROIs of one's own are read from, by suffix."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    ".zip": "imagej",
    ".roi": "imagej",
    ".tif": "labels",
    ".tiff": "labels",
    ".npy": "labels",
    ".nwb": "nwb",
    ".parquet": "table",
}
"""Readers in this folder."""
CONVERT = {
    ".png": "save it as TIFF (Fiji: File > Save As > Tiff), or give the _seg.npy that Cellpose writes beside it",
    ".json": "save the regions as a label image (TIFF, one whole number for each ROI)",
    ".mat": "save the masks as a label image (TIFF or .npy, one whole number for each ROI)",
    ".h5": "save the masks as a label image (TIFF or .npy, one whole number for each ROI)",
    ".hdf5": "save the masks as a label image (TIFF or .npy, one whole number for each ROI)",
}
"""What to do with others."""


def kind_of(name: str) -> str:
    """Reader of a file; raises ValueError where there is none."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in KINDS:
        return KINDS[suffix]
    advice = CONVERT.get(suffix, "name the file in the column rois")
    raise ValueError(f"{name!r} is no file of ROIs that is read ({', '.join(KINDS)}); {advice}")


@dataclass(frozen=True)
class RoiFile:
    """Where the ROIs of one plane stand."""

    path: Path
    plane: int = 0
    """Which of the planes in the file, 0-based."""
    planes: int = 1
    """Planes that the file must have."""


def by_plane(names: Sequence[str], planes: int) -> tuple[RoiFile, ...]:
    """The file of each plane; an NWB file may hold all of them. Raises ValueError where files and planes disagree."""
    for name in names:
        kind_of(name)
    if len(names) == 1 and kind_of(names[0]) == "nwb":
        return tuple(RoiFile(Path(names[0]), plane, planes) for plane in range(planes))
    if len(names) != planes:
        raise ValueError(
            f"{len(names)} file{'' if len(names) == 1 else 's'} for {planes} plane{'s' if planes > 1 else ''}; write "
            "one file for each plane, in order, separated by ;"
        )
    return tuple(RoiFile(Path(name)) for name in names)
