"""What every motion backend promises, over all of them."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from packages import require
from scipy import ndimage
from synthetic_movies import Moving, acquisition, frames_table, moving

from groundtrace.io import create_movie, open_movie
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import move_frames
from groundtrace.motion.none import NoMotion
from groundtrace.motion.normcorre import NormCorre
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.quality import assess
from groundtrace.motion.suite2p import Suite2pMotion
from groundtrace.tables import MotionQuality, Shifts, validate

BACKENDS = {
    "none": NoMotion(),
    "phase": Phase(),
    "phase_rigid": Phase(nonrigid=False),
    "rigid": Suite2pMotion(nonrigid=False),
    "nonrigid": Suite2pMotion(block_size=(64, 64)),
    "normcorre_rigid": NormCorre(nonrigid=False),
    "normcorre": NormCorre(stride=(32, 32), overlap=(24, 24)),
}
FRAMES = 97
"""Odd, and one more than a multiple of the batch of this field: the last batch is one frame."""


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request) -> MotionBackend:
    require(BACKENDS[request.param])
    return BACKENDS[request.param]


@pytest.fixture(scope="module")
def truth() -> Moving:
    return moving((FRAMES, 128, 128), whole=False)


def run(backend: MotionBackend, movie: np.ndarray, folder: Path, threads: int = 1) -> tuple[np.ndarray, Registration]:
    """Run on files, as the workflow does."""
    np.save(folder / "movie.npy", movie)
    (folder / "movie.npy").chmod(0o444)
    registered = create_movie(folder / "registered.npy", movie.shape, movie.dtype)
    scratch = folder / "scratch"
    scratch.mkdir()
    result = backend.run(
        open_movie(folder / "movie.npy"), registered, acquisition(movie.shape, str(movie.dtype)), scratch, threads
    )
    return np.array(registered), result


def likeness(image: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two images that may lie a few pixels apart: where a reference lies is up to the backend."""
    inner = other[8:-8, 8:-8].ravel()
    shifts = [(y, x) for y in range(-6, 7) for x in range(-6, 7)]
    return max(np.corrcoef(np.roll(image, shift, (0, 1))[8:-8, 8:-8].ravel(), inner)[0, 1] for shift in shifts)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_shapes_and_values(backend, truth, tmp_path):
    registered, result = run(backend, truth.movie, tmp_path)
    for values in (result.y, result.x, result.correlation):
        assert values.shape == (FRAMES,)
        assert np.isfinite(values).all()
    assert result.block_y.shape == result.block_x.shape
    assert result.block_y.shape == (FRAMES, result.blocks.count)
    assert result.template.shape == truth.still.shape
    assert likeness(result.template, truth.still) > 0.8
    assert abs(registered.mean() / truth.movie.mean() - 1) < 0.01, "values keep their scale"
    assert (registered.std(axis=(1, 2)) > 0).all(), "every frame is written, the last one too"


