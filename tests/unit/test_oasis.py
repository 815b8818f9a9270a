"""OASIS against the convex problem it solves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from groundtrace.noise import noise_sd
from groundtrace.spikes.oasis import deconvolve_trace, remove_lag


def test_residual_is_the_noise_and_events_are_not_negative():
    generator = np.random.default_rng(0)
    spikes = generator.poisson(0.05, 2000)
    decay = np.exp(-1 / (0.3 * 30))
    calcium = np.zeros(2000)
    for t in range(2000):
        calcium[t] = decay * calcium[t - 1] * (t > 0) + spikes[t]
    trace = calcium + generator.normal(0, 0.3, 2000)
    events, fitted = deconvolve_trace(trace, 30.0, 0.3)
    assert events.min() >= 0
    assert np.sqrt(np.mean((trace - fitted) ** 2)) == pytest.approx(noise_sd(trace)[0], rel=0.05)


def test_without_noise_it_is_the_non_negative_least_squares_solution():
    # So sparse that most frames rest, which makes the noise estimate zero.
    frames, decay = 400, np.exp(-1 / (0.05 * 30))
    spikes = np.zeros(frames)
    spikes[[50, 52, 130, 131, 300]] = [1, 2, 1, 1, 0.5]
    kernel = np.tril(decay ** np.abs(np.subtract.outer(np.arange(frames), np.arange(frames))))
    slow, _ = nnls(kernel, kernel @ spikes)
    events, _ = deconvolve_trace(kernel @ spikes, 30.0, 0.05)
    assert events == pytest.approx(slow, abs=0.01)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.floats(0, 60))
def test_removing_a_lag_keeps_the_sum(events, lag):
    moved = remove_lag(np.array(events), lag)
    assert moved.sum() == pytest.approx(sum(events), abs=1e-9)


@given(st.floats(0, 20))
def test_removing_a_lag_moves_the_centre_of_mass_by_it(lag):
    events = np.zeros(100)
    events[60] = 1
    moved = remove_lag(events, lag)
    assert (moved * np.arange(100)).sum() == pytest.approx(60 - lag)
