"""Movies that cannot be used: the message a user sees for each, and nothing half-written left behind."""
# ruff: noqa: E501 (messages stand as a user sees them)

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session

SHAPE = (8, 12, 10)
Made = list[Path]


def movie(shape: tuple[int, ...] = SHAPE, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, shape).astype(dtype)


def write_pages(path: Path, images: Any, **options) -> Path:
    """Pixels of a page before its directory, and directories one after the other, as cameras write them."""
    with tifffile.TiffWriter(path) as out:
        for image in images:
            out.write(image, contiguous=False, metadata=None, **options)
    return path


def cut(path: Path, share: float) -> Made:
    size = path.stat().st_size
    with path.open("r+b") as out:
        out.truncate(int(size * share))
    return [path]


def tiff(name: str = "m.tif", images: Any = None, **options) -> Callable[[Path], Made]:
    return lambda folder: [write_pages(folder / name, movie() if images is None else images, **options)]


def npy(array: np.ndarray) -> Callable[[Path], Made]:
    def write(folder: Path) -> Made:
        np.save(folder / "m.npy", array)
        return [folder / "m.npy"]

    return write


def file(name: str, content: bytes) -> Callable[[Path], Made]:
    def write(folder: Path) -> Made:
        (folder / name).write_bytes(content)
        return [folder / name]

    return write


def hdf5(name: str, **arrays: np.ndarray) -> Callable[[Path], Made]:
    def write(folder: Path) -> Made:
        with h5py.File(folder / name, "w") as store:
            for key, array in arrays.items():
                store[key] = array
        return [folder / name]

    return write


def truncated_hdf5(folder: Path) -> Made:
    return cut(hdf5("m.h5", data=movie((400, 12, 10)))(folder)[0], 0.5)


def truncated_compressed(folder: Path) -> Made:
    path = write_pages(folder / "m.tif", movie(), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        start, size = tif.pages[4].dataoffsets[0], tif.pages[4].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + size] = bytes(size)
    path.write_bytes(content)
    return [path]


def scanbox(folder: Path, mat: bool = True) -> Made:
    from scipy.io import savemat

    movie().tofile(folder / "m.sbx")
    if mat:
        info = {"channels": 2, "scanmode": 1, "recordsPerBuffer": 12, "sz": [12, 10], "resfreq": 8000.0}
        savemat(folder / "m.mat", {"info": info | {"config": {"lines": 12}}})
    return [folder / "m.sbx"]


def scanbox_alone(folder: Path) -> Made:
    return scanbox(folder, mat=False)


def two_sizes(folder: Path) -> Made:
    return [write_pages(folder / "a.tif", movie()), write_pages(folder / "b.tif", movie((8, 12, 14)))]


def two_types(folder: Path) -> Made:
    return [write_pages(folder / "a.tif", movie()), write_pages(folder / "b.tif", movie(dtype="int16"))]


def with_value(value: float) -> np.ndarray:
    array = movie(dtype="float32")
    array[5, 3, 2] = value
    return array


def scanimage(**changes: Any) -> Callable[[Path], Made]:
    values = {
        "hChannels.channelSave": "1",
        "hRoiManager.scanFrameRate": 30,
        "hRoiManager.scanVolumeRate": 15,
        "hStackManager.enable": "true",
        "hStackManager.framesPerSlice": 1,
        "hStackManager.numSlices": 2,
    }
    settings = "\n".join(f"SI.{name} = {value}" for name, value in (values | changes).items())
    return tiff("si.tif", software=settings)


def nwb_of_other_files(folder: Path) -> Made:
    from datetime import UTC, datetime

    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    content = NWBFile("bad", "bad", datetime(2026, 3, 1, tzinfo=UTC))
    plane = content.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=510.0),
        description="plane",
        device=content.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6s",
        location="V1",
    )
    outside = {
        "external_file": ["raw_1.tif", "raw_2.tif"],
        "format": "external",
        "starting_frame": [0, 4],
        "num_samples": 8,
    }
    series = TwoPhotonSeries(name="Series", imaging_plane=plane, unit="n.a.", rate=30.0, dimension=[10, 12], **outside)
    content.add_acquisition(series)
    with NWBHDF5IO(folder / "m.nwb", "w") as out:
        out.write(content)
    return [folder / "m.nwb"]


def mesc_of_two(folder: Path) -> Made:
    return hdf5("m.mesc", **{f"MSession_0/MUnit_{unit}/Channel_0": movie() for unit in range(2)})(folder)


def empty_folder(folder: Path) -> Made:
    (folder / "TSeries-01").mkdir()
    (folder / "TSeries-01" / "notes.txt").write_text("nothing here")
    return [folder / "TSeries-01"]


