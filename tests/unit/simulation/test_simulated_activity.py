"""Spike trains have the statistics asked for, and calcium is what the indicator makes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtrace.indicators import indicators, rise_constant
from groundtrace.simulation.activity import calcium_trace, spike_trains

INDICATOR = indicators()["jGCaMP8m"].model_copy(update={"decay_time": 0.3, "rise_time": 0.05, "amplitude": 0.2})


@pytest.mark.parametrize("name", ["GCaMP6s", "jGCaMP8m"])
def test_one_spike_peaks_where_and_as_high_as_its_indicator_says(name):
    indicator = indicators()[name]
    rate = 10_000.0
    trace = calcium_trace(np.array([0.1]), 10_000, rate, indicator)
    assert trace.max() == pytest.approx(indicator.amplitude, rel=1e-4)
    assert trace.argmax() / rate - 0.1 == pytest.approx(indicator.rise_time, abs=2e-4)
    assert np.all(trace[: int(0.1 * rate)] == 0)


def test_late_decay_has_the_time_constant():
    trace = calcium_trace(np.array([0.0]), 300, 100.0, INDICATOR)
    assert trace[200] / trace[100] == pytest.approx(np.exp(-1.0 / INDICATOR.decay_time), rel=1e-3)


def test_calcium_is_linear_in_the_spikes():
    random = np.random.default_rng(1)
    first, second = (np.sort(random.uniform(-1, 10, 40)) for _ in range(2))
    together = calcium_trace(np.sort(np.concatenate([first, second])), 300, 30.0, INDICATOR)
    apart = sum(calcium_trace(part, 300, 30.0, INDICATOR) for part in (first, second))
    np.testing.assert_allclose(together, apart, rtol=1e-9, atol=1e-12)


@given(spike=st.floats(-0.5, 2.9), frame_rate=st.floats(2, 200))
def test_frames_sample_the_continuous_response(spike, frame_rate):
    frames = int(3 * frame_rate)
    age = np.arange(frames) / frame_rate - spike
    rise = rise_constant(INDICATOR.rise_time, INDICATOR.decay_time)
    response = np.where(age >= 0, np.exp(-age / INDICATOR.decay_time) - np.exp(-age / rise), 0)
    fine = np.linspace(0, 1, 100_001)
    peak = (np.exp(-fine / INDICATOR.decay_time) - np.exp(-fine / rise)).max()
    expected = INDICATOR.amplitude * response / peak
    np.testing.assert_allclose(
        calcium_trace(np.array([spike]), frames, frame_rate, INDICATOR), expected, rtol=1e-5, atol=1e-9
    )


@given(rise_time=st.floats(0.002, 2.0), decay_time=st.floats(0.02, 2.0))
def test_rise_constant_puts_the_peak_at_the_rise_time(rise_time, decay_time):
    rise = rise_constant(rise_time, decay_time)
    peak = decay_time * rise / (rise - decay_time) * np.log(rise / decay_time)
    assert peak == pytest.approx(rise_time, rel=2e-3)


def test_rates_are_log_normal_around_the_median_and_kept_by_the_spikes():
    rates, trains = spike_trains(np.random.default_rng(0), cells=400, rate=0.8, start=-2.0, stop=198.0)
    assert np.median(rates) == pytest.approx(0.8, rel=0.15)
    assert np.std(np.log(rates)) == pytest.approx(0.9, rel=0.15)
    counted = np.array([len(train) / 200 for train in trains])
    assert counted.sum() == pytest.approx(rates.sum(), rel=0.1)
    assert all(np.all(np.diff(train) > 0) and train[0] >= -2 and train[-1] < 198 for train in trains if len(train))


def test_spikes_come_in_bursts():
    _, trains = spike_trains(np.random.default_rng(0), cells=100, rate=0.8, start=0.0, stop=200.0)
    intervals = np.concatenate([np.diff(train) for train in trains])
    # Without bursts, intervals below 20 ms would be about one in a hundred at these rates; half of all spikes follow.
    assert 0.35 < np.mean(intervals < 0.02) < 0.6
    assert intervals.min() > 0
