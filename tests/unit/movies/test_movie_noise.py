"""The noise of a movie is found as it was put in, and carried through a read-out exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from groundtrace.errors import BackendError
from groundtrace.movies.noise import REACH, NoiseModel, measure_noise
from groundtrace.testing.movies import TAPS, correlated

GAIN, OFFSET = 50.0, 200.0


@pytest.fixture(scope="module")
def photons() -> np.ndarray:
    """(Y, X) mean light, 2 to 20 photons."""
    smooth = gaussian_filter(np.random.default_rng(1).standard_normal((96, 80)), 4)
    return 2 + 18 * (smooth - smooth.min()) / np.ptp(smooth)


@pytest.fixture(scope="module")
def movie(photons) -> np.ndarray:
    """A still field under correlated shot noise, with one cell that is active half of the time."""
    random = np.random.default_rng(2)
    light = np.repeat(photons[None], 600, axis=0)
    light[:, 40:52, 30:42] *= 1 + 2 * (random.random(600) < 0.5)[:, None, None]
    seen = OFFSET + GAIN * (light + np.sqrt(light) * correlated(random, light.shape))
    return np.rint(seen).astype(np.int16)


def test_gain_offset_and_correlation_are_found_despite_an_active_cell(movie):
    found = measure_noise(movie, np.arange(len(movie)), movie.mean(axis=0))
    assert found.gain == pytest.approx(GAIN, rel=0.03)
    assert found.offset == pytest.approx(OFFSET, abs=0.5 * GAIN)
    line = np.correlate(TAPS, TAPS, "full")
    expected = np.zeros_like(found.correlation)
    expected[REACH - 2 : REACH + 3, REACH - 2 : REACH + 3] = np.outer(line, line)
    np.testing.assert_allclose(found.correlation, expected, atol=0.012)


def test_the_variance_of_a_readout_is_that_of_new_noise(movie, photons):
    model = measure_noise(movie, np.arange(len(movie)), movie.mean(axis=0))
    random = np.random.default_rng(3)
    rows, columns = np.nonzero(np.hypot(*(np.mgrid[:96, :80] - np.array([20, 20])[:, None, None])) < 5)
    weights = random.uniform(0.5, 1.5, len(rows)) / len(rows)
    new = GAIN * np.sqrt(photons) * correlated(random, (4000, 96, 80))
    measured = (new[:, rows, columns] @ weights).var()
    found = model.readout_variance(rows, columns, weights, OFFSET + GAIN * photons)
    assert found == pytest.approx(measured, rel=0.08)
    independent = float(weights**2 @ model.variance(OFFSET + GAIN * photons)[rows, columns])
    assert found > 1.2 * independent, "neighbours that share noise average out less"


def test_bad_frames_do_not_count(movie):
    spoiled = movie.copy()
    spoiled[::7] = 30_000
    good = np.flatnonzero(np.arange(len(movie)) % 7 != 0)
    found = measure_noise(spoiled, good, movie.mean(axis=0))
    assert found.gain == pytest.approx(GAIN, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_readout_variance_is_the_double_sum_over_pixels(count, seed):
    random = np.random.default_rng(seed)
    correlation = random.uniform(-0.1, 0.3, (2 * REACH + 1, 2 * REACH + 1))
    correlation = (correlation + correlation[::-1, ::-1]) / 2
    correlation[REACH, REACH] = 1
    model, mean = NoiseModel(3.0, 10.0, 5.0, correlation), random.uniform(5, 60, (12, 15))
    rows, columns = np.divmod(random.choice(mean.size, count, replace=False), 15)
    weights = random.uniform(0, 1, count)
    sigma = np.sqrt(model.variance(mean))[rows, columns]
    total = 0.0
    for p in range(count):
        for q in range(count):
            dy, dx = rows[q] - rows[p], columns[q] - columns[p]
            if max(abs(dy), abs(dx)) <= REACH:
                total += weights[p] * weights[q] * correlation[REACH + dy, REACH + dx] * sigma[p] * sigma[q]
    assert model.readout_variance(rows, columns, weights, mean) == pytest.approx(max(total, 0), rel=1e-9, abs=1e-9)


def test_frames_of_which_no_three_follow_each_other_tell_no_noise():
    movie = np.random.default_rng(0).poisson(100, (30, 16, 16)).astype(np.int16)
    for good in (np.arange(2), np.flatnonzero(np.arange(30) % 3)):
        with pytest.raises(BackendError, match="use a recipe without denoising"):
            measure_noise(movie, good, movie.mean(axis=0))
