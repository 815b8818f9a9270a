"""A simulated session: its file, its truth, and that the two agree."""

import itertools

import numpy as np
import polars as pl
import pytest
import tifffile
from scipy.spatial import KDTree
from threadpoolctl import threadpool_limits

from groundtrace.io import read_table, write_table
from groundtrace.sessions import Session
from groundtrace.simulation.detector import noise_variance
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, simulate
from groundtrace.simulation.tables import TruthCells, TruthSections, TruthShifts
from groundtrace.simulation.tissue import SPACING
from groundtrace.tables import validate


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
    parameters = Simulation(
        frames=40, height=96, width=96, motion=3, nonrigid=0, line_jitter=0, neuropil_activity=0, rate=0.01
    )
    (plane,) = prepare(parameters, session(pixel_size=1.0))
    found = np.array([displacement(frame, plane.mean()) for frame in plane.expected()])
    assert np.ptp(plane.motion.shifts, axis=0).min() > 1, "the test needs motion"
    assert np.abs(found - plane.motion.shifts).max() < 0.5
    assert np.abs(found - plane.motion.shifts).mean() < 0.2


def test_registered_by_the_truth_frames_agree():
    parameters = Simulation(
        frames=30, height=64, width=64, motion=3, nonrigid=0, line_jitter=0, neuropil_activity=0, rate=0.01
    )
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
    still = {"motion": 0, "nonrigid": 0, "line_jitter": 0, "bleaching": 0, "dendrites": 0}
    parameters = Simulation(frames=600, height=96, width=96, density=1.5e4, **still)
    (plane,) = prepare(parameters, session(pixel_size=1.5))
    truth, movie = plane.truth(), np.array(list(plane.expected()))
    bright = [k for k, d in enumerate(truth.detectability) if d > 5]
    assert len(bright) >= 3
    soma = np.zeros(movie.shape[1:], bool)
    for y, x, _ in truth.footprints:
        soma[y, x] = True
    rows, columns = np.mgrid[:96, :96]
    for y, x, weight, calcium in ((*truth.footprints[k], truth.calcium[k]) for k in bright):
        distance = np.hypot(rows - y.mean(), columns - x.mean())
        ring = (distance < 15) & (distance > 8) & ~soma
        corrected = movie[:, y, x] @ (weight / weight.sum()) - 0.7 * movie[:, ring].mean(axis=1)
        assert np.corrcoef(corrected, calcium)[0, 1] > 0.97


def test_cells_keep_their_promises(two_planes):
    for plane in two_planes.truth.planes:
        count = len(plane.footprints)
        assert count > 3
        assert {len(values) for values in (plane.spike_times, plane.calcium, plane.detectability, plane.kind)} == {
            count
        }
        assert plane.calcium.dtype == np.float32
        for y, x, weight in plane.footprints:
            assert weight.sum() == pytest.approx(1, abs=1e-5)
            assert y.min() >= 0
            assert x.min() >= 0
            assert y.max() < 48
            assert x.max() < 64
        assert all(times.max(initial=0) < two_planes.truth.duration for times in plane.spike_times)
        # A resting cell's light and its footprint: what the mean image holds there is more than this one cell adds.
        for (y, x, weight), light in zip(plane.footprints, plane.brightness, strict=True):
            assert np.all(light * weight < plane.photons[y, x] * 1.05)


def test_the_number_of_cells_follows_the_density():
    parameters = Simulation(frames=2, height=256, width=256, expressing=1, dendrites=0)
    (plane,) = prepare(parameters, session(pixel_size=2.0))
    depth = plane.truth().depth
    assert np.sum(np.abs(depth) < 5) == pytest.approx(1e5 * 0.512**2 * 0.010, rel=0.15)
    (half,) = prepare(parameters.model_copy(update={"expressing": 0.5}), session(pixel_size=2.0))
    assert len(half.truth().depth) == pytest.approx(0.5 * len(depth), rel=0.1)


def test_somata_do_not_lie_in_one_another():
    (plane,) = prepare(Simulation(frames=2, height=128, width=128, dendrites=0), session(pixel_size=1.0))
    cells = plane.tissue.cells
    places = np.column_stack([cells.centers * 1.0, cells.depth])
    assert KDTree(places).query(places, k=2)[0][:, 1].min() >= SPACING


def test_a_cell_is_dimmer_the_further_it_is_from_the_plane_and_a_ring_in_it():
    (plane,) = prepare(Simulation(frames=2, height=256, width=256, dendrites=0), session(pixel_size=1.0))
    cells, light = plane.tissue.cells, np.asarray(plane.tissue.footprints[0].sum(axis=0))
    relative = light / np.maximum(cells.brightness, 1e-9)
    lit = cells.brightness > 0
    away = np.abs(cells.depth)
    means = [relative[lit & (away >= low) & (away < low + 3)].mean() for low in (0, 3, 6, 9)]
    assert np.all(np.diff(means) < 0)
    assert means[-1] < 0.1 * means[0]
    middle = [
        plane.tissue.footprints[0][:, [k]].toarray().reshape(plane.tissue.shape)
        for k in np.flatnonzero(lit & (away < 1))
    ]
    ring = [
        image.max() > 1.5 * image[tuple(np.rint(center).astype(int))]
        for image, center in zip(
            middle, cells.centers[lit & (away < 1)].clip(0, np.array(plane.tissue.shape) - 1), strict=True
        )
    ]
    assert np.mean(ring) > 0.9


