"""Tuning: preferred values are as right as their errors say, and cells that do not care do not look selective."""

import numpy as np
import pytest

from groundtrace.responses.tuning import tunings

ORIENTATIONS = np.tile(np.arange(0, 180, 22.5), 10)
DIRECTIONS = np.tile(np.arange(0, 360, 45.0), 12)


def bell(shown: np.ndarray, preferred: np.ndarray, period: float, height: float = 3) -> np.ndarray:
    return 0.5 + height * np.exp(2 * (np.cos(2 * np.pi * (shown - preferred[:, None]) / period) - 1))


def test_a_noisy_untuned_cell_does_not_look_selective():
    counts = np.random.default_rng(0).poisson(1.0, (800, len(ORIENTATIONS))).astype(float)
    (found,) = tunings(counts, ORIENTATIONS, "orientation")
    vector = (found.response * np.exp(2j * np.pi * found.value / 180)).sum(axis=1)
    assert (np.abs(vector) / found.response.sum(axis=1)).mean() > 0.08  # what is usually reported
    assert abs(found.selectivity.mean()) < 0.03
    assert (found.selectivity > 2 * found.selectivity_error).mean() < 0.06
    assert np.median(found.preferred_error) > 40  # of at most 52
    assert found.selectivity_error.mean() == pytest.approx(found.selectivity.std(), rel=0.3)


def test_preferred_orientations_and_selectivity_are_right_within_their_errors():
    random = np.random.default_rng(1)
    preferred = random.uniform(0, 180, 400)
    (found,) = tunings(random.poisson(bell(ORIENTATIONS, preferred, 180)).astype(float), ORIENTATIONS, "orientation")
    off = (found.preferred - preferred + 90) % 180 - 90
    assert np.std(off) < 6
    assert np.std(off / found.preferred_error) == pytest.approx(1, abs=0.2)
    curve = bell(np.arange(0, 180, 22.5), np.zeros(1), 180)[0]
    true = np.abs((curve * np.exp(2j * np.deg2rad(np.arange(0, 180, 22.5)))).sum()) / curve.sum()
    assert found.selectivity.mean() == pytest.approx(true, abs=0.02)
    assert found.selectivity.std() == pytest.approx(found.selectivity_error.mean(), rel=0.3)


def test_angles_over_the_whole_circle_are_orientations_and_directions():
    random, preferred = np.random.default_rng(2), np.full(200, 100.0)
    means = bell(DIRECTIONS, preferred, 180)
    orientation, direction = tunings(random.poisson(means).astype(float), DIRECTIONS, "orientation")
    assert (orientation.period, direction.period) == (180, 360)
    assert np.median(orientation.preferred) == pytest.approx(100, abs=5)
    assert np.median(orientation.preferred_error) < 10
    # Both directions are as good as each other, and none is called preferred.
    assert np.median(direction.preferred_error) > 60
    assert abs(direction.selectivity.mean()) < 0.03


def test_numbers_that_are_no_angles_have_a_peak_and_a_depth():
    random = np.random.default_rng(3)
    shown = np.tile([0.02, 0.04, 0.08, 0.16, 0.32], 20)
    centre = random.uniform(-4.8, -2.4, 400)
    means = 0.3 + 2 * np.exp(-((np.log2(shown) - centre[:, None]) ** 2) / 2)
    (found,) = tunings(random.poisson(means).astype(float), shown, "spatial_frequency")
    octaves = (np.log2(found.preferred) - centre) / (found.preferred_error / found.preferred / np.log(2))
    assert found.period is None
    assert np.std(octaves) == pytest.approx(1, abs=0.3)
    (flat,) = tunings(random.poisson(1.0, means.shape).astype(float), shown, "spatial_frequency")
    assert abs(flat.selectivity.mean()) < 0.01
    assert (flat.selectivity > 2 * flat.selectivity_error).mean() < 0.05
    assert found.selectivity.mean() > 0.2


def test_uneven_values_missing_ones_and_too_few():
    shown = np.tile([0.0, 10, 20, 90, 150], 40)
    counts = np.random.default_rng(4).poisson(bell(shown, np.full(50, 20.0), 180)).astype(float)
    with_blanks, blanks = np.append(shown, np.full(40, np.nan)), np.full((50, 40), 99.0)
    (found,) = tunings(np.column_stack([counts, blanks]), with_blanks, "orientation")
    assert found.value.tolist() == [0, 10, 20, 90, 150]
    assert np.median(found.preferred) == pytest.approx(20, abs=4)
    assert tunings(counts, np.tile([0.0, 90], 100), "orientation") == []


def test_a_silent_cell_prefers_nothing():
    (found,) = tunings(np.zeros((1, len(ORIENTATIONS))), ORIENTATIONS, "orientation")
    assert np.isnan([found.preferred[0], found.selectivity[0]]).all()


def test_selectivity_is_unknown_where_the_mean_response_is_not_above_zero():
    shown = np.tile(np.arange(0.0, 90, 15), 5)
    response = np.random.default_rng(0).normal(0, 1, (40, len(shown)))
    (found,) = tunings(response, shown, "orientation")
    known = np.isfinite(found.selectivity)
    assert 0 < known.sum() < 40
    assert (found.selectivity_error[known] >= 0).all()
    assert np.isnan(found.selectivity_error[~known]).all()
