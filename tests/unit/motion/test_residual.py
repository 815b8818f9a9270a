"""Residual motion against the true one, which the estimate is not told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from groundtrace.motion.moving import Displacement
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.residual import residual_motion
from groundtrace.testing.movies import moving, task

FRAMES, SIDE = 300, 128
CELLS = ((64, 50, 400), (30, 30, 150), (100, 40, 150), (30, 90, 150), (95, 95, 150), (60, 105, 150), (20, 60, 150))
"""Place and light of each."""


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, Displacement]:
    """A movie that moves as a whole, and that motion."""
    film = moving((FRAMES, SIDE, SIDE), whole=False, noise=60)
    return film.movie, Displacement.rigid(film.y, film.x).single()


def moved(found: Displacement, errors: np.ndarray) -> Displacement:
    return replace(found, y=found.y + errors[0].astype(np.float32), x=found.x + errors[1].astype(np.float32))


def estimate(movie: np.ndarray, found: Displacement, good: np.ndarray | None = None) -> float | None:
    return residual_motion(movie, found, np.ones(len(movie), bool) if good is None else good).motion


@pytest.mark.parametrize(("size", "slow"), [(0.3, 0), (0.6, 0), (0.6, 12), (1.5, 0)])
def test_errors_that_are_added_to_the_truth_are_found(known, size, slow):
    movie, truth = known
    errors = np.random.default_rng(1).standard_normal((2, FRAMES))
    errors = gaussian_filter(errors, (0, slow)) if slow else errors
    errors *= size / np.sqrt(2) / errors.std()
    assert estimate(movie, moved(truth, errors)) == pytest.approx(size, rel=0.25)


def test_the_truth_leaves_little_and_no_correction_all_of_the_motion(known):
    movie, truth = known
    still = Displacement.rigid(np.zeros(FRAMES, np.float32), np.zeros(FRAMES, np.float32))
    motion = np.hypot(truth.y - np.median(truth.y), truth.x - np.median(truth.x))
    assert estimate(movie, truth) < 0.25
    assert estimate(movie, still) == pytest.approx(np.sqrt((motion**2).mean()), rel=0.25)


def test_a_method_that_follows_the_noise_of_each_frame_is_not_called_better_than_it_is(known, tmp_path):
    """Shifts that fit each frame best, by its own noise, leave nothing on the same frame but for what was fitted."""
    movie, truth = known
    found = Phase(nonrigid=False).run(movie, np.empty_like(movie), task(movie, tmp_path)).shift
    off = np.stack([found.y - truth.y, found.x - truth.x], axis=1)
    true = np.sqrt(((off - np.median(off, axis=0)) ** 2).sum(axis=1).mean())
    assert estimate(movie, found) == pytest.approx(true, abs=0.12)


def test_frames_that_do_not_count_do_not(known):
    movie, truth = known
    errors, good = np.zeros((2, FRAMES)), np.ones(FRAMES, bool)
    errors[:, 100:140], good[100:140] = 9, False
    assert estimate(movie, moved(truth, errors), good) < 0.25
    assert estimate(movie, moved(truth, errors)) > 2


def test_a_bright_transient_beside_a_cell_is_no_motion():
    """Most of what these frames share with the mean is where the transient would lie upon the cell."""
    random, (y, x) = np.random.default_rng(2), np.indices((SIDE, SIDE))
    cells = sum(light * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 18) for a, b, light in CELLS)
    movie = random.poisson(200 + cells, (FRAMES, SIDE, SIDE)).astype(np.int16)
    still = Displacement.rigid(np.zeros(FRAMES, np.float32), np.zeros(FRAMES, np.float32))
    transient = 800 * np.exp(-((y - CELLS[0][0]) ** 2 + (x - CELLS[0][1] - 12) ** 2) / 18)
    movie[4:8] += random.poisson(transient, (4, SIDE, SIDE)).astype(np.int16)
    assert estimate(movie, still) < 0.1


def test_a_movie_too_short_to_tell_has_none(known):
    movie, truth = known
    assert estimate(movie[:6], truth[:6]) is None
    assert estimate(movie, truth, np.zeros(FRAMES, bool)) is None
