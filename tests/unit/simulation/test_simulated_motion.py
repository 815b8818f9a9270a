"""Displacements have the size asked for and the project's sign; a displaced scene is exact."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from groundtrace.simulation.motion import NODES, Motion, View, axial_reach, brain_motion, margin
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare
from groundtrace.simulation.truth import true_displacement

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


def motion_of(shift, nodes=None, rows=None) -> Motion:
    """One frame."""
    return Motion(
        shifts=np.array([shift], float),
        rows=np.zeros((1, 2, 40), np.float32) if rows is None else rows[None],
        nodes=None if nodes is None else nodes[None],
        z=np.zeros(1),
        moving=np.zeros(1, bool),
    )


def test_equal_nodes_are_a_rigid_shift(scene):
    view, nodes = View(40, 56, MARGIN), np.zeros((2, NODES, NODES))
    nodes[0], nodes[1] = 0.7, -0.4
    warped = view.frame(scene, motion_of([1.0, 2.0], nodes), 0)
    np.testing.assert_allclose(warped, view.rigid(scene, np.array([1.7, 1.6])), rtol=1e-5)


def test_a_node_moves_its_own_corner_only(scene):
    view, nodes = View(40, 56, MARGIN), np.zeros((2, NODES, NODES))
    nodes[0, 0, 0] = 2.0
    still, warped = view.rigid(scene, np.zeros(2)), view.frame(scene, motion_of([0, 0], nodes), 0)
    corner = view.rigid(scene, np.array([2.0, 0.0]))[0, 0]
    assert warped[0, 0] == pytest.approx(corner, rel=1e-5)
    np.testing.assert_allclose(warped[-1, -1], still[-1, -1], rtol=1e-5)
    assert abs(warped[0, 0] - still[0, 0]) > 1e-3


@pytest.mark.parametrize("nonrigid", [False, True])
def test_each_line_is_displaced_by_its_own(scene, nonrigid):
    view, rows = View(40, 56, MARGIN), np.zeros((2, 40), np.float32)
    rows[1, 7], rows[0, 8] = 1.5, -0.75
    nodes = np.zeros((2, NODES, NODES)) if nonrigid else None
    found = view.frame(scene, motion_of([0.25, 0.5], nodes, rows), 0)
    for line, shift in ((6, [0.25, 0.5]), (7, [0.25, 2.0]), (8, [-0.5, 0.5])):
        np.testing.assert_allclose(found[line], view.rigid(scene, np.array(shift))[line], rtol=1e-4)


def test_what_was_displaced_is_what_the_table_says(two_planes):
    """The scene q -> q itself, displaced, shows q - u(q)."""
    prepared = prepare(two_planes.parameters, two_planes.session)[0]
    table = two_planes.truth.planes[0].displacement(0)
    margin = prepared.view.margin
    y, x = np.mgrid[:48, :64].astype(float)
    u = true_displacement(table, (48, 64), y, x)
    for axis, places in enumerate((y, x)):
        ramp = np.indices(prepared.tissue.shape)[axis].astype(np.float32) - margin
        for frame in (0, 77, 149):
            seen = prepared.view.frame(ramp, prepared.motion, frame)
            np.testing.assert_allclose(seen, places - u[axis, frame], atol=2e-3)


def test_displacements_can_be_asked_at_other_places_in_each_frame(two_planes):
    table = two_planes.truth.planes[1].displacement(1)
    random = np.random.default_rng(0)
    y, x = random.uniform(0, 47, (150, 5)), random.uniform(0, 63, (150, 5))
    found = true_displacement(table, (48, 64), y, x)
    for frame in (0, 20, 149):
        alone = true_displacement(table, (48, 64), y[frame], x[frame])[:, frame]
        np.testing.assert_allclose(found[:, frame], alone, atol=1e-6)


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
    still = Simulation(frames=50, motion=0, nonrigid=0, line_jitter=0)
    (motion,) = brain_motion(np.random.default_rng(0), still, 1, 30.0, 1.0)
    assert motion.nodes is None
    assert np.all(motion.shifts == 0)
    assert np.all(motion.rows == 0)
    assert np.all(motion.z == 0)


def test_lines_follow_the_motion_of_the_frame():
    """The last line of a frame is where the first of the next is: motion goes on while a frame is scanned."""
    (motion,) = brain_motion(np.random.default_rng(5), Simulation(frames=500, line_jitter=0, nonrigid=0), 1, 30.0, 1.0)
    lines = motion.shifts[:, :, None] + motion.rows
    steps = np.abs(np.diff(np.moveaxis(lines, 0, 1).reshape(2, -1), axis=1))
    assert steps.max() < 0.1
    assert np.ptp(motion.rows, axis=2).max() > 0.5
    np.testing.assert_allclose(motion.rows.mean(axis=2), 0, atol=1e-4)


def test_odd_lines_are_displaced_by_the_scan_offset():
    still = Simulation(frames=3, motion=0, nonrigid=0, line_jitter=0, scan_offset=1.5)
    (motion,) = brain_motion(np.random.default_rng(0), still, 1, 30.0, 1.0)
    assert motion.rows[:, 1, 1::2].tolist() == np.full((3, 64), 1.5).tolist()
    assert not motion.rows[:, 1, ::2].any()


def test_axial_motion_has_the_size_asked_for_and_is_bounded():
    (motion,) = brain_motion(np.random.default_rng(1), Simulation(frames=100_000, axial_drift=2.0), 1, 30.0, 1.0)
    assert motion.z.std() == pytest.approx(2.0, rel=0.3)
    assert np.abs(motion.z).max() <= axial_reach(Simulation(axial_drift=2.0))


def test_running_shakes_more_than_rest():
    (motion,) = brain_motion(np.random.default_rng(2), Simulation(frames=5000), 1, 30.0, 1.0)
    steps = np.abs(np.diff(motion.shifts[:, 0]))
    assert 0.05 < motion.moving.mean() < 0.4
    assert steps[motion.moving[1:]].mean() > 2 * steps[~motion.moving[1:]].mean()
