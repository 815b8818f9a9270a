"""Coverage of held-out frames is right when the prediction is, wrong when it is not, for pixels and for disks."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from groundtrace.denoising.held_out import LEVELS, check
from groundtrace.denoising.tables import DenoisingCheck
from groundtrace.movies.noise import measure_noise
from groundtrace.tables import validate
from groundtrace.testing.movies import correlated

SHAPE = (400, 72, 64)
GAIN, OFFSET = 40.0, 100.0
HELD_OUT = [np.arange(300, 350), np.arange(350, 400)]


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A movie, what was predicted of it, and how far off that is; errors that neighbours share over some pixels."""
    random = np.random.default_rng(0)
    light = 20 + 5 * gaussian_filter(random.standard_normal(SHAPE[1:]), 4) * 10
    errors = gaussian_filter(random.standard_normal(SHAPE), (0, 2, 2))
    errors /= errors.std()
    truth = OFFSET + GAIN * (light + np.zeros(SHAPE))
    movie = truth + GAIN * np.sqrt(light) * correlated(random, SHAPE)
    deviation = 0.4 * GAIN * np.sqrt(light) + np.zeros(SHAPE)
    return np.rint(movie).astype(np.int16), truth + deviation * errors, deviation


def coverage(known, scale: float) -> dict[str, np.ndarray]:
    movie, predicted, deviation = known
    mean = movie.mean(axis=0)
    noise = measure_noise(movie, np.arange(len(movie)), mean)
    found = validate(DenoisingCheck, check(movie, predicted, scale * deviation, HELD_OUT, noise, mean))
    return {what: found.filter(what=what)["coverage"].to_numpy() for what in ("pixels", "disks")}


def test_right_deviations_hold_what_they_say(known):
    found = coverage(known, 1.0)
    np.testing.assert_allclose(found["pixels"], LEVELS, atol=0.02)
    np.testing.assert_allclose(found["disks"], LEVELS, atol=0.03)


def test_too_small_deviations_show_in_pixels(known):
    assert coverage(known, 0.1)["pixels"][0] < LEVELS[0] - 0.025


def test_without_frames_there_is_no_check(known):
    movie, predicted, deviation = known
    mean = movie.mean(axis=0)
    noise = measure_noise(movie, np.arange(len(movie)), mean)
    found = check(movie, predicted, deviation, [HELD_OUT[0], np.zeros(0, int)], noise, mean)
    assert validate(DenoisingCheck, found).is_empty()
