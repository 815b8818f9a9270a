"""Noise statistics against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from groundtrace.traces.noise import noise_level, noise_sd, shot_noise_level

traces = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 60)), elements=st.floats(-10, 10))


@given(traces, st.floats(1, 60))
def test_noise_level_is_the_published_definition(dff, frame_rate):
    slow = [100 * np.median([abs(row[t + 1] - row[t]) for t in range(len(row) - 1)]) / frame_rate**0.5 for row in dff]
    assert noise_level(dff, frame_rate) == pytest.approx(slow)


@given(traces, st.floats(-5, 5), st.floats(0.1, 10))
def test_noise_level_ignores_offset_and_scales_with_gain(dff, offset, gain):
    assert noise_level(gain * dff + offset, 30.0) == pytest.approx(gain * noise_level(dff, 30.0), abs=1e-9)


def test_gaussian_noise_has_the_level_known_from_the_field():
    # A Gaussian of standard deviation s per frame gives 0.954 * 100 * s / sqrt(rate).
    dff = np.random.default_rng(0).normal(0, 0.2, (1, 400_000))
    assert noise_level(dff, 30.0)[0] == pytest.approx(0.954 * 100 * 0.2 / np.sqrt(30), rel=0.01)
    assert noise_sd(dff)[0] == pytest.approx(0.2, rel=0.01)


def test_gaps_are_left_out():
    dff = np.array([[0.0, 1.0, np.nan, 5.0, 6.0]])
    assert noise_level(dff, 1.0)[0] == pytest.approx(100.0)
    assert np.isnan(noise_level(np.full((1, 5), np.nan), 1.0)[0])


def test_shot_noise_level_is_that_of_simulated_photons():
    generator = np.random.default_rng(1)
    photons, pixels, rate = 8.0, 50, 30.0
    counts = generator.poisson(photons, (200_000, pixels)).mean(axis=1)
    cell = counts - 0.25 * photons  # a quarter of the light is neuropil, removed without noise of its own
    dff = (cell - 0.75 * photons) / (0.75 * photons)
    expected = shot_noise_level(np.array([photons]), np.array([float(pixels)]), np.array([0.75]), rate)
    assert noise_level(dff[None], rate) == pytest.approx(expected, rel=0.02)
