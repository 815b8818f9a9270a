"""A plane as Suite2p, Fiji and MATLAB read it."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import roifile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymatreader import read_mat
from roiextractors import Suite2pSegmentationExtractor

import groundtrace
from groundtrace.export.fiji import polygon, write_rois
from groundtrace.export.matlab import BLOCK, write_mat
from groundtrace.export.suite2p import FILES, extras, suite2p_plane, write_suite2p
from groundtrace.io import read_table
from groundtrace.tables import stack


@pytest.fixture(scope="module")
def folder(planes, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("suite2p") / "plane1"
    plane = suite2p_plane(planes[1])
    write_suite2p(plane, {name: path / f"{name}.npy" for name in FILES})
    write_rois(path / "RoiSet.zip", read_table(planes[1].files["rois"]))
    write_mat(path / "Fall.mat", plane | extras(planes[1]))
    return path


def test_files_hold_the_numbers_of_the_tables(folder, planes):
    traces, spikes = read_table(planes[1].files["traces"]), read_table(planes[1].files["spikes"])
    np.testing.assert_array_equal(np.load(folder / "F.npy"), stack(traces["fluorescence"]))
    np.testing.assert_array_equal(np.load(folder / "Fneu.npy"), stack(traces["neuropil"]))
    rate = stack(spikes["rate"])
    assert np.isnan(rate).any()
    np.testing.assert_array_equal(np.load(folder / "spks.npy"), np.where(np.isnan(rate), 0, rate))
    assert np.load(folder / "iscell.npy")[:, 0].tolist() == traces["accepted"].to_list()
    for name in ("F", "Fneu", "spks", "iscell"):
        assert np.load(folder / f"{name}.npy").dtype == np.float32


def test_pixels_and_settings_are_those_of_the_plane(folder, planes):
    rois = read_table(planes[1].files["rois"])
    for found, roi in zip(np.load(folder / "stat.npy", allow_pickle=True), rois.iter_rows(named=True), strict=True):
        assert (found["ypix"].tolist(), found["xpix"].tolist()) == (roi["pixel_y"], roi["pixel_x"])
        np.testing.assert_array_equal(found["lam"], np.float32(roi["weight"]))
        assert (found["med"][0] in roi["pixel_y"], found["med"][1] in roi["pixel_x"]) == (True, True)
        assert 1 <= found["aspect_ratio"] < 2
        assert found["radius"] == pytest.approx(2, abs=0.6)
    ops = np.load(folder / "ops.npy", allow_pickle=True).item()
    assert (ops["Ly"], ops["Lx"], ops["fs"], ops["nframes"]) == (48, 64, 30.0, 600)
    assert ops["tau"] == 0.57
    np.testing.assert_array_equal(ops["meanImg"], planes[1].images["mean"].values)
    np.testing.assert_array_equal(ops["max_proj"], planes[1].images["maximum"].values)
    shifts = read_table(planes[1].files["shifts"])
    np.testing.assert_allclose(ops["yoff"], shifts["y"].to_numpy(), atol=0.5)


def test_a_plane_without_rois_is_a_folder_too(planes, tmp_path):
    files = dict(planes[0].files)
    for name in ("rois", "traces", "spikes"):
        files[name] = tmp_path / f"{name}.parquet"
        table = pq.read_table(planes[0].files[name])
        pq.write_table(table.slice(0, 0), files[name])
    bare = replace(planes[0], files=files)
    plane = suite2p_plane(bare)
    assert (plane["F"].shape, plane["iscell"].shape, plane["stat"].shape) == ((0, 600), (0, 2), (0,))
    write_mat(tmp_path / "Fall.mat", plane | extras(bare))
    write_rois(tmp_path / "RoiSet.zip", read_table(files["rois"]))
    with h5py.File(tmp_path / "Fall.mat") as file:
        assert file["F"][:].tolist() == [0, 600]


def test_our_own_reader_gives_the_same_cells(folder, planes):
    loaded = groundtrace.load_traces(folder)
    accepted = read_table(planes[1].files["traces"])["accepted"].to_numpy()
    assert loaded.roi.tolist() == np.flatnonzero(accepted).tolist()
    assert loaded.frame_rate == 30.0


def test_roiextractors_reads_the_folder(folder, planes):
    found = Suite2pSegmentationExtractor(folder.parent, plane_name="plane1")
    traces = read_table(planes[1].files["traces"])
    np.testing.assert_array_equal(found.get_traces(name="raw"), stack(traces["fluorescence"]).T)
    assert found.get_num_rois() == 6
    assert found.get_sampling_frequency() == 30.0


def test_the_same_results_give_the_same_bytes(folder, planes, tmp_path):
    plane = suite2p_plane(planes[1])
    write_suite2p(plane, {name: tmp_path / f"{name}.npy" for name in FILES})
    write_rois(tmp_path / "RoiSet.zip", read_table(planes[1].files["rois"]))
    write_mat(tmp_path / "Fall.mat", plane | extras(planes[1]))
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def inside(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centres are inside a polygon, as ImageJ fills one: a ray crosses it an odd number of times."""
    y, x = (grid + 0.5 for grid in np.mgrid[: shape[0], : shape[1]])
    crossed = np.zeros(shape, int)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        within = (np.minimum(y0, y1) < y) & (y < np.maximum(y0, y1))
        if y0 != y1:
            crossed += within & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x)
    return crossed % 2 == 1