CASES: dict[str, tuple[Callable[[Path], Made], dict[str, Any], str]] = {
    "missing": (
        lambda folder: [folder / "gone.tif"],
        {},
        "gone.tif: does not exist; correct the column path of the sheet",
    ),
    "empty": (file("m.tif", b""), {}, "m.tif: is empty; copy it again from the microscope"),
    "text as TIFF": (
        file("m.tif", b"frame,brightness\n1,2\n"),
        {},
        "m.tif: cannot be read as tiff: not a TIFF file: header=b'fram'; its content is text: correct the column path",
    ),
    "HDF5 as TIFF": (
        hdf5("m.tif", data=movie()),
        {},
        "m.tif: cannot be read as tiff: not a TIFF file: header=b'\\x89HDF'; its content looks like hdf5 or nwb or "
        "femtonics: write that in the column format",
    ),
    "TIFF as HDF5": (
        tiff("m.h5"),
        {},
        "m.h5: cannot be read as hdf5: Unable to synchronously open file (file signature not found); its content looks "
        "like tiff: write that in the column format",
    ),
    "folder of TIFF files": (
        empty_folder,
        {"format": "tiff"},
        "TSeries-01: is a folder; write the files in it in the column path, for example {folder}/TSeries-01/*",
    ),
    "no suffix": (file("movie", b"x"), {}, "movie: has no suffix that names a format; fill the column format"),
    "compressed TIFF with a broken frame": (
        truncated_compressed,
        {},
        "m.tif: cannot be read as tiff: libdeflate_zlib_decompress returned LIBDEFLATE_BAD_DATA; check the "
        "column format; if no other program opens it either, copy it again from the microscope",
    ),
    "HDF5 cut": (
        truncated_hdf5,
        {},
        "m.h5: cannot be read as hdf5: Unable to synchronously open file (truncated file: eof = 49024, sblock->base_addr "
        "= 0, stored_eof = 98048); check the column format; if no other program opens it either, copy it again from the "
        "microscope",
    ),
    "Scanbox without .mat": (
        scanbox_alone,
        {},
        "m.sbx: its m.mat, which holds the frame size, is not beside it; copy it there",
    ),
    "one frame": (
        tiff(images=movie((1, 12, 10))),
        {},
        "m.tif: 1 raw frame(s) make 1 frame(s) of each plane with planes = 1 and channels = 1, a movie needs at least 2; "
        "correct these columns, or leave the session out",
    ),
    "fewer frames than planes": (
        tiff(),
        {"planes": 5},
        "m.tif: 8 raw frame(s) make 1 frame(s) of each plane with planes = 5 and channels = 1, a movie needs at least 2; "
        "correct these columns, or leave the session out",
    ),
    "frames that cannot be channels": (
        tiff(images=movie((9, 12, 10))),
        {"channels": 2},
        "m.tif: 9 raw frames cannot be 2 channels, 1 left over; channels are always complete: correct the column channels",
    ),
    "NaN": (
        npy(with_value(np.nan)),
        {},
        "m.npy: raw frame 5 has NaN or infinite pixels; export the detector's integers",
    ),
    "infinite": (
        npy(with_value(np.inf)),
        {},
        "m.npy: raw frame 5 has NaN or infinite pixels; export the detector's integers",
    ),
    "fractions": (
        npy(with_value(3.25)),
        {},
        "m.npy: pixels are float32 with fractions (such as 3.25), movies are kept in whole numbers; export the detector's "
        "integers, or multiply by a constant that makes all pixels whole and save as int16 or uint16 or int32",
    ),
    "too large": (
        npy(with_value(1e12)),
        {},
        "m.npy: pixels range from 0 to 1e+12, more than int32 holds; export the detector's integers",
    ),
    "constant": (
        npy(np.full(SHAPE, 7, np.uint16)),
        {},
        "m.npy: is no movie, all pixels have the value 7; check the microscope and leave the session out",
    ),
    "frozen": (
        npy(np.repeat(movie()[:1], 8, axis=0)),
        {},
        "m.npy: is no movie, all frames are the same image; check the microscope and leave the session out",
    ),
    "sizes mixed in a file": (
        tiff(images=[*movie(), movie((6, 10))]),
        {},
        "m.tif: page 8 is (6, 10) uint16, the first is (12, 10) uint16; a movie has one size and type: save previews and "
        "overviews as other files",
    ),
    "types mixed in a file": (
        tiff(images=[*movie(), *movie(dtype="uint8")]),
        {},
        "m.tif: page 8 is (12, 10) uint8, the first is (12, 10) uint16; a movie has one size and type: save previews and "
        "overviews as other files",
    ),
    "sizes mixed between files": (
        two_sizes,
        {},
        "b.tif: frames are 12 × 14 uint16, those of a.tif 12 × 10 uint16; files of a session must be alike: use one row "
        "for each",
    ),
    "types mixed between files": (
        two_types,
        {},
        "b.tif: frames are 12 × 10 int16, those of a.tif 12 × 10 uint16; files of a session must be alike: use one row "
        "for each",
    ),
    "RGB": (
        tiff(images=movie((8, 12, 10, 3), "uint8"), photometric="rgb"),
        {},
        "m.tif: is a colour image (3 samples per pixel); export the raw grey values of each channel, channels as separate "
        "frames",
    ),
    "single image": (
        npy(movie((12, 10))),
        {},
        "m.npy: has shape (12, 10); a movie is (T, Y, X), or (T, Z, Y, X) with several planes",
    ),
    "booleans": (
        npy(movie() > 500),
        {},
        "m.npy: pixels are of type bool, allowed are integers; export it again",
    ),
    "Python objects": (
        npy(movie().astype(object)),
        {},
        "m.npy: pixels are of type object, allowed are integers; export it again",
    ),
    "Fortran order": (
        npy(np.asfortranarray(movie())),
        {},
        "m.npy: is in Fortran order; save it with numpy.save(path, numpy.ascontiguousarray(movie))",
    ),
    "planes against metadata": (
        scanimage(),
        {},
        "si.tif: its metadata says planes = 2, the sheet 1; write 2 in the column planes",
    ),
    "channels against metadata": (
        scanimage(**{"hChannels.channelSave": "[1;2]"}),
        {"planes": 2},
        "si.tif: its metadata says channels = 2, the sheet 1; write 2 in the column channels",
    ),
    "repeats of each slice": (
        scanimage(**{"hStackManager.framesPerSlice": 4}),
        {"planes": 2},
        "si.tif: ScanImage took 4 frames of each slice before the next (framesPerSlice) and averaged 1: frames of a plane "
        "are not evenly spaced in time; average those of each slice and save them",
    ),
    "no frame rate": (
        tiff(),
        {"frame_rate": None},
        "m.tif: has no frame rate in its metadata, and the sheet none for sub-M01 ses-001; fill the column frame_rate (Hz)",
    ),
    "two datasets": (
        hdf5("m.h5", green=movie(), red=movie()),
        {},
        "m.h5: holds 2 times a 3-D dataset (green, red); keep one, or name the movie `data`",
    ),
    "no dataset": (
        hdf5("m.h5", image=movie((12, 10))),
        {},
        "m.h5: holds no 3-D dataset; check the columns path and format",
    ),
    "NWB of other files": (
        nwb_of_other_files,
        {},
        "m.nwb: its frames are in other files; write their paths in the column path: raw_1.tif;raw_2.tif",
    ),
    "MESc of two movies": (
        mesc_of_two,
        {},
        "m.mesc: holds 2 movies (MSession_0/MUnit_0, MSession_0/MUnit_1), one is needed; export each as its own .mesc file",
    ),
    "Bruker folder without its XML": (
        empty_folder,
        {"format": "bruker"},
        "TSeries-01: TSeries-01.xml, which describes the recording, is not in the folder; copy it there",
    ),
    "Micro-Manager folder without images": (
        empty_folder,
        {"format": "micromanager"},
        "TSeries-01: holds no .ome.tif file; check the columns path and format",
    ),
    "Thor folder without images": (
        empty_folder,
        {"format": "thor"},
        "TSeries-01: holds no .tif file and no Image_*.raw; copy the folder of the recording again",
    ),
}


