"""Spike trains have the statistics asked for, and calcium is what the indicator makes of them."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtrace.indicators import indicators, rise_constant
from groundtrace.simulation.activity import calcium_trace, rate_correlations, spike_trains

GCAMP = indicators()["GCaMP6f"]
LINEAR = GCAMP.model_copy(update={"hill": 1.0, "half": 1e9})


def test_spikes_far_apart_add():
    times = np.array([0.2, 10.1, 20.0, 30.3])
    together = calcium_trace(times, 1200, 30.0, GCAMP)
    apart = sum(calcium_trace(np.array([time]), 1200, 30.0, GCAMP) for time in times)
    np.testing.assert_allclose(together, apart, rtol=1e-6, atol=1e-9)


def test_calcium_is_linear_in_the_spikes_where_binding_is():
    random = np.random.default_rng(1)
    first, second = (np.sort(random.uniform(-1, 10, 40)) for _ in range(2))
    together = calcium_trace(np.sort(np.concatenate([first, second])), 300, 30.0, LINEAR)
    apart = sum(calcium_trace(part, 300, 30.0, LINEAR) for part in (first, second))
    np.testing.assert_allclose(together, apart, rtol=1e-5, atol=1e-9)


def test_bursts_of_a_gcamp_are_more_than_their_spikes_until_they_saturate():
    def peak(spikes: int, name: str) -> float:
        return calcium_trace(np.full(spikes, 0.5), 3000, 1000.0, indicators()[name]).max() / indicators()[name].peak

    assert peak(1, "GCaMP6f") == pytest.approx(1, rel=1e-3)
    assert peak(4, "GCaMP6f") > 6
    assert peak(4, "OGB-1") < 4
    sizes = np.array([peak(spikes, "GCaMP6f") for spikes in (1, 2, 5, 20, 100, 1000)])
    assert np.all(np.diff(sizes) > 0)
    assert sizes[-1] < 1.1 * sizes[-2]


@given(spikes=st.lists(st.floats(-0.5, 2.9), min_size=1, max_size=4), frame_rate=st.floats(2, 200))
def test_frames_sample_the_continuous_response(spikes, frame_rate):
    frames = int(3 * frame_rate)
    age = np.arange(frames) / frame_rate - np.array(spikes)[:, None]
    expected = GCAMP.peak * GCAMP.saturate(GCAMP.kernel(age).sum(axis=0))
    found = calcium_trace(np.array(spikes), frames, frame_rate, GCAMP)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_no_spikes_no_calcium():
    for times in (np.zeros(0), np.array([50.0])):
        assert not calcium_trace(times, 300, 30.0, GCAMP).any()


def test_a_large_field_takes_little_time():
    times = spike_trains(np.random.default_rng(0), 400, 0.8, -2.0, 100.0).times
    start = process_time()
    for train in times:
        calcium_trace(train, 3000, 30.0, GCAMP)
    assert process_time() - start < 2


@given(rise_time=st.floats(0.002, 2.0), decay_time=st.floats(0.02, 2.0))
def test_rise_constant_puts_the_peak_at_the_rise_time(rise_time, decay_time):
    rise = rise_constant(rise_time, decay_time)
    peak = decay_time * rise / (rise - decay_time) * np.log(rise / decay_time)
    assert peak == pytest.approx(rise_time, rel=2e-3)


def test_rates_are_log_normal_around_the_median_and_kept_by_the_spikes():
    rates, trains, _ = spike_trains(np.random.default_rng(0), cells=400, rate=0.8, start=-2.0, stop=198.0)
    assert np.median(rates) == pytest.approx(0.8, rel=0.15)
    assert np.std(np.log(rates)) == pytest.approx(0.9, rel=0.15)
    counted = np.array([len(train) / 200 for train in trains])
    assert counted.sum() == pytest.approx(rates.sum(), rel=0.1)
    assert all(np.all(np.diff(train) > 0) and train[0] >= -2 and train[-1] < 198 for train in trains if len(train))


def test_spikes_come_in_bursts():
    trains = spike_trains(np.random.default_rng(0), cells=100, rate=0.8, start=0.0, stop=200.0).times
    intervals = np.concatenate([np.diff(train) for train in trains])
    # Without bursts, intervals below 20 ms would be about one in a hundred at these rates; half of all spikes follow.
    assert 0.35 < np.mean(intervals < 0.02) < 0.6
    assert intervals.min() > 0


def test_loadings_tell_how_pairs_of_cells_are_correlated():
    duration, step = 10_000.0, 0.5
    rates, times, loadings = spike_trains(np.random.default_rng(3), cells=16, rate=8.0, start=0.0, stop=duration)
    counts = np.array([np.histogram(train, np.arange(0, duration + step, step))[0] for train in times])
    pairs = np.triu_indices(len(rates), 1)
    told = rate_correlations(loadings)
    # The covariance of counts of two cells has no Poisson part; the variance of a rate over its mean is known.
    variance = np.expm1((loadings[0] ** 2).sum())
    means = counts.mean(axis=1)
    found = np.cov(counts) / np.outer(means, means) / variance
    assert np.allclose(np.diag(told), 1)
    assert np.corrcoef(found[pairs], told[pairs])[0, 1] > 0.98
    assert np.abs(found - told)[pairs].mean() < 0.06
    assert np.ptp(told[pairs]) > 0.8
