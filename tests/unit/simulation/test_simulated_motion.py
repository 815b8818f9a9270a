"""Displacements have the size asked for and the project's sign; a displaced scene is exact."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from groundtrace.simulation.motion import NODES, View, brain_motion, margin
from groundtrace.simulation.parameters import Simulation

MARGIN = 12


@pytest.fixture
def scene():
    return np.random.default_rng(0).random((40 + 2 * MARGIN, 56 + 2 * MARGIN), dtype=np.float32)


def test_a_whole_pixel_shift_obeys_the_convention(scene):
    view = View(40, 56, MARGIN)
    still, moved = view.rigid(scene, np.zeros(2)), view.rigid(scene, np.array([3.0, -5.0]))
    # registered[p] = raw[p + shift]
    np.testing.assert_allclose(moved[3:, : 56 - 5], still[: 40 - 3, 5:], rtol=1e-5)


def test_a_fractional_shift_is_the_spline_itself(scene):
    shift = np.array([2.3, -1.85])
    y, x = np.mgrid[:40, :56] + MARGIN - shift[:, None, None]
    expected = map_coordinates(scene, (y, x), order=3, prefilter=False)
    np.testing.assert_allclose(View(40, 56, MARGIN).rigid(scene, shift), expected, rtol=1e-5)


def test_equal_nodes_are_a_rigid_shift(scene):
    view, nodes = View(40, 56, MARGIN), np.zeros((2, NODES, NODES))
    nodes[0], nodes[1] = 0.7, -0.4
    warped = view.warped(scene, np.array([1.0, 2.0]), nodes)
    np.testing.assert_allclose(warped, view.rigid(scene, np.array([1.7, 1.6])), rtol=1e-5)


def test_a_node_moves_its_own_corner_only(scene):
    view, nodes = View(40, 56, MARGIN), np.zeros((2, NODES, NODES))
    nodes[0, 0, 0] = 2.0
    still, warped = view.rigid(scene, np.zeros(2)), view.warped(scene, np.zeros(2), nodes)
    corner = view.rigid(scene, np.array([2.0, 0.0]))[0, 0]
    assert warped[0, 0] == pytest.approx(corner, rel=1e-5)
    np.testing.assert_allclose(warped[-1, -1], still[-1, -1], rtol=1e-5)
    assert abs(warped[0, 0] - still[0, 0]) > 1e-3


def test_size_does_not_depend_on_frame_rate_or_pixel_size():
    parameters = Simulation(frames=20_000, motion=2.0, nonrigid=0.5)
    for frame_rate, pixel_size in ((30.0, 1.0), (10.0, 2.0)):
        (motion,) = brain_motion(np.random.default_rng(1), parameters, 1, frame_rate, pixel_size)
        assert motion.nodes is not None
        np.testing.assert_allclose(motion.shifts.std(axis=0) * pixel_size, 2.0, rtol=0.2)
        assert motion.nodes.std() * pixel_size == pytest.approx(0.5, rel=0.2)
        np.testing.assert_allclose(motion.nodes.mean(axis=(2, 3)), 0, atol=0.1)


def test_displacements_stay_within_the_margin():
    parameters = Simulation(frames=5000, motion=8.0, nonrigid=1.0)
    (motion,) = brain_motion(np.random.default_rng(2), parameters, 1, 30.0, 1.0)
    assert motion.nodes is not None
    assert np.abs(motion.shifts).max() + np.abs(motion.nodes).max() < margin(parameters, 1.0) - 3


def test_planes_move_together_but_not_at_the_same_time():
    first, second = brain_motion(np.random.default_rng(3), Simulation(frames=4000), 2, 15.0, 1.0)
    assert not np.array_equal(first.shifts, second.shifts)
    assert np.corrcoef(first.shifts[:, 0], second.shifts[:, 0])[0, 1] > 0.8


def test_no_motion_means_none():
    (motion,) = brain_motion(np.random.default_rng(0), Simulation(frames=50, motion=0, nonrigid=0), 1, 30.0, 1.0)
    assert motion.nodes is None
    assert np.all(motion.shifts == 0)
