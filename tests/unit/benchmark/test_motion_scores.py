"""Scores of motion correction: what is planted is what is measured, with its sign."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from groundtrace.benchmark.motion import conditions, grid, residual_displacement, score_motion, table_of
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.benchmark.tables import MotionBenchmark
from groundtrace.motion.moving import RIGID, Displacement, move_frames
from groundtrace.simulation.parameters import Simulation
from groundtrace.tables import validate
from groundtrace.testing.movies import acquisition
from tests.unit.benchmark.planted import SHAPE, corners, found_shifts, true_shifts

PARAMETERS = RecordingBenchmark()
Y = np.array([0.0, 1.5, -2.25, 3.0, 0.5, -1.0, 2.0, -3.5, 0.25, 0.0])
X = np.roll(-Y, 3)


def score(found, truth, blocks=RIGID):
    return score_motion(found, blocks, truth, SHAPE, PARAMETERS)


def test_a_perfect_registration_leaves_nothing():
    result = score(found_shifts(Y, X), true_shifts(Y, X, moving=[3, 4]))
    assert result.offset == (0, 0)
    expected = dict.fromkeys(("residual", "residual_rigid", "residual_99", "residual_rest", "residual_moving"), 0)
    assert result.measures == expected | {"frames_lost": 0, "frames": len(Y)}


@given(st.floats(-9, 9, width=16), st.floats(-9, 9, width=16))
@settings(max_examples=20, deadline=None)
def test_where_the_template_lies_is_no_error(dy, dx):
    result = score(found_shifts(Y + dy, X + dx), true_shifts(Y, X))
    assert result.offset == pytest.approx((dy, dx), abs=1e-5)
    assert result.measures["residual"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("offset", [(0, 0), (3, 0), (0, -4), (-2, 5)])
def test_the_offset_has_the_sign_that_images_show(offset):
    tissue = (1e4 * gaussian_filter(np.random.default_rng(0).normal(size=(140, 156)), 2)).astype(np.int32)
    true = np.array([[0, 0], [2, -3], [-4, 1], [1, 1]])
    height, width = SHAPE
    # raw[t, q] = tissue[q - u]; the field starts at 30, 30 of the tissue.
    raw = np.stack([tissue[30 - y : 30 - y + height, 30 - x : 30 - x + width] for y, x in true])
    found = true + offset
    registered = move_frames(raw, Displacement.rigid(*found.T.astype(float)), raw[0])
    y, x = score(found_shifts(*found.T), true_shifts(*true.T)).offset
    inner = np.s_[:, 15:-15, 15:-15]
    shown = tissue[30 + int(y) : 30 + int(y) + height, 30 + int(x) : 30 + int(x) + width]
    assert np.array_equal(registered[inner], np.stack([shown] * len(true))[inner])


def test_a_shifted_truth_costs_what_it_must():
    truth = true_shifts(np.where(np.arange(10) == 4, Y + 3, Y), np.where(np.arange(10) == 4, X - 4, X), moving=[4, 5])
    result = score(found_shifts(Y, X), truth).measures
    assert result["residual"] == pytest.approx(5 / np.sqrt(10), abs=1e-5)
    assert result["residual_rigid"] == pytest.approx(5 / np.sqrt(10), abs=1e-5)
    assert result["residual_moving"] == pytest.approx(5 / np.sqrt(2), abs=1e-5)
    assert result["residual_rest"] == pytest.approx(0, abs=1e-5)
    assert result["residual_99"] == pytest.approx(np.percentile([0] * 9 + [5], 99), abs=1e-4)
    assert result["frames_lost"] == pytest.approx(0.1)


def test_frames_lost_are_those_far_off_or_marked_bad_that_the_acquisition_kept():
    off = np.where(np.arange(10) == 2, 2.5, np.where(np.arange(10) == 3, 1.5, 0))
    truth = true_shifts(Y, X, dropped=[7, 8])
    assert score(found_shifts(Y + off, X, bad=[5, 7]), truth).measures["frames_lost"] == pytest.approx(2 / 8)
    # A dropped frame counts nowhere, a bad one everywhere.
    wild = np.where(np.isin(np.arange(10), [7, 8]), 40, 0)
    result = score(found_shifts(Y + wild, X), truth)
    assert result.measures["residual"] == pytest.approx(0, abs=1e-5)
    bad = np.where(np.arange(10) == 5, 4, 0)
    assert score(found_shifts(Y + bad, X, bad=[5]), truth).measures["residual"] == pytest.approx(
        np.sqrt(16 / 8), abs=1e-5
    )


def test_lost_frames_do_not_move_the_offset():
    wild = np.where(np.arange(10) < 3, 40, 0)
    assert score(found_shifts(Y + wild + 1, X), true_shifts(Y, X)).offset == pytest.approx((1, 0), abs=1e-5)


def test_no_frame_of_a_state_gives_no_number():
    result = score(found_shifts(Y, X), true_shifts(Y, X)).measures
    assert result["residual_moving"] is None
    assert result["residual_rest"] is not None


def linear(slope: float, frames: int) -> np.ndarray:
    """Nodes (frames, 2, 16) of a displacement along y that grows linearly with the row, 0 in the middle."""
    nodes = np.zeros((frames, 2, 4, 4))
    nodes[:, 0] = slope * (np.linspace(0, SHAPE[0] - 1, 4) - (SHAPE[0] - 1) / 2)[:, None]
    return nodes.reshape(frames, 2, 16)


def stretch(slope: float, frames: int) -> np.ndarray:
    """Displacements (frames, 4) of blocks at the corners."""
    return np.tile(np.repeat([-0.5, 0.5], 2) * slope * (SHAPE[0] - 1), (frames, 1))


def test_the_error_is_taken_where_the_estimate_looks_in_the_raw_frame():
    """u(q) = a (q - c): what registers it is e(p) = u(p + e) = a / (1 - a) (p - c), not u(p)."""
    slope = 0.1
    truth, still = true_shifts(np.zeros(5), np.zeros(5), linear(slope, 5)), np.zeros((5, 4))
    exact = found_shifts(np.zeros(5), np.zeros(5), stretch(slope / (1 - slope), 5), still)
    assert score(exact, truth, corners()).measures["residual"] == pytest.approx(0, abs=2e-5)
    naive = found_shifts(np.zeros(5), np.zeros(5), stretch(slope, 5), still)
    assert score(naive, truth, corners()).measures["residual"] > 0.2


def test_a_rigid_estimate_of_a_stretch_leaves_its_nonrigid_part():
    slope = 0.05
    truth = true_shifts(Y, X, linear(slope, len(Y)))
    result = score(found_shifts(Y, X), truth).measures
    rows = grid(SHAPE, PARAMETERS.grid)[0]
    # u is read at p + e, and e is rigid: the mean over the field moves a little with it.
    error = -slope * (rows[None] + Y[:, None] - (SHAPE[0] - 1) / 2)
    error -= np.median(error.mean(axis=1))
    assert result["residual"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert result["residual_rigid"] == pytest.approx(np.sqrt((error.mean(axis=1) ** 2).mean()), rel=1e-3)


def test_line_jitter_is_an_error_of_its_rows():
    rows = np.zeros((4, 2, SHAPE[0]))
    rows[:, 1, 40:] = 1.0
    truth = true_shifts(np.zeros(4), np.zeros(4), rows=rows)
    places = np.array([10.0, 50.0]), np.array([5.0, 5.0])
    left = residual_displacement(Displacement.rigid(np.zeros(4), np.zeros(4)), truth, places, SHAPE)
    assert np.allclose(left, np.array([[0, 0], [0, -1]])[:, None])


def test_long_recordings_are_scored_in_parts():
    generator = np.random.default_rng(0)
    y, x, error = generator.normal(size=(3, 1203))
    result = score(found_shifts(y + error, x), true_shifts(y, x)).measures
    assert result["residual"] == pytest.approx(np.sqrt(((error - np.median(error)) ** 2).mean()), rel=1e-4)
    assert result["frames"] == 1203


def test_conditions_say_what_was_simulated():
    plane = acquisition((10, *SHAPE), pixel_size=0.8, indicator="jGCaMP8m")
    simulation = Simulation(photons=7, density=5e4)
    z = np.tile([-2, 2], 5)
    found = conditions(plane, simulation, true_shifts(Y + 5, X, linear(0.05, 10), z=z), PARAMETERS)
    assert found["motion"] == pytest.approx(np.sqrt((Y - Y.mean()).var() + X.var()), rel=1e-5)
    assert found["nonrigid"] == pytest.approx(0.05 * np.std(grid(SHAPE, 9)[0]), rel=1e-4)
    assert found["axial"] == pytest.approx(2)
    assert (found["photons"], found["density"], found["pixel_size"]) == (7, 5e4, 0.8)
    row = {**found, "motion_method": "none", **score(found_shifts(Y, X), true_shifts(Y, X)).measures}
    table = validate(MotionBenchmark, table_of(MotionBenchmark, [row]))
    assert table["session"].to_list() == ["sub-M01/ses-001"]