def session(**changes: Any) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


@pytest.mark.parametrize("name", CASES)
def test_bad_movie_is_refused_with_its_reason_and_next_step(name, tmp_path):
    make, changes, message = CASES[name]
    files, out = make(tmp_path), tmp_path / "out"
    with pytest.raises(InputError) as caught:
        ingest(session(**changes), files, 0, out / "movie.npy")
    assert str(caught.value) == f"{tmp_path}/{message.replace('{folder}', str(tmp_path))}"
    assert not out.exists() or list(out.iterdir()) == []


def test_file_that_is_still_growing_is_refused(tmp_path):
    path, out = tmp_path / "m.npy", tmp_path / "out"
    np.save(path, movie((4000, 64, 64)))
    done = threading.Event()

    def acquire() -> None:
        with path.open("ab", buffering=0) as growing:
            while not done.is_set():
                growing.write(b"frame")
                time.sleep(0.001)

    camera = threading.Thread(target=acquire)
    camera.start()
    try:
        with pytest.raises(
            InputError, match=r"m\.npy: changed while it was read; wait until the acquisition has ended"
        ):
            ingest(session(), [path], 0, out / "movie.npy")
    finally:
        done.set()
        camera.join()
    assert list(out.iterdir()) == []


def test_a_failed_ingest_leaves_an_earlier_movie_as_it_was(tmp_path):
    np.save(tmp_path / "good.npy", movie())
    np.save(tmp_path / "bad.npy", np.full(SHAPE, 7, np.uint16))
    ingest(session(), [tmp_path / "good.npy"], 0, tmp_path / "movie.npy")
    before = (tmp_path / "movie.npy").read_bytes()
    with pytest.raises(InputError, match="is no movie"):
        ingest(session(), [tmp_path / "bad.npy"], 0, tmp_path / "movie.npy")
    assert (tmp_path / "movie.npy").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.npy", "good.npy", "movie.npy"]
