import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from groundtrace.errors import BackendError, InputError
from groundtrace.external.caiman import caiman_session, map_frames, map_pixels, parameters
from groundtrace.extraction.cnmf import Cnmf
from groundtrace.extraction.cnmfe import CnmfE
from groundtrace.extraction.components import Components, measure
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.onacid import OnAcid
from groundtrace.extraction.tables import Fluorescence, Rois
from groundtrace.tables import stack, validate
from groundtrace.testing.movies import task, with_cells
from groundtrace.traces.dff import DffParameters, compute_dff
from tests.packages import require

FIELD = (40, 60)


def disk(y: float, x: float, radius: float = 4.0) -> np.ndarray:
    rows, columns = np.mgrid[: FIELD[0], : FIELD[1]]
    return (np.hypot(rows - y, columns - x) <= radius).astype(float)


def overlapping() -> tuple[np.ndarray, np.ndarray, Components]:
    """Two overlapping cells at rest 100 that respond by 50 % and 80 %, on a background of 20, without noise.

    The factorisation is the true one: resting light is in its background, as in CaImAn's.
    """
    random = np.random.default_rng(0)
    activity = np.array([[0.5], [0.8]]) * (random.random((2, 300)) < 0.1)
    shapes = np.array([disk(20, 27), disk(20, 33)])
    movie = 20 + 100 * np.einsum("kt,kyx->tyx", 1 + activity, shapes)
    footprints = sparse.csc_array(shapes.reshape(2, -1).T / 7)
    found = Components(
        footprints, 700 * activity, 700 * activity, np.array([9.0, 8.0]), np.array([0.9, 0.8]), np.array([True, False])
    )
    return movie.round().astype(np.uint16), activity, found


def test_light_is_demixed_and_keeps_its_unit_and_resting_light():
    movie, activity, found = overlapping()
    measured = measure(movie, found, np.arange(len(movie)))
    shared = (disk(20, 27) * disk(20, 33)).sum() / disk(20, 27).sum()
    for i in range(2):
        np.testing.assert_allclose(measured.fluorescence[i], 120 + 100 * shared + 100 * activity[i], rtol=1e-5)
        np.testing.assert_allclose(measured.neuropil[i], 20, rtol=1e-5)
        np.testing.assert_allclose(measured.calcium[i], 100 * activity[i], atol=1e-4)
        assert measured.weight[i].sum() == pytest.approx(1)


def test_dff_of_a_perfect_factorisation_is_the_true_one():
    """With the neuropil in the cells as it is around them, r = 1, and resting light in CaImAn's background."""
    _, activity, found = overlapping()
    shapes = np.array([disk(20, 15), disk(20, 45)])
    neuropil = 20 + 5 * (1 + np.sin(np.arange(300) / 15))
    movie = np.einsum("kt,kyx->tyx", 1000 * (1 + activity), shapes) + 10 * neuropil[:, None, None]
    apart = replace(found, footprints=sparse.csc_array(shapes.reshape(2, -1).T), calcium=1000 * activity)
    measured = measure(movie.round().astype(np.uint16), apart, np.arange(300))
    exact = {"neuropil": {"method": "fixed", "coefficient": 1.0}, "baseline": {"smoothing": 0.01}}
    parameters = DffParameters.model_validate(exact)
    dff = compute_dff(measured.fluorescence, measured.neuropil, 10.0, 0.0, parameters).dff
    np.testing.assert_allclose(dff, activity, atol=0.005)


def test_bad_frames_are_measured_by_components_of_the_good_ones():
    movie, activity, found = overlapping()
    good = np.flatnonzero(np.arange(300) % 10 != 3)
    part = replace(found, calcium=found.calcium[:, good], activity=found.activity[:, good])
    measured = measure(movie, part, good)
    assert measured.fluorescence.shape == (2, 300)
    np.testing.assert_allclose(measured.calcium[:, good], 100 * activity[:, good], atol=1e-4)
    assert (measured.activity[:, 3::10] == 0).all()
    quiet = np.setdiff1d(np.arange(300), np.flatnonzero(activity.any(axis=0)))
    lone = [t for t in range(3, 300, 10) if t in quiet and t - 1 in quiet and t + 1 in quiet]
    assert np.ptp(measured.fluorescence[:, lone], axis=1).max() < 1e-3


