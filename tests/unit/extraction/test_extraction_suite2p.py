from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

from groundtrace.errors import BackendError, InputError
from groundtrace.external.suite2p import merge_settings, suite2p_session, worker_pool
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import skewness
from groundtrace.extraction.suite2p import Suite2pExtraction, bin_movie, readout
from groundtrace.testing.movies import Cells, acquisition, task, with_cells


@pytest.fixture(scope="module")
def truth() -> Cells:
    return with_cells((200, 96, 96), count=6)


def extract(backend: Suite2pExtraction, movie: np.ndarray, folder: Path, bad=None, **changes) -> Extraction:
    bad = () if bad is None else np.flatnonzero(bad)
    return backend.run(movie, task(movie, Path(mkdtemp(dir=folder)), bad, **changes))


def binned(movie: np.ndarray, good: np.ndarray, size: int) -> np.ndarray:
    with worker_pool(2) as pool:
        return bin_movie(movie, good, size, pool)


def test_bins_are_means_of_good_frames():
    movie = np.random.default_rng(0).integers(0, 65_536, (103, 8, 9)).astype(np.uint16)
    good = np.delete(np.arange(103), [3, 50, 51])
    result = binned(movie, good, 7)
    assert result.dtype == np.float32
    assert len(result) == 14, "100 good frames: 14 bins of 7, and 2 frames that are less than half a bin"
    np.testing.assert_allclose(result[0], movie[[0, 1, 2, 4, 5, 6, 7]].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(result[13], movie[good[91:98]].mean(axis=0), rtol=1e-6)
    assert len(binned(movie, good[:4], 7)) == 1
    assert len(binned(movie, good[:3], 7)) == 0


def test_a_pixel_that_never_changes_is_nothing_to_detect():
    movie = np.random.default_rng(0).integers(0, 100, (40, 8, 9)).astype(np.uint16)
    movie[:, 2, 3] = 77
    result = binned(movie, np.arange(40), 4)
    assert (result[:, 2, 3] == 0).all()
    assert (result != 0).sum() >= result.size - 11


@pytest.mark.parametrize(
    ("good", "rate", "changes", "size"),
    [
        (9000, 30.0, {}, 21),  # three times 0.23 s
        (9000, 30.0, {"bin_duration": 1.0}, 30),
        (9000, 3.0, {"bin_duration": 0.1}, 8),  # never above max_bins
        (300_000, 30.0, {}, 250),
        (200, 1.0, {}, 1),
    ],
)
def test_bins_last_as_long_as_transients_and_their_number_is_bounded(good, rate, changes, size):
    backend = Suite2pExtraction(**changes)
    assert backend.bin_size(good, rate, acquisition((good, 64, 64), frame_rate=rate).indicator) == size


def test_traces_are_those_of_suite2p(truth, tmp_path):
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96]
    disks = [np.nonzero(np.hypot(rows - y, columns - x) < 5) for y, x in zip(truth.y, truth.x, strict=True)]
    stat = [
        {
            "ypix": rows,
            "xpix": columns,
            "lam": random.uniform(1, 2, len(rows)).astype(np.float32),
            "radius": 5.0,
            "overlap": np.zeros(len(rows), bool),
        }
        for rows, columns in disks
    ]
    with suite2p_session(tmp_path, 1), worker_pool(1) as pool:
        import torch
        from suite2p.extraction import extraction_wrapper

        settings = merge_settings({}, {}, {})["extraction"]
        ours = readout(np.array(stat), truth.movie.shape[1:], settings).measure(truth.movie, pool)
        theirs = extraction_wrapper(
            np.array(stat), truth.movie.astype(np.int16), settings=settings, device=torch.device("cpu")
        )
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)


def test_a_roi_without_pixels_of_its_own_is_measured_in_those_it_shares(truth, tmp_path):
    rows, columns = np.nonzero(np.ones((6, 6)))
    same = {
        "ypix": rows + 40,
        "xpix": columns + 40,
        "lam": np.ones(36, np.float32),
        "radius": 3.0,
        "overlap": np.ones(36, bool),
    }
    with suite2p_session(tmp_path, 1), worker_pool(1) as pool:
        settings = merge_settings({}, {}, {})["extraction"]
        weighting = readout(np.array([dict(same), dict(same)]), truth.movie.shape[1:], settings)
        traces, _ = weighting.measure(truth.movie, pool)
    expected = truth.movie[:, 40:46, 40:46].mean(axis=(1, 2))
    np.testing.assert_allclose(traces, [expected, expected], rtol=1e-4)


@pytest.mark.parametrize(("dtype", "offset"), [("uint16", 40_000), ("int16", -5000), ("int32", 1_000_000)])
def test_every_integer_type_in_its_own_scale(truth, dtype, offset, tmp_path):
    movie = (truth.movie.astype(np.int64) + offset).astype(dtype)
    result = extract(Suite2pExtraction(), movie, tmp_path)
    assert len(result.weight) >= len(truth.y)
    assert result.neuropil.mean() == pytest.approx(offset + 105, abs=15)


