"""The search for sources: compiled pieces against slow references, and what a survey finds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, stats

from groundtrace.extraction.acceptance import acceptance
from groundtrace.extraction.outline_kernels import blurred, connected, filled, opened
from groundtrace.extraction.scene import Scene
from groundtrace.extraction.search import Search, least_energy, survey
from groundtrace.extraction.search_kernels import THRESHOLD, add, energy, from_normal, normal, project, regress
from groundtrace.extraction.statistics import SHAPE, Statistics
from groundtrace.testing.movies import with_cells
from tests.unit.extraction.scenes import disk_image, footprint, iou, scene_of


@pytest.mark.parametrize("skew", [0.0, 0.1, 0.5, 1.2])
def test_normal_and_from_normal_are_each_others_inverse(skew):
    for x in np.linspace(-0.8, 12, 60):
        assert from_normal(normal(x, skew), skew) == pytest.approx(x, abs=1e-6)


@pytest.mark.parametrize("skew", [0.1, 0.3, 0.6])
def test_a_value_is_as_rare_as_the_normal_one_it_becomes(skew):
    """Of photon counts, and of gamma noise, up to where one value in a million lies."""
    photons = 1 / skew**2
    counts = np.arange(int(photons), int(photons + 6 * np.sqrt(photons) + 3))
    rare = stats.norm.isf(stats.poisson.sf(counts, photons) + stats.poisson.pmf(counts, photons) / 2)
    given = np.array([normal((n - photons) / np.sqrt(photons), skew) for n in counts])
    near = rare < 4.75
    np.testing.assert_allclose(given[near], rare[near], atol=0.12 + 0.2 * skew)
    shape = 4 / skew**2
    level = np.linspace(-1.5, 4, 30)
    gamma = (stats.gamma.isf(stats.norm.sf(level), shape) - shape) / np.sqrt(shape)
    np.testing.assert_allclose([normal(x, skew) for x in gamma], level, atol=0.02 + 0.6 * skew**1.5)


@pytest.mark.parametrize("bins", [300, 1500])
def test_least_energy_is_five_deviations_above_what_noise_gives(bins):
    random = np.random.default_rng(0)
    noise = random.normal(0, 1, (4000, bins)).astype(np.float32)
    squares = np.where(noise > 3, noise**2, 0).sum(axis=1)
    expected = np.sqrt(squares.mean() + 5 * squares.std())
    assert least_energy(bins) == pytest.approx(expected, rel=0.05)
    assert least_energy(5) == 5


def masks(count: int = 40) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    smooth = [ndimage.gaussian_filter(random.normal(0, 1, (14, 17)), 1) for _ in range(count)]
    return [image > np.quantile(image, 0.45) for image in smooth]


def test_connected_filled_and_opened_are_those_of_scipy():
    for mask in masks():
        labels, _ = ndimage.label(mask)  # pyright: ignore[reportGeneralTypeIssues]
        for y, x in ((0, 0), (7, 8), (13, 16)):
            expected = (labels == labels[y, x]) & mask[y, x]
            np.testing.assert_array_equal(connected(mask, y, x), expected)
        np.testing.assert_array_equal(filled(mask), ndimage.binary_fill_holes(mask))
        np.testing.assert_array_equal(opened(mask), ndimage.binary_opening(mask, np.ones((2, 2))))


@pytest.mark.parametrize("sign", [1, -1])
def test_energy_is_that_of_numpy(sign):
    random = np.random.default_rng(0)
    smooth = random.normal(0, 1.3, (6, 7, 80)).astype(np.float32)
    smooth[2, 3, 40:44] += 9
    smooth[4, 5, 20:60] += 2
    scale = random.uniform(0.7, 1.1, (6, 7)).astype(np.float32)
    skew = random.uniform(0.01, 0.4, (6, 7)).astype(np.float32)
    where = random.random((4, 5)) < 0.7
    memory, lone, out = 0.8, 1.7, np.full((6, 7), -1, np.float32)
    taps = np.ones(1, np.float32)
    search = Search(scale, skew, memory, seed=taps, soft=taps, wide=taps, reach=3, least=5.0, lone=lone, room=8)
    energy(smooth, search, sign, (1, 2), where, out)
    expected = np.full((6, 7), -1.0)
    for i, j in np.argwhere(where):
        y, x = i + 1, j + 2
        trace = sign * scale[y, x] * smooth[y, x].astype(float)
        tail, soft = 0.0, []
        for v in trace[::-1]:
            tail = memory * tail + np.sqrt(1 - memory**2) * v
            soft.append(tail)
        less = (1 - memory**2) ** 1.5 / (1 - memory**3)
        sharp = np.array([normal(v, sign * skew[y, x]) for v in trace])
        late = np.array([normal(v, sign * skew[y, x] * less) for v in soft])
        powers = [np.square(v[v > THRESHOLD]).sum() for v in (sharp, late)]
        most = np.sqrt(max(powers[0], powers[1] * (1 - memory) / (1 + memory)))
        expected[y, x] = max(most, lone * max(late[late > THRESHOLD], default=0))
    np.testing.assert_allclose(out, expected, rtol=2e-3)


def test_traces_and_footprints_are_least_squares():
    random = np.random.default_rng(0)
    z = random.normal(0, 1, (9, 9, 60)).astype(np.float32)
    weight = random.uniform(0, 1, (4, 5)).astype(np.float32)
    weight[0, 0] = 0
    block = z[2:6, 3:8]
    expected = np.linalg.lstsq(weight.reshape(-1, 1), block.reshape(20, 60), rcond=None)[0][0]
    np.testing.assert_allclose(project(z, 2, 3, weight), expected, atol=1e-5)
    bins, trace = np.array([3, 7, 8, 40]), random.uniform(1, 5, 4).astype(np.float32)
    expected = np.linalg.lstsq(trace.reshape(-1, 1), block[:, :, bins].reshape(20, 4).T, rcond=None)[0].reshape(4, 5)
    np.testing.assert_allclose(regress(z, 2, 3, 4, 5, bins, trace), expected, atol=1e-5)
    before, whole = z.copy(), random.normal(0, 1, 60).astype(np.float32)
    add(z, 2, 3, weight, whole)
    before[2:6, 3:8] += weight[:, :, None] * whole
    np.testing.assert_allclose(z, before, atol=1e-5)
    kernel = np.array([0.25, 0.5, 0.25], np.float32)
    expected = ndimage.convolve(z[:, :, 0], np.outer(kernel, kernel), mode="constant")
    np.testing.assert_allclose(blurred(z[:, :, 0], kernel), expected, atol=1e-5)


def test_a_survey_finds_the_cells_in_their_place_and_shape_and_tiles_do_not_matter(tmp_path, monkeypatch):
    """A field of several tiles; footprints are those of the disks."""
    monkeypatch.setattr("groundtrace.extraction.scene.TILE_VALUES", 0)
    truth = with_cells((300, 64, 240), count=8)
    scene = scene_of(truth.movie, tmp_path)
    assert len(list(scene.tiles())) > 1
    with ThreadPoolExecutor(1) as pool:
        found = survey(scene, pool, most=100).footprints
    for y, x in zip(truth.y, truth.x, strict=True):
        disk = footprint(disk_image((64, 240), y, x, 5.3))
        overlaps = [iou(disk, each) for each in found]
        assert max(overlaps) > 0.7
        assert sum(value > 0.2 for value in overlaps) == 1, "found once"


def test_no_more_sources_than_asked_for(tmp_path, monkeypatch):
    """Of a field, not of each of its tiles."""
    monkeypatch.setattr("groundtrace.extraction.scene.TILE_VALUES", 0)
    scene = scene_of(with_cells((200, 64, 300), count=8).movie, tmp_path)
    assert len(list(scene.tiles())) > 1
    with ThreadPoolExecutor(1) as pool:
        assert len(survey(scene, pool, most=3).footprints) <= 3


def in_one_tile(scene: Scene) -> Scene:
    """The same scene, looked at as a whole."""
    whole = replace(scene)
    field = (slice(0, scene.shape[0]), slice(0, scene.shape[1]))
    object.__setattr__(whole, "tiles", lambda: iter([(field, field)]))
    return whole


def test_given_rois_are_measured_in_their_order_and_by_themselves(tmp_path):
    truth = with_cells((200, 64, 300), count=8)
    scene = scene_of(truth.movie, tmp_path)
    disks = [footprint(disk_image((64, 300), y, x, 5)) for y, x in zip(truth.y, truth.x, strict=True)]
    with ThreadPoolExecutor(2) as pool:
        alone = np.concatenate([survey(scene, pool, [disk]).statistics for disk in disks])
        np.testing.assert_array_equal(survey(scene, pool, disks[::-1]).statistics, alone[::-1])


@pytest.mark.parametrize("columns", [(10, 300), (20, 280)], ids=["beyond the left of its tile", "beyond the right"])
def test_a_roi_larger_than_a_tile_has_its_whole_shape_and_is_no_cell(columns, tmp_path):
    """As dendrites of other backends, and of the truth, can be. Its activity is that of the part in the tile."""
    scene = scene_of(with_cells((200, 64, 300), count=8).movie, tmp_path)
    line = np.zeros((64, 300))
    line[28:32, slice(*columns)] = 1
    with ThreadPoolExecutor(1) as pool:
        expected = survey(in_one_tile(scene), pool, [footprint(line)]).statistics
        found = survey(scene, pool, [footprint(line)]).statistics
    np.testing.assert_allclose(found[:, SHAPE], expected[:, SHAPE])
    assert np.isfinite(found).all()
    assert acceptance().probability(Statistics.of(found))[0] < 0.05


def test_pictures_do_not_depend_on_tiles(tmp_path):
    truth = with_cells((120, 64, 240), count=8)
    scene = scene_of(truth.movie, tmp_path)
    with ThreadPoolExecutor(1) as pool:
        tiled = survey(scene, pool, []).images
        whole = survey(in_one_tile(scene), pool, []).images
    inner = (slice(None), slice(10, -10))
    for name in ("mean", "maximum", "deviation", "energy"):
        np.testing.assert_allclose(tiled[name][inner], whole[name][inner], rtol=1e-3, atol=1e-3)
