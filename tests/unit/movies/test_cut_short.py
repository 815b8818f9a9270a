"""A file that ends too early is read to its last whole frame, and what is missing is said in numbers."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.io import savemat

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session

MOVIE = np.random.default_rng(0).integers(0, 1000, (8, 12, 10)).astype("uint16")


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


def cut(path: Path, share: float) -> Path:
    with path.open("r+b") as out:
        out.truncate(int(path.stat().st_size * share))
    return path


def in_directories(folder: Path) -> Path:
    """Pixels of a page before its directory, and directories one after the other, as cameras write them."""
    with tifffile.TiffWriter(folder / "m.tif") as out:
        for image in MOVIE:
            out.write(image, contiguous=False, metadata=None, photometric="minisblack")
    return cut(folder / "m.tif", 0.5)


def in_pixels(folder: Path) -> Path:
    """All directories at the start of the file, pixels behind them."""
    head, entries = 8, 9
    size = 2 + 12 * entries + 4
    content = struct.pack("<2sHI", b"II", 42, head)
    for page, image in enumerate(MOVIE):
        following = head + (page + 1) * size if page + 1 < len(MOVIE) else 0
        offset = head + len(MOVIE) * size + page * image.nbytes
        tags = {256: 10, 257: 12, 258: 16, 259: 1, 262: 1, 273: offset, 277: 1, 278: 12, 279: image.nbytes}
        content += struct.pack("<H", entries)
        content += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        content += struct.pack("<I", following)
    (folder / "m.tif").write_bytes(content + MOVIE.tobytes())
    assert np.array_equal(tifffile.imread(folder / "m.tif"), MOVIE)
    return cut(folder / "m.tif", 0.95)


def in_an_imagej_stack(folder: Path) -> Path:
    tifffile.imwrite(folder / "m.tif", MOVIE, imagej=True, truncate=True)
    return cut(folder / "m.tif", 0.8)


def behind_the_pixels(folder: Path) -> Path:
    """Pixels behind the first directory, the other directories behind the pixels, as tifffile writes a stack."""
    tifffile.imwrite(folder / "m.tif", MOVIE)
    (folder / "m.tif").write_bytes((folder / "m.tif").read_bytes()[:-100])
    return folder / "m.tif"


def npy(folder: Path) -> Path:
    np.save(folder / "m.npy", MOVIE)
    return cut(folder / "m.npy", 0.9)


def scanbox(folder: Path) -> Path:
    (65535 - MOVIE).tofile(folder / "m.sbx")
    info = {"channels": 2, "scanmode": 1, "recordsPerBuffer": 12, "sz": [12, 10], "resfreq": 360.0}
    savemat(folder / "m.mat", {"info": info | {"config": {"lines": 12}}})
    return cut(folder / "m.sbx", 0.99)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (in_directories, "first 3 frames"),
        (in_pixels, "first 7 of 8 frames"),
        (in_an_imagej_stack, "first 6 of 8 frames"),
        (behind_the_pixels, "first 7 frames"),
        (npy, "first 7 of 8 frames"),
        (scanbox, "first 7 frames"),
    ],
)
def test_read_to_the_last_whole_frame(make: Callable[[Path], Path], told: str, tmp_path):
    path = make(tmp_path)
    with pytest.warns(UserWarning, match=rf"is cut short: its {told} are read"):
        found = ingest(session(), [path], 0, tmp_path / "movie.npy")
    written = np.load(tmp_path / "movie.npy")
    np.testing.assert_array_equal(written, MOVIE[: len(written)])
    assert f"first {len(written)}" in told
    assert len(found.acquisition.notes) == 1
    assert str(tmp_path) not in found.acquisition.notes[0], "where a file lies changes no result"


def test_no_whole_frame_is_refused(tmp_path):
    path = cut(npy(tmp_path), 0.15)
    with pytest.raises(InputError, match="is cut short inside its first frame"):
        ingest(session(), [path], 0, tmp_path / "movie.npy")


def test_planes_start_again_after_a_file_that_was_cut(tmp_path):
    """Frames hold their number; of two planes, the second file starts with the first."""
    numbered = np.arange(16, dtype="uint16")[:, None, None] + MOVIE[0]
    np.save(tmp_path / "a.npy", numbered[:8])
    np.save(tmp_path / "b.npy", numbered[8:])
    cut(tmp_path / "a.npy", 0.9)
    with pytest.warns(UserWarning, match="1 raw frames, the first of them number 6, belong to volumes of which others"):
        ingest(session(planes=2), [tmp_path / "a.npy", tmp_path / "b.npy"], 0, tmp_path / "movie.npy")
    first = np.load(tmp_path / "movie.npy")[:, 0, 0] - MOVIE[0, 0, 0]
    assert first.tolist() == [0, 2, 4, 8, 10, 12, 14]