def test_diameter_in_micrometres_needs_the_pixel_size(truth, tmp_path):
    backend = Suite2pExtraction(diameter_um=10.0)
    with pytest.raises(InputError, match="pixel_size"):
        extract(backend, truth.movie, tmp_path)
    by_um = extract(backend, truth.movie, tmp_path, pixel_size=2.0)
    by_px = extract(Suite2pExtraction(diameter_px=5.0), truth.movie, tmp_path)
    assert by_um.judgement
    assert by_px.judgement
    np.testing.assert_array_equal(by_um.judgement.cell_probability, by_px.judgement.cell_probability)
    np.testing.assert_array_equal(by_um.classifier_probability, by_px.classifier_probability)
    assert by_um.judgement.quality["diameter"].to_list() == [5.0]


def test_its_own_classifier_decides_only_when_told_to(truth, tmp_path):
    """On a field where it matters: what is far too small for a cell is none to us, and one to Suite2p."""
    size: dict[str, Any] = {"diameter_px": 40, "spatial_scale": 2}
    ours = extract(Suite2pExtraction(**size), truth.movie, tmp_path)
    theirs = extract(Suite2pExtraction(**size, own_verdict=True), truth.movie, tmp_path)
    assert ours.judgement
    assert ours.classifier_probability is not None
    assert theirs.judgement
    assert theirs.classifier_probability is not None
    assert (ours.accepted == (ours.judgement.cell_probability >= Suite2pExtraction().min_probability)).all()
    assert (theirs.accepted == (theirs.classifier_probability > 0.5)).all()
    np.testing.assert_array_equal(ours.judgement.cell_probability, theirs.judgement.cell_probability)
    assert (ours.accepted != theirs.accepted).any()


def test_too_few_bins_find_nothing(truth, tmp_path):
    """One bin has no standard deviation over time."""
    said = "no ROI found in 200 good frames .* 0 binned frames are too few to detect in: set a shorter bin_duration"
    with pytest.warns(UserWarning, match=said):
        found = extract(Suite2pExtraction(bin_duration=100), truth.movie, tmp_path)
    assert len(found.weight) == 0


def test_rois_may_share_everything(truth, tmp_path):
    """Suite2p forgets to mark overlaps when max_overlap is 1."""
    assert len(extract(Suite2pExtraction(max_overlap=1.0), truth.movie, tmp_path).weight) >= len(truth.y)


def test_field_too_small(tmp_path):
    with pytest.raises(BackendError, match="at least 32 px"):
        extract(Suite2pExtraction(), np.ones((50, 20, 100), np.uint16), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detection": {"treshold_scaling": 2.0}}, "did you mean 'threshold_scaling'"),
        ({"detection": {"sparsery_settings": {"max_ROIs": 10}}}, "use `max_rois`"),
        ({"detection": {"sparsery_settings": {"highpass_neuropil": 2}}}, "allowed are 5"),
        ({"classification": {"classifier_path": "mine.npy"}}, "built-in classifier"),
        ({"registration": {"nonrigid": False}}, "no setting of extraction"),
        ({"diameter": [10, 10]}, "use `diameter_px`"),
        ({"highpass_time": 200}, "detection: {highpass_time"),
    ],
)
def test_settings_that_would_not_be_obeyed_are_refused(settings, message, truth, tmp_path):
    with pytest.raises(InputError, match=message):
        extract(Suite2pExtraction(settings=settings), truth.movie, tmp_path)


def test_a_nested_setting_leaves_its_neighbours(tmp_path):
    with suite2p_session(tmp_path, 1):
        from suite2p import default_settings

        merged = merge_settings({"detection": {"sparsery_settings": {"highpass_neuropil": 31}}}, {}, {})
        expected = default_settings()
        expected["detection"]["sparsery_settings"]["highpass_neuropil"] = 31
        assert merged == expected
        assert default_settings()["detection"]["sparsery_settings"]["highpass_neuropil"] == 25


def test_a_user_classifier_in_home_is_not_used(truth, tmp_path, monkeypatch):
    home = tmp_path / "home/.suite2p/classifiers"
    home.mkdir(parents=True)
    (home / "classifier_user.npy").write_bytes(b"not a classifier")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    result = extract(Suite2pExtraction(), truth.movie, tmp_path)
    assert result.classifier_probability is not None
    assert (result.classifier_probability > 0.1).any()


def test_real_recording(test_data, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    movie = tifffile.imread(test_data / "movies/mouse2p_128x128x2000.tiff")
    result = extract(Suite2pExtraction(), movie, tmp_path, frame_rate=30.0)
    assert 20 < result.accepted.sum() < 150
    assert np.median([skewness(trace) for trace in result.fluorescence[result.accepted]]) > 0.3