@settings(max_examples=100, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.booleans()))
def test_the_inside_of_a_polygon_is_the_pixels(mask):
    """Also with holes, several parts, and parts that touch at a corner."""
    if mask.any():
        np.testing.assert_array_equal(inside(polygon(*np.nonzero(mask)), mask.shape), mask)


def test_fiji_gets_every_roi_by_its_number(folder, planes):
    found = {roi.name: roi for roi in roifile.roiread(folder / "RoiSet.zip")}
    rois = read_table(planes[1].files["rois"])
    names = [
        f"{roi:04d}" + "-rejected" * (not accepted) for roi, accepted in rois.select("roi", "accepted").iter_rows()
    ]
    assert list(found) == names
    for name, roi in zip(names, rois.iter_rows(named=True), strict=True):
        drawn = np.asarray(roi["weight"]) >= 0.2 * max(roi["weight"])
        mask = np.zeros((48, 64), bool)
        mask[np.array(roi["pixel_y"])[drawn], np.array(roi["pixel_x"])[drawn]] = True
        np.testing.assert_array_equal(inside(found[name].coordinates(), mask.shape), mask)


def test_matlab_gets_the_same_names_and_numbers(folder, planes):
    assert (folder / "Fall.mat").read_bytes()[:19] == b"MATLAB 7.3 MAT-file"
    assert (folder / "Fall.mat").read_bytes()[124:128] == b"\x00\x02IM"
    found = read_mat(folder / "Fall.mat")
    for name in ("F", "Fneu", "spks", "iscell"):
        np.testing.assert_array_equal(found[name], np.load(folder / f"{name}.npy"))
    np.testing.assert_array_equal(found["dff"], planes[1].traces("dff").values)
    np.testing.assert_array_equal(found["rate_high"], planes[1].spikes("rate_high").values)
    np.testing.assert_array_equal(found["ops"]["meanImg"], planes[1].images["mean"].values)
    assert (found["ops"]["save_path"], found["ops"]["fs"]) == ("plane1", 30.0)
    stat = np.load(folder / "stat.npy", allow_pickle=True)
    for ours, theirs in zip(stat, found["stat"], strict=True):
        np.testing.assert_array_equal(theirs["ypix"], ours["ypix"])
        assert theirs["radius"] == ours["radius"]


def test_a_mat_file_is_laid_out_as_matlab_does(tmp_path):
    values = {"a": np.arange(6.0).reshape(2, 3), "none": np.zeros((0, 4)), "yes": np.array([True, False]), "word": "µm"}
    write_mat(tmp_path / "a.mat", values | {"cells": np.array([{"x": 1}, "two"], dtype=object)})
    with h5py.File(tmp_path / "a.mat") as file:
        assert file.userblock_size == BLOCK
        assert file["a"].shape == (3, 2)
        np.testing.assert_array_equal(file["none"], [0, 4])
        assert file["none"].attrs["MATLAB_empty"] == 1
        kinds = {name: file[name].attrs["MATLAB_class"].decode() for name in ("a", "yes", "word", "cells")}
        assert kinds == {"a": "double", "yes": "logical", "word": "char", "cells": "cell"}
        first = file[file["cells"][0, 0]]
        assert (first.attrs["MATLAB_class"], first["x"][0, 0]) == (b"struct", 1)