def test_axial_motion_changes_the_section():
    quiet = {"motion": 0, "nonrigid": 0, "line_jitter": 0, "rate": 0.01, "neuropil_activity": 0, "bleaching": 0}
    parameters = Simulation(frames=400, height=64, width=64, axial_drift=3.0, **quiet)
    (plane,) = prepare(parameters, session(pixel_size=1.0, frame_rate=2.0))
    frames, z = np.array(list(plane.expected())), plane.motion.z
    near = np.argsort(np.abs(z - z[0]))
    likeness = [np.corrcoef(frames[0].ravel(), frames[k].ravel())[0, 1] for k in (near[1], near[-1])]
    assert likeness[0] > 0.99
    assert likeness[1] < 0.9
    truth = plane.truth()
    assert len({z for _, z, _ in truth.sections}) == len(plane.tissue.depths) > 10
    # The light of a cell is the mean over the sections that were seen.
    for cell in range(0, len(truth.footprints), 7):
        light = {z: weight.sum() for number, z, (_, _, weight) in truth.sections if number == cell}
        mean = np.mean(
            [np.interp(at, plane.tissue.depths, [light.get(d, 0.0) for d in plane.tissue.depths]) for at in z]
        )
        assert truth.brightness[cell] == pytest.approx(mean, rel=0.15, abs=0.02 * truth.brightness.max())


def test_detectability_is_that_of_a_matched_filter(two_planes):
    """The best linear read-out of the strongest second, over noise: its mean over its standard deviation."""
    still = {"motion": 0, "nonrigid": 0, "line_jitter": 0, "bleaching": 0, "neuropil_activity": 0}
    parameters = Simulation(frames=90, height=64, width=64, noise_correlation=0, **still)
    (plane,) = prepare(parameters, session(pixel_size=1.5))
    truth = plane.truth()
    cell = int(truth.detectability.argmax())
    (y, x, weight), calcium = truth.footprints[cell], truth.calcium[cell]
    above = calcium - np.median(calcium)
    start = max(range(61), key=lambda t: (above[t : t + 30] ** 2).sum())
    signal = above[start : start + 30, None] * (truth.brightness[cell] * weight)
    variance = noise_variance(truth.photons[y, x], parameters)
    random = np.random.default_rng(0)
    filtered = [
        np.sum(signal / variance * (signal + np.sqrt(variance) * random.standard_normal(signal.shape)))
        for _ in range(400)
    ]
    assert np.mean(filtered) / np.std(filtered) == pytest.approx(truth.detectability[cell], rel=0.15)


def test_lost_frames_repeat_the_one_before_and_the_clean_movie_has_them(tmp_path):
    parameters = Simulation(frames=60, height=24, width=32, dropped=0.1)
    truth = simulate(parameters, session(planes=2), tmp_path / "movie.tif", tmp_path / "clean.npy")
    movie, clean = tifffile.imread(tmp_path / "movie.tif"), np.load(tmp_path / "clean.npy")
    assert clean.shape == movie.shape
    assert clean.dtype == movie.dtype
    for number, plane in enumerate(truth.planes):
        frames = movie[number::2]
        repeats = np.array([False, *((a == b).all() for a, b in itertools.pairwise(frames))])
        np.testing.assert_array_equal(repeats, plane.dropped)
        assert 0 < plane.dropped.sum() < 20
    noise = (movie.astype(float) - clean)[~np.repeat(np.stack([p.dropped for p in truth.planes], 1).ravel(), 1)]
    assert abs(noise.mean()) < 5
    assert noise.var() == pytest.approx(100**2 * 10 * 1.2 + 20**2, rel=0.05)


def test_tables(two_planes, tmp_path):
    write_table(tmp_path / "cells.parquet", TruthCells, two_planes.truth.cells(), {})
    write_table(tmp_path / "shifts.parquet", TruthShifts, two_planes.truth.displacement(), {})
    write_table(tmp_path / "sections.parquet", TruthSections, two_planes.truth.sections(), {})
    assert len(read_table(tmp_path / "sections.parquet")) == 0, "nothing moves axially"
    for number, plane in enumerate(two_planes.truth.planes):
        cells = read_table(tmp_path / "cells.parquet").filter(pl.col("plane") == number)
        shifts = read_table(tmp_path / "shifts.parquet").filter(pl.col("plane") == number)
        assert len(cells) == len(plane.footprints)
        assert cells["calcium"].list.len().unique().to_list() == [150]
        np.testing.assert_array_equal(cells["spike_times"][0].to_numpy(), plane.spike_times[0])
        np.testing.assert_array_equal(cells["calcium"][1].to_numpy(), plane.calcium[1])
        np.testing.assert_array_equal(shifts.select("y", "x").to_numpy(), plane.shifts.astype(np.float32))
        assert shifts["node_y"].list.len().unique().to_list() == [16]
        during = pl.Series([int(np.sum((t >= 0) & (t < 10))) for t in plane.spike_times], dtype=pl.Int32)
        assert cells["spikes"].to_list() == during.to_list()


def test_a_field_without_cells_is_a_recording_too(tmp_path):
    parameters = Simulation(frames=3, height=16, width=16, density=1e-6, dendrites=0, nonrigid=0)
    truth = simulate(parameters, session(), tmp_path / "movie.tif")
    assert len(validate(TruthCells, truth.cells())) == 0
    assert truth.displacement()["node_y"].list.len().to_list() == [0, 0, 0]
