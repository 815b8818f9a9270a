"""A movie file reads and writes as the array in it would, and holds none of it in memory."""

from pathlib import Path

import numpy as np
import pytest

from groundtrace.errors import InputError
from groundtrace.movies.file import MovieFile, create_movie, open_movie

MASK = np.arange(9) % 3 == 0
KEYS = {
    "a frame": 4,
    "the last frame": -1,
    "a stretch": slice(2, 6),
    "beyond the end": slice(7, 20),
    "none": slice(3, 3),
    "every other frame": slice(None, None, 2),
    "backwards": slice(None, None, -1),
    "numbers": np.array([0, 1, 2, 5, 6, 3]),
    "a mask": MASK,
    "rows": (slice(1, 8), slice(5, 20)),
    "columns": (3, slice(None), slice(30, -3)),
    "one pixel": (slice(None), 3, -1),
    "one column": (MASK, slice(3, 9), 7),
    "every other row": (slice(1, 4), slice(None, None, 2), slice(10)),
    "a part of some frames": (np.array([8, 0]), slice(5, 20), slice(None, None, 4)),
}


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(-99, 99, (9, 40, 50)).astype(np.int16)


@pytest.mark.parametrize("kept", [slice(None), slice(0, None), slice(1, None, 2)], ids=str)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_frames_are_those_of_the_array(key, kept, frames, tmp_path):
    frames = np.concatenate([frames, frames[::-1] + 1])
    movie, wanted = saved(tmp_path, frames, kept), frames[kept]
    key = tuple(np.resize(MASK, len(wanted)) if part is MASK else part for part in np.index_exp[key])
    found = movie[key]
    assert (found.shape, found.dtype) == (wanted[key].shape, wanted.dtype)
    np.testing.assert_array_equal(found, wanted[key])
    assert (movie.shape, len(movie), movie.dtype) == (wanted.shape, len(wanted), wanted.dtype)


def saved(folder: Path, frames: np.ndarray, kept: slice) -> MovieFile:
    np.save(folder / "movie.npy", frames)
    return open_movie(folder / "movie.npy", kept)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float16"])
@pytest.mark.parametrize("key", [KEYS[name] for name in KEYS if not isinstance(KEYS[name], tuple)], ids=str)
def test_what_is_assigned_is_in_the_file(key, dtype, frames, tmp_path):
    movie, wanted = create_movie(tmp_path / "movie.npy", frames.shape, dtype), np.zeros(frames.shape, dtype)
    wanted[key] = movie[key] = frames[key] / 3 + 1
    np.testing.assert_array_equal(movie, wanted)
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), wanted)
    wanted[2:4] = movie[2:4] = frames[0]
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), wanted)


def test_a_new_movie_has_the_bytes_of_a_saved_array(frames, tmp_path):
    create_movie(tmp_path / "new.npy", frames.shape, frames.dtype)[:] = frames
    np.save(tmp_path / "saved.npy", frames)
    assert (tmp_path / "new.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_a_movie_for_reading_cannot_be_changed(frames, tmp_path):
    movie = saved(tmp_path, frames, slice(None))
    with pytest.raises(OSError, match="Bad file descriptor"):
        movie[0] = frames[1]
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), frames)


def test_frames_that_do_not_exist_are_no_frames(frames, tmp_path):
    movie = saved(tmp_path, frames, slice(None))
    assert len(list(movie)) == len(frames)
    with pytest.raises(IndexError):
        movie[9]


def test_a_movie_that_ends_early_is_named(tmp_path):
    movie = create_movie(tmp_path / "movie.npy", (5, 40, 50), "int16")
    with (tmp_path / "movie.npy").open("r+b") as handle:
        handle.truncate(12000)
    with pytest.raises(InputError, match=r"movie.npy: the movie ends before frame 5; make the file again"):
        movie[3:5]


@pytest.mark.parametrize("stored", [np.zeros((4, 5)), np.asfortranarray(np.zeros((4, 5, 6)))], ids=["2-D", "Fortran"])
def test_another_array_is_no_movie(stored, tmp_path):
    np.save(tmp_path / "movie.npy", stored)
    with pytest.raises(InputError, match=r"movie.npy: a movie has three axes \(T, Y, X\)"):
        open_movie(tmp_path / "movie.npy")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from Linux's /proc")
def test_no_page_of_the_file_stays_in_memory(tmp_path):
    def mapped() -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile")) / 1024

    before = mapped()
    movie = create_movie(tmp_path / "movie.npy", (64, 512, 512), "uint32")  # 64 MiB
    for k in range(len(movie)):
        movie[k] = movie[k] + np.uint32(k)
    assert mapped() - before < 8
