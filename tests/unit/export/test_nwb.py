"""NWB files hold the numbers of the tables, under the names that other programs look for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pynapple
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile, load_config
from pynwb import NWBHDF5IO
from roiextractors import NwbSegmentationExtractor

from groundtrace.errors import InputError
from groundtrace.export.inspection import check_file
from groundtrace.export.nwb import write_nwb
from groundtrace.extraction.tables import Rois
from groundtrace.io import read_arrays, read_provenance, read_table, write_table
from groundtrace.movies.tables import Frames
from groundtrace.results import SessionResults
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import stack
from groundtrace.traces.tables import Traces
from tests.unit.export.complete import complete_metadata

TABLES = {"frames": Frames, "rois": Rois, "traces": Traces, "spikes": Spikes}


@pytest.fixture(scope="module")
def file(planes, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("nwb") / "sub-M01_ses-001_ophys.nwb"
    write_nwb(path, planes, complete_metadata())
    return path


@pytest.fixture
def nwb(file):
    with NWBHDF5IO(file, "r") as opened:
        yield opened.read()


def tables(plane: SessionResults) -> dict[str, np.ndarray]:
    """(time, roi) by the names of the series."""
    traces, spikes = read_table(plane.files["traces"]), read_table(plane.files["spikes"])
    return {
        "RoiResponseSeries": stack(traces["fluorescence"]).T,
        "Neuropil": stack(traces["neuropil"]).T,
        "dff": stack(traces["dff"]).T,
        "Deconvolved": stack(spikes["rate"]).T,
        "DeconvolvedLow": stack(spikes["rate_low"]).T,
        "DeconvolvedHigh": stack(spikes["rate_high"]).T,
    }


def test_the_schema_is_kept(file):
    assert pynwb.validate(path=str(file)) == []


def test_the_inspector_has_nothing_grave_to_say(file):
    found = list(inspect_nwbfile(nwbfile_path=file, config=load_config("dandi")))
    assert {message.importance for message in found} <= {Importance.BEST_PRACTICE_SUGGESTION}
    assert {message.check_function_name for message in found} <= {"check_single_row"}
    check_file(file)


def test_pynwb_reads_the_same_numbers(nwb, planes):
    ophys = nwb.processing["ophys"]
    for plane, suffix in zip(planes, ("", "Plane1"), strict=True):
        expected = tables(plane)
        np.testing.assert_array_equal(ophys["DfOverF"][f"RoiResponseSeries{suffix}"].data[:], expected.pop("dff"))
        for name, values in expected.items():
            container = "DeconvolvedInterval" if name.endswith(("Low", "High")) else "Fluorescence"
            series = ophys[container][f"{name}{suffix}"]
            np.testing.assert_array_equal(series.data[:], values)
            assert series.unit == ("Hz" if name.startswith("Deconvolved") else "a.u.")
            assert (series.rate, series.starting_time) == (30.0, 0.0)
            assert series.rois.table.name == f"PlaneSegmentation{suffix}"


def test_both_masks_are_the_footprints(nwb, planes):
    for plane, suffix in zip(planes, ("", "Plane1"), strict=True):
        table = nwb.processing["ophys"]["ImageSegmentation"][f"PlaneSegmentation{suffix}"]
        assert table["image_mask"].data.chunks[0] == 1
        assert table["image_mask"].data.compression == "gzip"
        for index, roi in enumerate(read_table(plane.files["rois"]).iter_rows(named=True)):
            image = np.zeros((64, 48), np.float32)
            image[roi["pixel_x"], roi["pixel_y"]] = roi["weight"]
            np.testing.assert_array_equal(table["image_mask"][index], image)
            pixels = table["pixel_mask"][index]
            assert [tuple(pixel)[:2] for pixel in pixels] == list(zip(roi["pixel_x"], roi["pixel_y"], strict=True))
            np.testing.assert_array_equal([tuple(pixel)[2] for pixel in pixels], np.float32(roi["weight"]))


def test_columns_of_a_roi_are_those_of_the_tables(nwb, planes):
    table = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
    traces, spikes = read_table(planes[0].files["traces"]), read_table(planes[0].files["spikes"])
    assert table["Accepted"].data[:].tolist() == traces["accepted"].to_list()
    assert table["Rejected"].data[:].tolist() == (~traces["accepted"]).to_list()
    np.testing.assert_array_equal(table["noise_level"].data[:], traces["noise_level"].to_numpy())
    for name in ("expected_correlation", "expected_correlation_low", "expected_correlation_high"):
        np.testing.assert_array_equal(table[name].data[:], spikes[name].to_numpy())
    assert table["expected_correlation"].description.startswith("Pearson r with true spikes expected")
    assert "(% Hz^-1/2)" in table["noise_level"].description
    assert "classifier_probability" not in table.colnames, "nothing is known in it"


def test_what_is_said_of_the_session(nwb, planes):
    assert nwb.session_start_time.isoformat() == "2026-03-01T14:05:00+01:00"
    assert (nwb.session_id, nwb.identifier) == ("001-20260301", "sub-M01/ses-001_date-20260301")
    assert (nwb.subject.subject_id, nwb.subject.species, nwb.subject.sex) == ("M01", "Mus musculus", "F")
    assert nwb.devices["Microscope"].model.manufacturer == "Thorlabs"
    for name in ("ImagingPlane", "ImagingPlanePlane1"):
        plane = nwb.imaging_planes[name]
        assert (plane.excitation_lambda, plane.optical_channel[0].emission_lambda) == (920, 525)
        assert (plane.indicator, plane.location, plane.imaging_rate) == ("GCaMP6s", "VISp", 30.0)
        np.testing.assert_allclose(plane.grid_spacing[:], 1.2e-6)
    shifts = read_table(planes[1].files["shifts"])
    found = nwb.processing["ophys"]["MotionShiftsPlane1"]
    np.testing.assert_array_equal(found.data[:], shifts.select("x", "y").to_numpy())
    images = nwb.processing["ophys"]["SegmentationImages"].images
    np.testing.assert_array_equal(images["mean"].data[:].T, read_arrays(planes[0].files["motion_images"])["mean"])


def test_bad_frames_are_nan_and_listed(nwb):
    (stretch,) = nwb.intervals["bad_frames"].to_dataframe().itertuples()
    assert (stretch.start_time, stretch.stop_time) == pytest.approx((200 / 30, 204 / 30))
    assert stretch.reason == "plane 0: jump; plane 1: jump"
    for container, name in (("DfOverF", "RoiResponseSeries"), ("Fluorescence", "Deconvolved")):
        lost = np.isnan(nwb.processing["ophys"][container][name].data[:]).all(axis=1)
        assert np.flatnonzero(lost).tolist() == [200, 201, 202, 203]


def test_provenance_is_in_it(nwb):
    steps = nwb.analysis["provenance"].to_dataframe()
    assert steps.query("plane == 'plane-1'").step.tolist() == ["ingest", "motion", "extract", "dff", "spikes"]
    assert "coefficient: 0.7" in steps.query("step == 'dff'").parameters.iloc[0]
    assert "suite2p 1.1.0" in steps.versions.iloc[0]
    (source,) = nwb.analysis["raw_files"].to_dataframe().itertuples()
    assert (source.file, source.sha256) == ("M01_001.tif", "5f" * 32)


def test_roiextractors_reads_the_same(file, planes):
    found, expected = NwbSegmentationExtractor(file), tables(planes[0])
    names = {"raw": "RoiResponseSeries", "neuropil": "Neuropil", "dff": "dff", "deconvolved": "Deconvolved"}
    for theirs, ours in names.items():
        np.testing.assert_array_equal(np.asarray(found.get_traces(name=theirs)), expected[ours])
    assert found.get_sampling_frequency() == 30.0
    accepted = read_table(planes[0].files["traces"])["accepted"].to_numpy()
    assert found.get_property("accepted", found.get_roi_ids()).tolist() == accepted.tolist()
    rois = read_table(planes[0].files["rois"])
    image = np.zeros((48, 64), np.float32)
    image[rois["pixel_y"][2], rois["pixel_x"][2]] = rois["weight"][2]
    np.testing.assert_array_equal(np.asarray(found.get_roi_image_masks(roi_ids=[2])).squeeze(), image)
    np.testing.assert_array_equal(found.get_images_dict()["mean"], planes[0].images["mean"].values)


def test_pynapple_reads_the_same(file, planes):
    found = pynapple.load_file(str(file))
    expected = tables(planes[0])
    for name in ("Neuropil", "Deconvolved", "DeconvolvedLow", "DeconvolvedHigh", "dff"):
        series, values = found["DfOverF/RoiResponseSeries" if name == "dff" else name], expected[name]
        np.testing.assert_array_equal(series.values, values)
        np.testing.assert_allclose(series.index, np.arange(600) / 30)


def changed(plane: SessionResults, folder: Path, **change: Callable[[pl.DataFrame], pl.DataFrame]) -> SessionResults:
    """A plane of which some tables are changed."""
    files = dict(plane.files)
    for name, function in change.items():
        files[name] = folder / f"{name}.parquet"
        write_table(
            files[name], TABLES[name], function(read_table(plane.files[name])), read_provenance(plane.files[name])
        )
    return replace(plane, files=files)


def test_a_plane_without_rois_has_only_its_images(planes, tmp_path):
    def nothing(table: pl.DataFrame) -> pl.DataFrame:
        return table.head(0)

    bare = changed(planes[0], tmp_path, rois=nothing, traces=nothing, spikes=nothing)
    write_nwb(tmp_path / "a.nwb", [bare, planes[1]], complete_metadata())
    check_file(tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as opened:
        ophys = opened.read().processing["ophys"]
        assert list(ophys["ImageSegmentation"].plane_segmentations) == ["PlaneSegmentationPlane1"]
        assert "SegmentationImages" in ophys.data_interfaces
    with pytest.raises(InputError, match="no plane has a ROI"):
        write_nwb(tmp_path / "b.nwb", [bare], complete_metadata(planes=1))


def test_denoised_traces_and_methods_without_intervals(planes, tmp_path):
    def denoised(table: pl.DataFrame) -> pl.DataFrame:
        extra = {name: pl.col("dff") for name in ("dff_denoised", "dff_low", "dff_high")}
        return table.with_columns(**extra, denoising_disagrees=False)

    def point(table: pl.DataFrame) -> pl.DataFrame:
        none = pl.Series([[]] * table.height, dtype=pl.List(pl.Float32))
        return table.with_columns(rate_low=none, rate_high=none)

    plane = changed(planes[0], tmp_path, traces=denoised, spikes=point)
    write_nwb(tmp_path / "a.nwb", [plane], complete_metadata(planes=1))
    check_file(tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as opened:
        ophys = opened.read().processing["ophys"]
        names = {"RoiResponseSeries", "Denoised", "DenoisedLow", "DenoisedHigh"}
        assert set(ophys["DfOverF"].roi_response_series) == names
        np.testing.assert_array_equal(ophys["DfOverF"]["Denoised"].data[:], plane.traces("dff_denoised").values.T)
        assert "DeconvolvedInterval" not in ophys.data_interfaces


def test_frames_with_gaps_keep_their_times(planes, tmp_path):
    """A pause of ten seconds: no rate says when frames were recorded."""
    time = np.arange(600) / 30 + np.where(np.arange(600) >= 300, 10, 0)
    plane = changed(planes[0], tmp_path, frames=lambda frames: frames.with_columns(time=time))
    write_nwb(tmp_path / "a.nwb", [plane], complete_metadata(planes=1))
    check_file(tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as opened:
        series = opened.read().processing["ophys"]["Fluorescence"]["Deconvolved"]
        assert series.rate is None
        np.testing.assert_array_equal(series.timestamps[:], time)


def test_stretches_and_the_detectors_offset_are_in_it(planes, tmp_path):
    """By the attribute `offset` of NWB, light above zero photons; numbers stay those of the tables."""
    segment = np.repeat([0, 1], [200, 400]).astype(np.int32)
    plane = changed(planes[0], tmp_path, frames=lambda frames: frames.with_columns(segment=pl.Series(segment)))
    write_nwb(tmp_path / "a.nwb", [plane], complete_metadata(planes=1))
    check_file(tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as opened:
        nwb = opened.read()
        table = nwb.intervals["segments"].to_dataframe()
        np.testing.assert_allclose(table[["start_time", "stop_time"]], np.array([[0, 200], [200, 600]]) / 30)
        offset = plane.acquisition.offset
        assert offset
        for name, column in (("RoiResponseSeries", "fluorescence"), ("Neuropil", "neuropil")):
            series = nwb.processing["ophys"]["Fluorescence"][name]
            assert series.offset == pytest.approx(-offset)
            np.testing.assert_allclose(series.get_data_in_units(), plane.traces(column).values.T - offset, rtol=1e-5)


def test_a_registered_movie_is_in_it_when_wanted(planes, tmp_path):
    movie = np.random.default_rng(0).integers(0, 1000, (600, 48, 64)).astype(np.int16)
    np.save(tmp_path / "movie.npy", movie)
    write_nwb(tmp_path / "a.nwb", planes[:1], complete_metadata(planes=1), [tmp_path / "movie.npy"])
    check_file(tmp_path / "a.nwb")
    with NWBHDF5IO(tmp_path / "a.nwb", "r") as opened:
        data = opened.read().processing["ophys"]["RegisteredTwoPhotonSeries"].data
        assert (data.dtype, data.compression, data.chunks) == (np.int16, "gzip", (1, 64, 48))
        np.testing.assert_array_equal(data[:], movie.transpose(0, 2, 1))


def test_a_place_that_the_atlas_does_not_know_is_told_before_anything_is_written(planes, tmp_path):
    with pytest.raises(InputError, match="location 'V1' is not a term in the Allen Mouse Brain CCF"):
        write_nwb(tmp_path / "a.nwb", planes, complete_metadata(location="V1"))
    assert not (tmp_path / "a.nwb").exists()
