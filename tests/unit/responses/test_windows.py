"""Spikes in windows: parts of frames, gaps, frames that are not usable, errors."""

import numpy as np
import pytest

from groundtrace.responses.windows import GROWTH, HALF, frame_spans, in_windows

TIME = np.arange(100) / 10
SPANS = frame_spans(TIME, np.zeros(100, int), 10.0)


def test_windows_count_parts_of_frames():
    rate = np.zeros((1, 100))
    rate[0, 20] = 10.0  # one spike in the frame at 2 s, which lasts from 1.95 to 2.05 s
    windows = np.array([[1.0, 3.0], [2.0, 3.0], [1.95, 1.96], [3.0, 4.0]])
    assert in_windows(rate, None, SPANS, windows, 1.0).expected[0] == pytest.approx([1.0, 0.5, 0.1, 0.0])


def test_all_rois_and_windows_agree_with_a_fine_sum():
    random = np.random.default_rng(0)
    rate = random.exponential(3, (4, 100))
    start = random.uniform(0, 8, 30)
    windows = np.column_stack([start, start + random.uniform(0.05, 1.5, 30)])
    fine = (np.arange(1_000_000) + 0.5) * 1e-5
    frame = np.rint(fine * 10).astype(int)
    slow = [
        [rate[roi, np.minimum(frame[(fine > a) & (fine < b)], 99)].sum() * 1e-5 for a, b in windows] for roi in range(4)
    ]
    assert in_windows(rate, None, SPANS, windows, 1.0).expected == pytest.approx(np.array(slow), abs=2e-3)


def test_too_few_usable_frames_give_no_response_and_a_few_lost_ones_count_as_the_others():
    rate = np.full((2, 100), 6.0)
    rate[0, 22] = np.nan
    window = np.array([[1.95, 2.95]])
    assert np.isnan(in_windows(rate, None, SPANS, window, 0.95).expected[0, 0])
    assert in_windows(rate, None, SPANS, window, 0.9).expected[:, 0] == pytest.approx([6.0, 6.0])


def test_what_lies_outside_the_recording_or_in_a_gap_has_no_response():
    time = np.r_[TIME[:50], TIME[50:] + 5]
    spans = frame_spans(time, np.repeat([0, 1], 50), 10.0)
    windows = np.array([[5.5, 6.5], [14.5, 15.5], [-1.0, 0.5], [11.0, 12.0]])
    found = in_windows(np.full((1, 100), 2.0), None, spans, windows, 0.9).expected[0]
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(2.0)


def test_the_error_of_a_second_is_that_of_the_inference_and_grows_with_time():
    rate = np.full((1, 100), 2.0)
    band = rate - HALF, rate + HALF  # a standard deviation of one spike in a second
    windows = np.array([[2.0, 3.0], [2.0, 2.25], [2.0, 6.0]])
    error = in_windows(rate, band, SPANS, windows, 1.0).error
    assert error is not None
    assert error[0] == pytest.approx([1.0, 0.25**GROWTH, 4**GROWTH])
