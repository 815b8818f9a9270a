"""Results of other pipelines that a session may start from: names of the sheet's column `format`."""

from pathlib import Path

RESULTS = {
    "suite2p_rois": "a Suite2p plane folder (F.npy, Fneu.npy, stat.npy, iscell.npy, ops.npy or settings.npy)",
    "caiman_rois": "a CaImAn .hdf5, written by cnm.save",
    "nwb_rois": "a processed NWB file with a PlaneSegmentation and its traces",
}
FILES = (
    "F.npy",
    "Fneu.npy",
    "stat.npy",
    "iscell.npy",
    "settings.npy",
    "db.npy",
    "reg_outputs.npy",
    "detect_outputs.npy",
    "ops.npy",
)
"""Of a Suite2p plane folder: what is read, where it is there; of the settings, the later in the list the stronger."""


def reader_of(name: str) -> str:
    """Module of a format of results."""
    return f"groundtrace.adopted.{name.removesuffix('_rois')}"


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that are read of one entry of the sheet."""
    return tuple(path / name for name in FILES if (path / name).is_file()) if path.is_dir() else (path,)
