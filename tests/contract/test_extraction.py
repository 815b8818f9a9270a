"""What every extraction backend promises, over all of them."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from packages import require
from synthetic_movies import Cells, acquisition, with_cells

from groundtrace.extraction.base import Extraction, ExtractionBackend
from groundtrace.extraction.cnmf import Cnmf
from groundtrace.extraction.cnmfe import CnmfE
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.onacid import OnAcid
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.io import open_movie, write_table
from groundtrace.tables import Fluorescence, Rois, validate

# The faster regression: CaImAn's backends take minutes for this file with the other.
BACKENDS = {
    "suite2p": Suite2pExtraction(),
    "cnmf": Cnmf(regression="nnls_L0"),
    "cnmfe": CnmfE(min_correlation=0.5, min_peak_to_noise=5, regression="nnls_L0"),
    "onacid": OnAcid(),
}


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request) -> ExtractionBackend:
    require(BACKENDS[request.param])
    return BACKENDS[request.param]


@pytest.fixture(scope="module")
def truth() -> Cells:
    return with_cells()


@pytest.fixture(scope="module")
def found(backend, truth, tmp_path_factory) -> Extraction:
    return run(backend, truth.movie, tmp_path_factory.mktemp("found"))


def run(
    backend: ExtractionBackend, movie: np.ndarray, folder: Path, threads: int = 1, bad: tuple[int, ...] = ()
) -> Extraction:
    """Run on a read-only file, as the workflow does."""
    np.save(folder / "movie.npy", movie)
    (folder / "movie.npy").chmod(0o444)
    scratch = folder / "scratch"
    scratch.mkdir()
    flags = np.isin(np.arange(len(movie)), bad)
    return backend.run(open_movie(folder / "movie.npy"), flags, acquisition(movie.shape), scratch, threads)


def matches(found: Extraction, truth: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Nearest ROI of each cell, and its distance, px."""
    table = describe(found, truth.movie.shape[1:])
    y, x = table["centroid_y"].to_numpy()[:, None], table["centroid_x"].to_numpy()[:, None]
    distance = np.hypot(y - truth.y, x - truth.x)
    return distance.argmin(axis=0), distance.min(axis=0)


def test_footprints_lie_in_the_field_and_sum_to_one(found, truth):
    height, width = truth.movie.shape[1:]
    assert len(found.weight) > 0
    for rows, columns, weight in zip(found.pixel_y, found.pixel_x, found.weight, strict=True):
        assert len(rows) == len(columns) == len(weight) > 0
        assert rows.min() >= 0
        assert rows.max() < height
        assert columns.min() >= 0
        assert columns.max() < width
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(rows), "no pixel twice"
        assert weight.sum() == pytest.approx(1, abs=1e-5)


def test_cells_are_found_and_measured(found, truth):
    nearest, distance = matches(found, truth)
    assert (distance < 2).all()
    assert len(set(nearest)) == len(truth.y)
    for roi, activity in zip(nearest, truth.activity, strict=True):
        assert np.corrcoef(found.fluorescence[roi], activity)[0, 1] > 0.99
        assert abs(np.corrcoef(found.neuropil[roi], activity)[0, 1]) < 0.5
        assert found.fluorescence[roi].min() > 100, "detector units, background included"
        assert found.neuropil[roi].mean() == pytest.approx(105, abs=10)


def test_shapes(found, truth):
    rois, frames = len(found.weight), len(truth.movie)
    assert found.fluorescence.shape == found.neuropil.shape == (rois, frames)
    assert found.fluorescence.dtype == found.neuropil.dtype == np.float32
    assert found.accepted.shape == (rois,)
    for each in (found.cell_probability, found.snr, found.space_correlation):
        assert each is None or (each.shape == (rois,) and np.isfinite(each).all())
    for traces in (found.calcium, found.activity):
        assert traces is None or (traces.shape == (rois, frames) and traces.dtype == np.float32)
    validate(Rois, describe(found, truth.movie.shape[1:]))
    validate(Fluorescence, fluorescence_table(found))


def test_bad_frames_are_measured_but_not_looked_at(backend, truth, found, tmp_path):
    """A flash of cell-like light in bad frames makes no ROI, and stays in the traces."""
    movie = truth.movie.copy()
    flashed = tuple(range(50, 60))
    movie[50:60, 60:70, 30:40] += 3000
    result = run(backend, movie, tmp_path, bad=flashed)
    centroids = describe(result, movie.shape[1:]).select("centroid_y", "centroid_x").to_numpy()
    assert np.hypot(*(centroids - (64.5, 34.5)).T).min() > 8
    assert result.fluorescence.shape[1] == len(movie)
    assert (matches(result, truth)[1] < 2).all()
    seen = tmp_path / "seen"
    seen.mkdir()
    centroids = describe(run(backend, movie, seen), movie.shape[1:]).select("centroid_y", "centroid_x").to_numpy()
    assert np.hypot(*(centroids - (64.5, 34.5)).T).min() < 2, "the flash would be found"


def test_same_bytes_on_two_runs_and_any_number_of_threads(backend, truth, tmp_path):
    digests = set()
    for number, threads in enumerate((1, 1, 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = run(backend, truth.movie, folder, threads)
        write_table(folder / "rois.parquet", Rois, describe(result, truth.movie.shape[1:]), {})
        write_table(folder / "fluorescence.parquet", Fluorescence, fluorescence_table(result), {})
        files = [(folder / f"{name}.parquet").read_bytes() for name in ("rois", "fluorescence")]
        digests.add(hashlib.sha256(b"".join(files)).hexdigest())
    assert len(digests) == 1


def test_no_cells_is_an_empty_table_and_a_warning(backend, tmp_path):
    noise = np.random.default_rng(0).poisson(100, (200, 96, 96)).astype(np.uint16)
    with pytest.warns(UserWarning, match="no ROI"):
        result = run(backend, noise, tmp_path)
    assert result.fluorescence.shape == result.neuropil.shape == (0, 200)
    write_table(tmp_path / "rois.parquet", Rois, describe(result, (96, 96)), {})
    write_table(tmp_path / "fluorescence.parquet", Fluorescence, fluorescence_table(result), {})


def test_a_movie_that_never_changes_has_no_cells(backend, tmp_path):
    with pytest.warns(UserWarning, match="no ROI"):
        result = run(backend, np.full((200, 96, 96), 100, np.uint16), tmp_path)
    assert result.fluorescence.shape == (0, 200)


def test_one_cell_is_enough(backend, tmp_path):
    truth = with_cells((300, 96, 96), count=1)
    assert matches(run(backend, truth.movie, tmp_path), truth)[1][0] < 2


def test_movie_and_home_are_left_alone(backend, truth, tmp_path, monkeypatch):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    run(backend, truth.movie, work)
    np.testing.assert_array_equal(np.load(work / "movie.npy"), truth.movie)
    assert os.environ["HOME"] == str(home)
    assert list(home.iterdir()) == []
    assert sorted(p.name for p in work.iterdir()) == ["movie.npy", "scratch"]
