"""Results of other pipelines that a session may start from: names of the sheet's column `format`."""

from pathlib import Path

RESULTS = {
    "suite2p_rois": "a Suite2p plane folder (F.npy, Fneu.npy, stat.npy, iscell.npy, ops.npy or settings.npy)",
    "caiman_rois": "a CaImAn .hdf5, written by cnm.save",
    "nwb_rois": "a processed NWB file with a PlaneSegmentation and its traces",
    "extract_rois": "EXTRACT's output in a MATLAB 7.3 file",
    "minian_rois": "a folder of Minian (A.zarr, YrA.zarr)",
    "nwb_units": "sorted spikes of an NWB file (`units`), for their responses to stimuli",
}
UNITS = "nwb_units"
"""The one that has spikes, and neither ROIs nor traces."""
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

MINIAN = ("A", "YrA", "b", "f", "max_proj")
"""Variables of Minian that are read, each in a Zarr store of its own."""
STAMPS = "timeStamps.csv"
"""Times of frames, as the software of miniscopes writes them, in Minian's folder."""


def reader_of(name: str) -> str:
    """Module of a format of results."""
    return f"groundtrace.adopted.{name.removesuffix('_rois')}"


def format_of(path: Path) -> str | None:
    """Format of a result, told from what is in a file or folder; None where it is no result, or holds a movie too."""
    if path.is_dir():
        if (path / "F.npy").is_file() and (path / "stat.npy").is_file():
            return "suite2p_rois"
        return "minian_rois" if (path / "A.zarr/A").is_dir() else None
    return _format_of_hdf5(path) if path.suffix.lower() in (".hdf5", ".h5", ".mat", ".nwb") else None


def _format_of_hdf5(path: Path) -> str | None:
    import h5py

    from groundtrace.adopted import allen, extract
    from groundtrace.extraction.given.nwb import SEGMENTATION, typed

    try:
        with h5py.File(path, "r") as file:
            if path.suffix.lower() == ".nwb":
                movie = any(typed(file, name) for name in ("TwoPhotonSeries", "OnePhotonSeries"))
                return "nwb_rois" if allen.is_one(file) or (typed(file, SEGMENTATION) and not movie) else None
            if "estimates" in file:
                return "caiman_rois"
            return "extract_rois" if extract.is_one(file) else None
    except OSError:
        return None


def packages_of(name: str) -> list[str]:
    """Packages that read a format of results."""
    return ["numpy", "zarr" if name == "minian_rois" else "h5py"]


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that are read of one entry of the sheet."""
    if not path.is_dir():
        return (path,)
    own = [path / name for name in (*FILES, STAMPS) if (path / name).is_file()]
    stores = [part for name in MINIAN for part in sorted((path / f"{name}.zarr").rglob("*")) if part.is_file()]
    return (*own, *stores)
