"""The convex solver, and OASIS against it: the same problem, so the same sum of events and the same residual."""

import numpy as np
import pytest

from groundtrace.indicators import indicators, rise_constant
from groundtrace.spikes.autoregressive import Response
from groundtrace.spikes.convex import Convex, differences
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import noise_sd

RATE = 30.0


def trace_of(response: Response, frames: int, seed: int, noise: float = 0.05) -> np.ndarray:
    """dF/F of a neuron at 0.8 Hz whose spikes peak at 0.2, on a baseline of 0.1."""
    generator = np.random.default_rng(seed)
    g1, g2 = (*response.coefficients, 0.0)[:2]
    spikes = generator.poisson(0.8 / RATE, frames) * 0.2 / response.peak
    calcium = np.zeros(frames)
    for t in range(2, frames):
        calcium[t] = g1 * calcium[t - 1] + g2 * calcium[t - 2] + spikes[t]
    return calcium + 0.1 + generator.normal(0, noise, frames)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decay", [0.11, 0.6])
@pytest.mark.parametrize("order", [1, 2])
def test_oasis_solves_the_same_problem(order, decay, seed):
    response = Response(RATE, decay, rise_constant(decay / 3, decay) if order == 2 else 0.0)
    trace = trace_of(response, 900, seed)
    events, calcium = Convex().deconvolve(trace, response)
    fast_events, fast_calcium = Oasis().deconvolve(trace, response)
    sigma = noise_sd(trace)[0]
    for fitted in (calcium, fast_calcium):
        assert np.sqrt(np.mean((trace - fitted) ** 2)) == pytest.approx(sigma, rel=2e-3)
    # Calcium from before the recording: free here, held to be events there. It decays for a second.
    later = slice(int(5 * decay * RATE), None)
    assert fast_events[later].sum() == pytest.approx(events[later].sum(), rel=0.02 if order == 1 else 0.05)
    assert np.corrcoef(fast_calcium[later], calcium[later])[0, 1] > 0.999


def test_the_constraints_hold():
    response = Response(RATE, 0.4, 0.05)
    trace = trace_of(response, 600, 0)
    events, calcium = Convex(eps=0.1).deconvolve(trace, response)
    assert events.min() >= 0
    assert np.linalg.norm(calcium - trace) <= 1.1 * noise_sd(trace)[0] * np.sqrt(600) * 1.001
    # The events are those of the calcium; its constant baseline drops out up to its own decay.
    model = differences(600, response.coefficients)
    baseline = (model @ np.ones(600))[0]
    assert np.ptp(model @ calcium - events[2:]) < 1e-3 * baseline + 1e-3


def test_more_room_for_the_residual_means_fewer_events():
    response = Response(RATE, 0.4)
    trace = trace_of(response, 600, 1)
    sums = [Convex(eps=eps).deconvolve(trace, response)[0].sum() for eps in (0.0, 0.1, 0.3)]
    assert sums[0] > sums[1] > sums[2]


def test_events_of_a_small_problem_are_those_of_brute_force():
    # Two events, no noise: the only calcium within a vanishing residual.
    response = Response(RATE, 0.3)
    events = np.zeros(200)
    events[[50, 90]] = [1.0, 0.5]
    calcium = np.zeros(200)
    for t in range(1, 200):
        calcium[t] = response.coefficients[0] * calcium[t - 1] + events[t]
    found, _ = Convex().deconvolve(calcium, response)
    assert found == pytest.approx(events, abs=0.02)


def test_a_trace_that_no_calcium_fits_is_said_and_still_answered():
    square = np.where(np.arange(600) % 40 < 20, 1.0, 0.0) + np.random.default_rng(0).normal(0, 0.02, 600)
    with pytest.warns(UserWarning, match="within its noise; the residual is"):
        found = Convex(decay_time=3.0).run(square[None], RATE, indicators()["GCaMP6s"])
    assert np.isfinite(found.rate).all()
    assert found.rate.max() > 0
