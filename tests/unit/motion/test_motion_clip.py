"""The clip of the worst motion."""

import numpy as np
import pytest

from groundtrace.motion.clip import SIDE, motion_clip, worst_stretch
from groundtrace.testing.movies import moving

FRAMES = 900


def restless(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Displacements of a brain that swings from `first` to `last`, and hardly otherwise."""
    random = np.random.default_rng(0)
    y, x = random.normal(0, 0.05, (2, FRAMES))
    swing = 4 * np.sin(np.arange(last - first) / 5)
    y[first:last] += swing
    return y, x


def test_the_clip_shows_the_stretch_that_moves_most():
    y, x = restless(500, 640)
    start = worst_stretch(y, x, np.zeros(FRAMES, bool), 180, 3)
    assert 460 <= start <= 503


def test_bad_frames_are_left_out_when_there_is_another_stretch():
    y, x = restless(500, 640)
    x[200:260] += 3 * np.sin(np.arange(60) / 5)
    bad = np.zeros(FRAMES, bool)
    bad[500:640] = True
    assert 80 <= worst_stretch(y, x, bad, 180, 3) <= 200
    assert worst_stretch(y, x, np.ones(FRAMES, bool), 180, 3) == 0


@pytest.mark.parametrize(("frames", "pictures", "step"), [(600, 60, 3), (130, 60, 2), (20, 20, 1)])
def test_pictures_are_means_at_a_common_contrast(frames, pictures, step):
    film = moving((frames, 64, 80))
    still = np.repeat(film.still[None], frames, axis=0)
    clip = motion_clip(film.movie, still, film.y, film.x, np.zeros(frames, bool))
    assert clip["clip_raw"].shape == clip["clip_registered"].shape == (pictures, 64, 80)
    assert clip["clip_raw"].dtype == np.uint8
    assert (clip["clip_registered"] == clip["clip_registered"][0]).all()
    assert clip["clip_step"] == step
    first = int(clip["clip_start"])
    mean = film.movie[first : first + step].mean(axis=0)
    low, high = np.percentile(film.still, [1, 99.8])
    expected = 255 * ((mean - low) / (high - low)).clip(0, 1)
    np.testing.assert_allclose(clip["clip_raw"][0], expected, atol=3)


def test_a_large_field_is_shrunk():
    movie = np.ones((10, 300, 530), np.int16)
    clip = motion_clip(movie, movie, np.zeros(10), np.zeros(10), np.zeros(10, bool))
    assert clip["clip_raw"].shape == (10, 100, 176)
    assert max(clip["clip_raw"].shape[1:]) <= SIDE
