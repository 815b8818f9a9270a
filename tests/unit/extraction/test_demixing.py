"""Demixing against dense least squares, and what a read-out leaves alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from groundtrace.extraction.base import Footprint
from groundtrace.extraction.demixing import demixed
from groundtrace.extraction.readout import Readout
from tests.unit.extraction.scenes import disk_image, footprint

FIELD = (80, 90)
DIAMETER = 12.0


def soft(y: float, x: float, radius: float = 6.0) -> np.ndarray:
    """A cell that is bright inside and dim at its rim."""
    rows, columns = np.indices(FIELD)
    return np.clip(1.4 - np.hypot(rows - y, columns - x) / radius, 0, 1) * disk_image(FIELD, y, x, radius)


def measured(readout: Readout, movie: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with ThreadPoolExecutor(1) as pool:
        return readout.measure(movie, pool)


@pytest.fixture
def variance() -> np.ndarray:
    return np.random.default_rng(5).uniform(50, 200, FIELD)


@pytest.fixture
def pair() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Two cells that share two fifths of their pixels, their traces (2, T), and a movie of them on a background."""
    shapes = [soft(40, 40), soft(40, 46)]
    random = np.random.default_rng(0)
    traces = 400.0 * (random.random((2, 200)) < 0.1) * random.uniform(0.5, 1, (2, 200))
    background = 100 + 10 * np.sin(np.arange(200) / 9)
    movie = background[:, None, None] + np.einsum("kt,kyx->tyx", traces, np.array(shapes))
    return shapes, traces, movie


def gains(fluorescence: np.ndarray, traces: np.ndarray) -> np.ndarray:
    """(measured, true) how much of each true trace is in each measured one."""
    design = np.vstack([traces, np.ones(traces.shape[1])]).T
    return np.linalg.lstsq(design, fluorescence.T, rcond=None)[0][:-1].T


def test_overlapping_cells_are_measured_without_each_others_light(pair, variance):
    shapes, traces, movie = pair
    rois = [footprint(shape) for shape in shapes]
    fluorescence, neuropil = measured(demixed(rois, np.ones(2, bool), variance, DIAMETER), movie)
    alone = [measured(demixed([roi], np.ones(1, bool), variance, DIAMETER), movie)[0][0] for roi in rois]
    mixed, crosstalk = gains(np.array(alone), traces), gains(fluorescence, traces)
    assert min(mixed[0, 1] / mixed[0, 0], mixed[1, 0] / mixed[1, 1]) > 0.2, "there is something to demix"
    assert abs(crosstalk[0, 1] / crosstalk[0, 0]) < 0.04
    assert abs(crosstalk[1, 0] / crosstalk[1, 1]) < 0.04
    for own, truth in zip(fluorescence - neuropil, traces, strict=True):
        assert np.corrcoef(own, truth)[0, 1] > 0.995


def test_it_is_dense_weighted_least_squares(pair, variance):
    """With the light of the ring taken for the neuropil under the ROI; all but for the ridge."""
    shapes, _, movie = pair
    rois = [footprint(shape) for shape in shapes]
    noisy = movie + np.random.default_rng(0).normal(0, 1, movie.shape) * np.sqrt(variance)
    fluorescence, neuropil = measured(demixed(rois, np.ones(2, bool), variance, DIAMETER), noisy)
    # Each shape in units of its own weighted mean, as a read-out of its own pixels would have it.
    columns = []
    for shape in shapes:
        kernel = shape / variance
        columns.append((shape / (kernel / kernel.sum() * shape).sum()).ravel())
    design, weight = np.array(columns).T, 1 / np.sqrt(variance.ravel())
    light = (noisy.reshape(len(noisy), -1) - neuropil.mean(axis=0)[:, None]).T
    expected = np.linalg.lstsq(design * weight[:, None], light * weight[:, None], rcond=None)[0]
    for own, dense in zip(fluorescence - neuropil, expected, strict=True):
        assert np.corrcoef(own, dense)[0, 1] > 0.998
        assert np.polyfit(dense, own, 1)[0] == pytest.approx(1, abs=0.08)


def test_a_lone_roi_is_a_weighted_mean_by_light_over_variance(variance):
    roi = footprint(soft(30, 30))
    cells = demixed([roi], np.ones(1, bool), variance, DIAMETER).cells.toarray()[0].reshape(FIELD)
    assert cells.sum() == pytest.approx(1, abs=1e-6)
    expected = np.zeros(FIELD)
    expected[roi[0], roi[1]] = roi[2] / variance[roi[0], roi[1]]
    np.testing.assert_allclose(cells, expected / expected.sum(), rtol=1e-4, atol=1e-9)


def test_resting_light_keeps_its_unit_wherever_rois_overlap(variance):
    """A movie of one level reads as that level."""
    rois = [footprint(soft(40, 40)), footprint(soft(40, 46)), footprint(soft(47, 43)), footprint(soft(10, 70))]
    readout = demixed(rois, np.array([True, True, False, True]), variance, DIAMETER)
    for values in measured(readout, np.full((3, *FIELD), 250.0)):
        np.testing.assert_allclose(values, 250, rtol=1e-4)


def test_rois_that_are_not_believed_take_no_light(variance):
    cell, doubtful = footprint(soft(40, 40)), footprint(soft(40, 44))
    together = demixed([cell, doubtful], np.array([True, False]), variance, DIAMETER).cells.toarray()
    alone = demixed([cell], np.ones(1, bool), variance, DIAMETER).cells.toarray()
    np.testing.assert_allclose(together[0], alone[0], atol=1e-7)
    assert (together[1] < -1e-4).any(), "but are measured without the light of those that are"


def test_two_rois_of_one_shape_share_their_light(variance):
    """Without the ridge they would fight for it, and their noise would have no bound."""
    roi = footprint(soft(40, 40))
    cells = demixed([roi, roi], np.ones(2, bool), variance, DIAMETER).cells.toarray()
    assert np.abs(cells).sum(axis=1).max() < 10
    np.testing.assert_allclose(cells[0], cells[1], atol=1e-5)


def rings(rois: list[Footprint], believed: np.ndarray, variance: np.ndarray) -> np.ndarray:
    weights = demixed(rois, believed, variance, DIAMETER).neuropil.toarray().reshape(-1, *FIELD)
    np.testing.assert_allclose(weights.sum(axis=(1, 2)), 1, atol=1e-5)
    return weights > 0


def test_a_neuropil_avoids_believed_rois_and_a_gap_around_its_own(variance):
    rois = [footprint(soft(40, 40)), footprint(soft(40, 58)), footprint(soft(40, 22))]
    found = rings(rois, np.array([True, True, False]), variance)
    for ring in found:
        assert ring.sum() >= 350
        for y, x, _ in rois[:2]:
            assert not ring[y, x].any()
    rows, columns = np.nonzero(found[0])
    distance = np.hypot(rows[:, None] - rois[0][0], columns[:, None] - rois[0][1]).min(axis=1)
    assert distance.min() > 2
    assert distance.max() < 2 * DIAMETER
    assert found[0][rois[2][0], rois[2][1]].any(), "what is not believed is neuropil"


def test_a_neuropil_is_found_where_cells_are_everywhere(variance):
    everywhere = [footprint(disk_image(FIELD, y, x, 7)) for y in range(5, 80, 8) for x in range(5, 90, 8)]
    found = rings(everywhere, np.ones(len(everywhere), bool), variance)
    assert (found.sum(axis=(1, 2)) > 80).all()
