"""What the network may read of a movie."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.denoising.model import LAGS, REACH
from groundtrace.denoising.standard import StandardMovie, channels
from groundtrace.movies.noise import NoiseModel

NOISE = NoiseModel(1.0, 0.0, 1.0, np.eye(1))


def standard(frames: int, good: np.ndarray, borders: tuple[int, ...] = ()) -> StandardMovie:
    movie = np.arange(frames, dtype=np.int32)[:, None, None] * np.ones((1, 4, 4), np.int32)
    image = np.ones((4, 4), np.float32)
    images, edges = np.zeros((2, 4, 4), np.float32), np.array(borders, int)
    return StandardMovie(movie, good, NOISE, 0 * image, 0 * image, image, images, edges)


@settings(max_examples=50, deadline=None)
@given(st.integers(40, 80), st.sets(st.integers(0, 79), max_size=4))
def test_neighbours_are_the_nearest_good_frames_and_never_the_frame_itself(frames, bad):
    good = np.array([t for t in range(frames) if t not in bad])
    found = standard(frames, good).neighbours(np.arange(frames))
    for t in range(frames):
        before, after = good[good < t][::-1][:REACH].tolist(), good[good > t][:REACH].tolist()
        # Where one side ends, the other goes on from its beginning.
        assert found[t, 0].tolist() == before + after[: REACH - len(before)]
        assert found[t, 1].tolist() == after + before[: REACH - len(after)]
        assert t not in found[t]


@settings(max_examples=50, deadline=None)
@given(st.integers(22, 40), st.integers(22, 40), st.sets(st.integers(0, 79), max_size=4))
def test_neighbours_are_of_the_same_stretch(border, rest, bad):
    frames = border + rest
    good = np.array([t for t in range(frames) if t not in bad])
    found = standard(frames, good, (border,)).neighbours(np.arange(frames))
    for first, last in ((0, border), (border, frames)):
        own = good[(good >= first) & (good < last)]
        alone = standard(frames, own).neighbours(np.arange(first, last))
        np.testing.assert_array_equal(found[first:last], alone)


def test_a_stretch_too_short_to_be_denoised_alone_is_none():
    every = np.arange(60)
    found = standard(60, every, (30, 36)).neighbours(every)
    np.testing.assert_array_equal(found[30:36], standard(60, every).neighbours(every)[30:36])
    assert (found[:30] < 30).all()
    assert (found[36:] >= 36).all()


def test_channels_are_means_over_the_lags():
    movie = standard(60, np.arange(60))
    read = channels(movie.frames(np.arange(60)), movie.neighbours(np.array([30])), torch.zeros(2, 4, 4))
    sides = [
        sign * np.mean(range(low, high + 1)) * np.sqrt(high - low + 1) + 30 * np.sqrt(high - low + 1)
        for sign in (-1, 1)
        for low, high in LAGS
    ]
    assert read[0, : 2 * len(LAGS), 0, 0].tolist() == pytest.approx(sides)


def test_excess_deviation_shows_what_is_active():
    random = np.random.default_rng(0)
    movie = random.poisson(20.0, (400, 40, 40)).astype(np.uint16)
    active = 1 + np.repeat(random.random(20) < 0.3, 20)[:, None, None]
    movie[:, 10:20, 10:20] = random.poisson(20.0 * active, (400, 10, 10))
    excess = StandardMovie.of(movie, np.zeros(400, bool)).images[1]
    assert excess[11:19, 11:19].mean() > 3
    assert excess[25:, 25:].mean() < 0.5


def test_without_pixels_of_their_own_structures_stay_in_the_frames():
    movie = np.random.default_rng(0).poisson(np.linspace(5.0, 50.0, 40), (300, 40, 40)).astype(np.uint16)
    own, common = (StandardMovie.of(movie, np.zeros(300, bool), by_pixel=by_pixel) for by_pixel in (True, False))
    assert np.array_equal(own.mean, common.mean)
    assert np.ptp(common.origin) == np.ptp(common.deviation) == 0
    assert own.frames(np.arange(300)).mean(dim=(0, 1)).abs().max() < 0.1
    assert np.ptp(common.frames(np.arange(300)).mean(dim=(0, 1)).numpy()) > 5