def test_tables_hold_what_caiman_tells():
    movie, _, found = overlapping()
    measured = measure(movie, found, np.arange(len(movie)))
    rois = validate(Rois, describe(measured, FIELD))
    for name in ("cell_probability", "classifier_probability", "peak"):
        assert rois[name].to_list() == [None, None], "not judged yet, and no classifier of its own"
    assert rois["snr"].to_list() == [9.0, 8.0]
    np.testing.assert_allclose(rois["space_correlation"], [0.9, 0.8], rtol=1e-6)
    assert rois["accepted"].to_list() == [True, False]
    np.testing.assert_allclose(rois["centroid_y"], [20, 20], atol=1e-5)
    np.testing.assert_allclose(rois["centroid_x"], [27, 33], atol=1e-5)
    traces = validate(Fluorescence, fluorescence_table(measured))
    np.testing.assert_array_equal(stack(traces["calcium"]), measured.calcium)
    assert traces["activity"].dtype == pl.List(pl.Float32)


def test_memory_maps_are_in_caimans_order_and_start_at_the_origin(tmp_path):
    movie = np.random.default_rng(0).integers(-300, 3000, (1100, 5, 7)).astype(np.int16)
    chosen = np.flatnonzero(np.arange(1100) % 7)
    frames = np.fromfile(map_frames(movie, -300, tmp_path), np.float32)
    pixels = np.fromfile(map_pixels(movie, chosen, -300, tmp_path), np.float32)
    np.testing.assert_array_equal(frames.reshape((35, 1100), order="F").T.reshape(1100, 5, 7, order="F"), movie + 300)
    np.testing.assert_array_equal(pixels.reshape(35, -1).T.reshape(-1, 5, 7, order="F"), movie[chosen] + 300)


def test_memory_maps_are_what_caiman_reads(tmp_path):
    require(Cnmf())
    movie = np.random.default_rng(0).integers(0, 3000, (60, 5, 7)).astype(np.uint16)
    with caiman_session(tmp_path, 1):
        from caiman import load
        from caiman.mmapping import load_memmap

        path = map_pixels(movie, np.arange(60), 0, tmp_path)
        pixels, dims, count = load_memmap(str(path))
        np.testing.assert_array_equal(np.reshape(pixels.T, (count, *dims), order="F"), movie)
        np.testing.assert_array_equal(load(str(map_frames(movie, 0, tmp_path)), subindices=slice(3, 9)), movie[3:9])


@pytest.mark.parametrize("method", [Cnmf(), CnmfE(), OnAcid()], ids=lambda method: method.backend)
def test_without_caiman_says_where_to_get_it(method, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "caiman", None)
    monkeypatch.delitem(sys.modules, "caiman.source_extraction.cnmf", raising=False)
    movie = with_cells((60, 64, 64), count=1).movie
    with pytest.raises(BackendError, match=r"conda-forge only.*--sdm conda"):
        method.run(movie, task(movie, tmp_path))


def test_too_few_frames_and_an_unknown_pixel_size_are_refused(tmp_path):
    movie = with_cells((60, 64, 64), count=1).movie
    for name in ("few", "size"):
        (tmp_path / name).mkdir()
    with pytest.raises(BackendError, match=r"40 good frames of .* too few"):
        Cnmf().run(movie, task(movie, tmp_path / "few", range(20)))
    with pytest.raises(InputError, match="pixel_size"):
        Cnmf(diameter_um=12).run(movie, task(movie, tmp_path / "size"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inti": {"K": 3}}, "no group 'inti'.*did you mean 'init'"),
        ({"spatial": {"nrgth": 0.9}}, r"no setting 'spatial\.nrgth'.*did you mean 'nrgthr'"),
        ({"spatial": 3}, "'spatial' is a group"),
        ({"spatial": {"nrgthr": "high"}}, "takes a value of type float"),
        ({"init": {"K": 3}}, "use `components_per_patch`"),
        ({"quality": {"use_cnn": True}}, "neural networks are not used"),
        ({"motion": {"pw_rigid": True}}, "no setting of extraction"),
    ],
)
def test_settings_that_caiman_would_not_obey_are_refused(settings, message, tmp_path):
    require(Cnmf())
    movie = with_cells((60, 64, 64), count=1).movie
    with pytest.raises(InputError, match=message):
        Cnmf(settings=settings).run(movie, task(movie, tmp_path))


def test_settings_reach_caiman_and_ours_come_last(tmp_path):
    require(Cnmf())
    with caiman_session(tmp_path, 1):
        made = parameters({"spatial": {"nrgthr": 0.99, "maxthr": 0.2}}, {"spatial": {"maxthr": 0.3}}, {})
    assert made.get("spatial", "nrgthr") == 0.99
    assert made.get("spatial", "maxthr") == 0.3
    assert made.get("init", "min_corr") == 0.85