def test_registered_pixels_are_raw_pixels_at_the_shift(backend, truth, tmp_path):
    registered, result = run(backend, truth.movie, tmp_path)
    for t in (0, FRAMES // 2, FRAMES - 1):
        shift = np.array([result.y[t], result.x[t]], np.float64)
        there, opposite = (
            ndimage.shift(truth.movie[t].astype(np.float64), sign * shift, order=1)[20:-20, 20:-20] for sign in (-1, 1)
        )
        here = registered[t, 20:-20, 20:-20]
        if result.blocks.count == 0:
            # Interpolated in single precision, then rounded; whole pixels are copied.
            assert np.abs(here - there).max() <= (0 if (shift % 1 == 0).all() else 0.51)
        else:
            assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.8
            assert np.abs(shift).max() < 2 or np.corrcoef(here.ravel(), opposite.ravel())[0, 1] < 0.8


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32"])
def test_keeps_the_integer_type(backend, dtype, tmp_path):
    offset = {"uint8": -40.0, "int16": -3000.0, "uint16": 60_000.0, "int32": 3_000_000.0}[dtype]
    film = moving((40, 96, 80), dtype, offset=offset, noise=0.05) if dtype != "uint8" else moving((40, 96, 80), dtype)
    registered, result = run(backend, film.movie, tmp_path)
    assert registered.dtype == film.movie.dtype
    assert abs(registered.mean() - film.movie.mean()) < 0.02 * film.movie.std() + 5
    assert abs(result.template.mean() - film.movie.mean()) < 0.1 * film.movie.std()


def test_same_bytes_on_two_runs_and_any_number_of_threads(backend, truth, tmp_path):
    digests = set()
    for number, threads in enumerate((1, 1, 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, result = run(backend, truth.movie, folder, threads)
        arrays = (result.y, result.x, result.correlation, result.block_y, result.block_x, result.template)
        digests.add((digest(folder / "registered.npy"), b"".join(a.tobytes() for a in arrays)))
    assert len(digests) == 1


def test_movie_and_home_are_left_alone(backend, truth, tmp_path, monkeypatch):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    run(backend, truth.movie, work)
    np.testing.assert_array_equal(np.load(work / "movie.npy"), truth.movie)
    assert os.environ["HOME"] == str(home)
    assert list(home.iterdir()) == []
    assert sorted(p.name for p in work.iterdir()) == ["movie.npy", "registered.npy", "scratch"]


@pytest.mark.parametrize("frames", [2, 3, 33])
def test_few_frames(backend, frames, tmp_path):
    film = moving((frames, 96, 96))
    registered, result = run(backend, film.movie, tmp_path)
    assert registered.shape == film.movie.shape
    assert len(result.y) == frames


def test_assessed_alike(backend, truth, tmp_path):
    registered, result = run(backend, truth.movie, tmp_path)
    shifts, quality, images = assess(truth.movie, registered, result, frames_table(FRAMES))
    validate(Shifts, shifts)
    validate(MotionQuality, quality)
    assert shifts["block_y"].list.len().to_list() == [result.block_y.shape[1]] * FRAMES
    centres = [images.pop(f"block_centre_{axis}") for axis in "yx"]
    assert images.pop("scan_offset") == result.blocks.scan_offset
    assert len(centres[0]) * len(centres[1]) == result.block_y.shape[1]
    assert set(images) == {"template", "mean", "mean_before", "coverage"}
    assert all(image.dtype == np.float32 and image.shape == truth.still.shape for image in images.values())
    row = quality.row(0, named=True)
    if isinstance(backend, NoMotion):
        assert row["residual_motion"] > 0.8
        assert row["crispness"] == row["crispness_before"]
    else:
        assert row["residual_motion"] < 0.4
        assert row["crispness"] > row["crispness_before"]
        assert row["template_correlation"] > row["template_correlation_before"]


def test_motion_estimated_on_one_channel_moves_the_other(truth, tmp_path):
    """The functional channel is too dark to be registered by itself."""
    dark = np.random.default_rng(0).poisson(truth.movie / truth.movie.mean() * 0.02).astype(truth.movie.dtype)
    _, alone = run(Phase(), truth.movie, tmp_path)
    np.save(tmp_path / "dark.npy", dark)
    registered, scratch = np.empty_like(dark), tmp_path / "other"
    scratch.mkdir()
    given = acquisition(dark.shape, str(dark.dtype))
    found = Phase().register(truth.movie, open_movie(tmp_path / "dark.npy"), registered, given, scratch, 1)
    np.testing.assert_array_equal(found.y, alone.y)
    moved = move_frames(
        dark,
        (found.y, found.x),
        (found.block_y, found.block_x),
        found.blocks,
        np.rint(found.template).astype(dark.dtype),
    )
    np.testing.assert_array_equal(registered, moved)
    assert list(scratch.iterdir()) == [scratch / "backend"]
