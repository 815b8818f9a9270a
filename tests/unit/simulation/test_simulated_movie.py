"""A simulated session: its file, its truth, and that the two agree."""

import numpy as np
import polars as pl
import pytest
import tifffile
from threadpoolctl import threadpool_limits

from groundtrace.io import read_table, write_table
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, simulate
from groundtrace.tables import TruthCells, TruthShifts, validate


def session(**changes) -> Session:
    values = {"subject": "M01", "session": "001", "indicator": "jGCaMP8m", "frame_rate": 30.0, "simulate": "small"}
    return Session.model_validate(values | changes)


def displacement(frame: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(y, x) of the content of `frame` against `reference`, px, from the peak of their cross-correlation."""
    spectra = [np.fft.fft2(image - image.mean()) for image in (frame, reference)]
    correlation = np.fft.fftshift(np.fft.ifft2(spectra[0] * spectra[1].conj()).real)
    peak = np.unravel_index(correlation.argmax(), correlation.shape)
    found = []
    for axis in (0, 1):
        before, at, after = (correlation[tuple(p + d * (i == axis) for i, p in enumerate(peak))] for d in (-1, 0, 1))
        vertex = 0.5 * (before - after) / (before - 2 * at + after)
        found.append(peak[axis] + vertex - correlation.shape[axis] // 2)
    return np.array(found)


def test_same_seed_same_bytes_whatever_the_threads(two_planes, tmp_path):
    with threadpool_limits(3):
        simulate(two_planes.parameters, two_planes.session, tmp_path / "again.tif")
    assert (tmp_path / "again.tif").read_bytes() == two_planes.path.read_bytes()


def test_another_seed_or_session_is_another_recording(tmp_path):
    parameters = Simulation(frames=4, height=32, width=32)
    variants = {
        "first": (parameters, session()),
        "seed": (parameters.model_copy(update={"seed": 1}), session()),
        "session": (parameters, session(session="002")),
    }
    movies = {}
    for name, (settings, row) in variants.items():
        simulate(settings, row, tmp_path / f"{name}.tif")
        movies[name] = tifffile.imread(tmp_path / f"{name}.tif").astype(float)
    for other in ("seed", "session"):
        # Not only other noise: another field.
        assert np.corrcoef(movies["first"].mean(axis=0).ravel(), movies[other].mean(axis=0).ravel())[0, 1] < 0.5


def test_photons_change_the_noise_and_not_the_tissue(two_planes):
    brighter = two_planes.parameters.model_copy(update={"photons": 40.0})
    for before, after in zip(two_planes.truth.planes, prepare(brighter, two_planes.session), strict=True):
        assert [list(times) for times in before.spike_times] == [list(t) for t in after.truth().spike_times]
        np.testing.assert_array_equal(before.shifts, after.motion.shifts)
        np.testing.assert_allclose(after.mean(), 4 * before.photons, rtol=1e-6)


def test_the_file_reads_as_scanimage(two_planes):
    with tifffile.TiffFile(two_planes.path) as tiff:
        assert tiff.is_scanimage
        assert tiff.is_bigtiff
        found = tiff.scanimage_metadata["FrameData"]
        assert found == tifffile.matlabstr2py(tiff.pages.first.tags["Software"].value)
        assert tiff.series[0].dataoffset is not None, "pixel data is not in one piece"
        assert tiff.pages.first.get_resolution("MICROMETER") == (0.5, 0.5)
    assert found["SI.hRoiManager.scanVolumeRate"] == 15
    assert found["SI.hRoiManager.scanFrameRate"] == 30
    assert found["SI.hStackManager.enable"] is True
    assert found["SI.hStackManager.numSlices"] == found["SI.hStackManager.actualNumSlices"] == 2
    assert found["SI.hStackManager.numFramesPerVolumeWithFlyback"] == 2
    assert found["SI.hChannels.channelSave"] == 1
    assert found["SI.hFastZ.numDiscardFlybackFrames"] == 0


def test_a_single_plane_is_no_stack(tmp_path):
    simulate(Simulation(frames=3, height=20, width=24), session(frame_rate=29.97), tmp_path / "movie.tif")
    with tifffile.TiffFile(tmp_path / "movie.tif") as tiff:
        found = tiff.scanimage_metadata["FrameData"]
        assert tiff.series[0].shape[-2:] == (20, 24)
        assert len(tiff.pages) == 3
    assert found["SI.hStackManager.enable"] is False
    assert found["SI.hRoiManager.scanFrameRate"] == found["SI.hRoiManager.scanVolumeRate"] == pytest.approx(29.97)


def test_planes_are_interleaved(two_planes):
    assert two_planes.movie.shape == (300, 48, 64)
    assert two_planes.movie.dtype == np.int16
    means = [two_planes.movie[plane::2].mean(axis=0).ravel() for plane in (0, 1)]
    match = [[np.corrcoef(mean, plane.photons.ravel())[0, 1] for plane in two_planes.truth.planes] for mean in means]
    assert min(match[0][0], match[1][1]) > 0.6
    assert max(match[0][1], match[1][0]) < 0.4


def test_mean_photons_are_as_asked(two_planes):
    for number, plane in enumerate(two_planes.truth.planes):
        assert plane.photons.mean() == pytest.approx(10, rel=1e-6)
        # The tissue moves, so that the movie sees a little more than the field: not exactly the same mean.
        found = (two_planes.movie[number::2].mean() - two_planes.parameters.offset) / two_planes.parameters.gain
        assert found == pytest.approx(10, rel=0.05)


def test_known_motion_is_recovered_from_a_noiseless_movie():
    parameters = Simulation(frames=40, height=96, width=96, motion=3, nonrigid=0, neuropil_activity=0, rate=0.01)
    (plane,) = prepare(parameters, session(pixel_size=1.0))
    found = np.array([displacement(frame, plane.mean()) for frame in plane.expected()])
    assert np.ptp(plane.motion.shifts, axis=0).min() > 1, "the test needs motion"
    assert np.abs(found - plane.motion.shifts).max() < 0.5
    assert np.abs(found - plane.motion.shifts).mean() < 0.2


def test_registered_by_the_truth_frames_agree():
    parameters = Simulation(frames=30, height=64, width=64, motion=3, nonrigid=0, neuropil_activity=0, rate=0.01)
    (plane,) = prepare(parameters, session(pixel_size=1.0))
    still = plane.mean()
    moved, registered = [], []
    for frame, shift in zip(plane.expected(), np.rint(plane.motion.shifts).astype(int), strict=True):
        # registered[p] = raw[p + shift], compared away from the edges
        inner = frame[16 + shift[0] : 48 + shift[0], 16 + shift[1] : 48 + shift[1]]
        registered.append(np.corrcoef(inner.ravel(), still[16:48, 16:48].ravel())[0, 1])
        moved.append(np.corrcoef(frame[16:48, 16:48].ravel(), still[16:48, 16:48].ravel())[0, 1])
    assert np.mean(registered) > 0.97
    assert np.mean(moved) < 0.9


def test_bleaching_dims_the_last_frame():
    quiet = {"motion": 0, "nonrigid": 0, "neuropil_activity": 0, "rate": 1e-6, "height": 24, "width": 24}
    (plane,) = prepare(Simulation(frames=20, bleaching=0.2, **quiet), session())
    frames = np.array(list(plane.expected()))
    assert frames[-1].mean() / frames[0].mean() == pytest.approx(0.8, rel=1e-3)


def test_footprints_read_the_calcium_back():
    """In a noiseless movie without motion, F - 0.7 Fneu of a true footprint follows the true calcium."""
    parameters = Simulation(frames=600, height=96, width=96, motion=0, nonrigid=0, bleaching=0, density=300)
    (plane,) = prepare(parameters, session(pixel_size=1.5))
    truth, movie = plane.truth(), np.array(list(plane.expected()))
    assert len(truth.weight) >= 3
    soma = np.zeros(movie.shape[1:], bool)
    for y, x in zip(truth.pixel_y, truth.pixel_x, strict=True):
        soma[y, x] = True
    rows, columns = np.mgrid[:96, :96]
    for y, x, weight, calcium in zip(truth.pixel_y, truth.pixel_x, truth.weight, truth.calcium, strict=True):
        distance = np.hypot(rows - y.mean(), columns - x.mean())
        ring = (distance < 15) & (distance > 8) & ~soma
        corrected = movie[:, y, x] @ (weight / weight.sum()) - 0.7 * movie[:, ring].mean(axis=1)
        assert np.corrcoef(corrected, calcium)[0, 1] > 0.97 or calcium.std() < 0.01


def test_cells_keep_their_promises(two_planes):
    for plane in two_planes.truth.planes:
        assert len(plane.weight) == len(plane.spike_times) == len(plane.calcium) == len(plane.snr) > 3
        assert plane.calcium.dtype == np.float32
        for y, x, weight in zip(plane.pixel_y, plane.pixel_x, plane.weight, strict=True):
            assert weight.sum() == pytest.approx(1, abs=1e-5)
            assert y.min() >= 0
            assert x.min() >= 0
            assert y.max() < 48
            assert x.max() < 64
        assert all(times.max(initial=0) < two_planes.truth.duration for times in plane.spike_times)
        # A resting cell's light and its footprint: what the mean image holds there is more than this one cell adds.
        for y, x, weight, light in zip(plane.pixel_y, plane.pixel_x, plane.weight, plane.brightness, strict=True):
            assert np.all(light * weight < plane.photons[y, x] * 1.05)


def test_the_number_of_cells_follows_the_density():
    parameters = Simulation(frames=2, height=256, width=256, density=1500, motion=0)
    (plane,) = prepare(parameters, session(pixel_size=2.0))
    assert len(plane.truth().weight) == pytest.approx(1500 * 0.512**2, rel=0.2)


def write_truth(truth, folder, provenance):
    write_table(folder / "cells.parquet", TruthCells, truth.cells(), provenance)
    write_table(folder / "shifts.parquet", TruthShifts, truth.displacement(), provenance)
    return read_table(folder / "cells.parquet"), read_table(folder / "shifts.parquet")


def test_tables(two_planes, tmp_path):
    write_table(tmp_path / "cells.parquet", TruthCells, two_planes.truth.cells(), {})
    write_table(tmp_path / "shifts.parquet", TruthShifts, two_planes.truth.displacement(), {})
    for number, plane in enumerate(two_planes.truth.planes):
        cells = read_table(tmp_path / "cells.parquet").filter(pl.col("plane") == number)
        shifts = read_table(tmp_path / "shifts.parquet").filter(pl.col("plane") == number)
        assert len(cells) == len(plane.weight)
        assert cells["calcium"].list.len().unique().to_list() == [150]
        np.testing.assert_array_equal(cells["spike_times"][0].to_numpy(), plane.spike_times[0])
        np.testing.assert_array_equal(cells["calcium"][1].to_numpy(), plane.calcium[1])
        np.testing.assert_array_equal(shifts.select("y", "x").to_numpy(), plane.shifts.astype(np.float32))
        assert shifts["node_y"].list.len().unique().to_list() == [16]
        during = pl.Series([int(np.sum((t >= 0) & (t < 10))) for t in plane.spike_times], dtype=pl.Int32)
        assert cells["spikes"].to_list() == during.to_list()


def test_a_field_without_cells_is_a_recording_too(tmp_path):
    parameters = Simulation(frames=3, height=16, width=16, density=1e-6, nonrigid=0)
    truth = simulate(parameters, session(), tmp_path / "movie.tif")
    assert len(validate(TruthCells, truth.cells())) == 0
    assert truth.displacement()["node_y"].list.len().to_list() == [0, 0, 0]
