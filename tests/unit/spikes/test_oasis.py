"""OASIS against the convex problem it solves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.signal import lfilter

from groundtrace.indicators import LARGEST_LOAD, Indicator, indicators, simulated
from groundtrace.infer import infer_spikes
from groundtrace.spikes.autoregressive import SHARE, Response, remove_lag
from groundtrace.spikes.oasis import Oasis, deconvolve_trace
from groundtrace.testing.spikes import population
from groundtrace.traces.noise import noise_sd


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


@pytest.mark.parametrize("rise", [0.0, 0.01, 0.08])
def test_the_peak_of_a_response_is_that_of_its_recursion(rise):
    response = Response(frame_rate=30.0, decay_time=0.5, rise_constant=rise)
    g1, g2 = (*response.coefficients, 0.0)[:2]
    calcium = [0.0, 1.0]
    for _ in range(100):
        calcium.append(g1 * calcium[-1] + g2 * calcium[-2])
    assert response.peak == pytest.approx(max(calcium))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("size", [1, 4, 12])
def test_bursts_of_the_tabled_response_count_their_spikes(order, size):
    # A burst of four GCaMP6s spikes is as high as twelve single ones.
    kinetics = simulated("GCaMP6s")
    backend = Oasis(order=order)
    response = backend.response(30.0, kinetics)
    g1, g2 = (*response.coefficients, 0.0)[:2]
    height = kinetics.peak * float(kinetics.saturate(np.float64(size)))
    calcium = np.zeros(3000)
    for t in range(2, 3000):
        calcium[t] = g1 * calcium[t - 1] + g2 * calcium[t - 2] + (t % 300 == 150) * height / response.peak
    noise = np.random.default_rng(0).normal(0, 1e-4, 3000)
    rate = backend.run((calcium + noise)[None], 30.0, kinetics).rate[0]
    assert rate.sum() / 30 == pytest.approx(10 * size * SHARE, rel=0.05)


def test_drift_that_stands_out_from_the_noise_is_no_spikes():
    kinetics, random = simulated("jGCaMP8m"), np.random.default_rng(2)
    spikes = np.zeros(9000)
    spikes[100::300] = 1
    decay = np.exp(-1 / 30 / kinetics.decay_time)
    clean = lfilter([kinetics.peak], [1, -decay], spikes)
    drift = lfilter([0.01], [1, -0.95], random.standard_normal(9000))
    rate = Oasis().run((clean + drift + random.normal(0, 0.03, 9000))[None], 30.0, kinetics).rate
    assert rate.sum() / 30 == pytest.approx(spikes.sum(), rel=0.5)


def test_noise_alone_counts_next_to_nothing():
    noise = np.random.default_rng(1).normal(0, 0.1, (5, 9000))
    rate = Oasis().run(noise, 30.0, simulated("GCaMP6s")).rate
    assert np.median(rate.mean(axis=1)) < 0.03


def test_the_course_of_rates_is_that_of_the_events():
    kinetics = simulated("jGCaMP8m")
    dff, _ = population("jGCaMP8m", cells=1)
    events, _ = Oasis().deconvolve(dff[0].astype(float), Oasis().response(30.0, kinetics))
    rate = Oasis().run(dff, 30.0, kinetics).rate[0]
    assert np.corrcoef(rate, remove_lag(events, kinetics.lag * 30))[0, 1] == pytest.approx(1, abs=1e-6)


def test_an_indicator_without_binding_curve_is_taken_as_linear():
    known = simulated("GCaMP6s")
    linear = Indicator.model_validate(known.model_dump(include=set(Indicator.model_fields)))
    assert linear.spikes(np.array([0.0, 3 * known.amplitude])) == pytest.approx([0, 3])
    load = np.array([0.0, 0.5, 1, 3, 20, 90])
    assert known.spikes(known.peak * known.saturate(load)) == pytest.approx(load, abs=1e-9)
    assert known.spikes(np.array([1e6])) == pytest.approx(LARGEST_LOAD)


def test_rates_of_indicators_that_are_miscounted_are_relative():
    dff, _ = population("GCaMP6s", cells=1)
    with pytest.warns(UserWarning, match="oasis: how many spikes of jRCaMP1a it counts"):
        infer_spikes(dff, 30.0, "jRCaMP1a", method="oasis")
    assert Oasis().unit(indicators()["GCaMP6s"]) == "Hz"
