"""Single spikes come out of a rate in the right number and at the right time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.spikes.discrete import spike_times

GAPS = st.lists(st.floats(0.7, 3.0), min_size=1, max_size=12)


@given(GAPS, st.sampled_from([7.5, 15.0, 30.0, 60.0]), st.sampled_from([0.0, 0.025, 0.1]))
def test_separate_spikes_are_found_within_half_a_frame(gaps, frame_rate, blur):
    true = np.cumsum(gaps)
    time = np.arange(int((true[-1] + 2) * frame_rate)) / frame_rate
    rate = spike_counts(true, time, frame_rate) * frame_rate
    found = spike_times(gaussian_filter1d(rate, blur * frame_rate) if blur else rate, frame_rate)
    assert len(found) == len(true)
    assert np.abs(found - true).max() <= 0.5 / frame_rate + 0.05 * blur + 1e-9


@given(st.integers(1, 20), st.integers(1, 30))
def test_a_constant_rate_gives_evenly_spaced_spikes(spikes, frames):
    frame_rate = 10.0
    rate = np.zeros(frames + 20)
    rate[10 : 10 + frames] = spikes * frame_rate / frames
    found = spike_times(rate, frame_rate, floor=0.0)
    borders = (9.5 + np.array([0, frames])) / frame_rate
    assert found == pytest.approx(borders[0] + np.diff(borders) * (np.arange(spikes) + 0.5) / spikes)


def test_haze_and_missing_frames_give_no_spike():
    rate = np.full(3000, 0.2)
    rate[1000:1100] = np.nan
    assert len(spike_times(rate, 30.0)) == 0
    rate[1500] = 30.0
    assert spike_times(rate, 30.0) == pytest.approx([1500 / 30])


def test_less_than_half_a_spike_is_none():
    rate = np.zeros(100)
    rate[20], rate[60] = 0.49 * 30, 0.51 * 30
    assert spike_times(rate, 30.0) == pytest.approx([2.0])
    assert len(spike_times(np.zeros(0), 30.0)) == 0
