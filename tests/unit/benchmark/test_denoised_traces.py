"""Measures of denoised traces: planted faults have the sizes that they were planted with."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from groundtrace.benchmark.denoised_traces import (
    Truth,
    false_events,
    find_events,
    score_band,
    score_trace,
    spike_score,
)
from groundtrace.groundtruth.resampling import spike_counts

RATE, FRAMES = 30.0, 1800
ONSETS = np.arange(2.0, 58.0, 4.0)
"""s."""
SIZES = np.where(np.arange(len(ONSETS)) % 2, 1.0, 0.25)


def stepping(onsets, sizes, length: int = 40) -> np.ndarray:
    """Rises at once, stays, falls at once: every frame's value is known."""
    trace = np.zeros(FRAMES)
    for onset, size in zip(onsets, sizes, strict=True):
        first = int(np.ceil(onset * RATE))
        trace[first : first + length] += size
    return trace


def as_given(dff: np.ndarray) -> np.ndarray:
    """Rate that goes with the rises of a trace."""
    return np.maximum(np.diff(dff, axis=1, prepend=0), 0)


@pytest.fixture
def truth() -> Truth:
    """One cell with large and small events in turn, and one with two events."""
    clean = np.stack([stepping(ONSETS, SIZES), stepping((10.0, 30.0), (0.6, 0.6))])
    return Truth(clean, [ONSETS, np.array([10.0, 30.0])], RATE, as_given)


def score(truth: Truth, traces: np.ndarray) -> dict:
    return score_trace(traces, truth, find_events(truth))


def test_events_come_from_the_truth(truth):
    events = find_events(truth)
    assert np.bincount(events.roi).tolist() == [len(ONSETS), 2]
    assert events.onset[0] == 60
    assert events.amplitude[:2] == pytest.approx([0.25, 1])
    assert events.isolated.all()
    assert events.rare().sum() == 2
    # Spikes soon after another belong to the same event, and those after a longer pause to a new one.
    times = [np.array([3.0, 3.2, 4.0])]
    both = find_events(Truth(stepping((3.0, 4.0), (1, 1))[None], times, RATE, as_given))
    assert both.onset.tolist() == [90, 120]
    assert both.isolated.tolist() == [True, False]


def test_the_truth_has_no_fault(truth):
    found = score(truth, truth.clean)
    assert [found[f"slope{part}"] for part in ("", "_small", "_large", "_rare")] == pytest.approx([1] * 4)
    assert found["correlation"] == pytest.approx(1)
    assert found["leakage"] == pytest.approx(0)
    assert found["snr"] > 1e6
    assert found["spike_correlation"] > 0.9


def test_small_events_that_are_smoothed_away_are_missed_where_they_are_small(truth):
    lost = np.where(truth.clean == 0.25, 0.1, truth.clean)
    found = score(truth, lost)
    assert found["slope_small"] == pytest.approx(0.4)
    assert found["slope_large"] == pytest.approx(1)
    assert found["slope_rare"] == pytest.approx(1)
    assert 0.9 < found["slope"] < 1


def test_rare_events_that_are_flattened_are_missed_where_they_are_rare(truth):
    found = score(truth, truth.clean * np.array([[1.0], [0.3]]))
    assert found["slope_rare"] == pytest.approx(0.3)
    assert found["slope_small"] == pytest.approx(1)


def test_noise_changes_no_slope_for_it_does_not_choose_the_frames(truth):
    slopes = [
        score(truth, truth.clean + np.random.default_rng(k).normal(0, 0.5, truth.clean.shape))["slope"]
        for k in range(40)
    ]
    assert np.mean(slopes) == pytest.approx(1, abs=0.03)
    assert np.std(slopes) > 0.05


def test_the_error_of_a_slope_is_how_far_other_cells_would_move_it():
    random = np.random.default_rng(0)
    right = [(ONSETS + shift, 0.4 + random.random(len(ONSETS))) for shift in random.uniform(0, 1, 30)]
    clean = np.stack([stepping(onsets, sizes) for onsets, sizes in right])
    truth = Truth(clean, [onsets for onsets, _ in right], RATE, as_given)

    def found() -> dict:
        return score(truth, clean * random.normal(1, 0.3, (30, 1)))

    many = [found() for _ in range(40)]
    spread = np.std([one["slope"] for one in many])
    assert np.mean([one["slope_error"] for one in many]) == pytest.approx(spread, rel=0.3)
    assert spread == pytest.approx(0.3 / np.sqrt(30), rel=0.3)
    assert many[0]["slope_rare_error"] is None


def test_a_symmetric_filter_leaks_by_its_weights_and_a_causal_one_not(truth):
    # Of five frames before the step the last two see 2/5 and 1/5 of it.
    symmetric = uniform_filter1d(truth.clean, 5, axis=1)
    assert score(truth, symmetric)["leakage"] == pytest.approx((0.4 + 0.2) / 5)
    causal = uniform_filter1d(truth.clean, 5, axis=1, origin=2)
    assert score(truth, causal)["leakage"] == pytest.approx(0)
    early = np.roll(truth.clean, -3, axis=1)
    assert score(truth, early)["leakage"] == pytest.approx(3 / 5)


def test_a_trace_out_of_step_loses_correlation_and_spikes(truth):
    found, right = (score(truth, np.roll(truth.clean, by, axis=1)) for by in (20, 0))
    assert found["spike_correlation"] < 0.2 < right["spike_correlation"]
    assert found["correlation"] < 0.7


def test_signal_to_noise_is_that_which_was_planted(truth):
    noise = np.random.default_rng(0).normal(0, 1, truth.clean.shape)
    traces = truth.clean + noise * truth.clean.std(axis=1, keepdims=True) / 4
    assert score(truth, traces)["snr"] == pytest.approx(4, rel=0.05)


def test_cells_that_never_fire_have_no_events_and_no_spikes():
    silent = Truth(np.zeros((2, FRAMES)), [np.zeros(0), np.array([-1.0])], RATE, as_given)
    found = score(silent, np.random.default_rng(0).normal(0, 1, (2, FRAMES)))
    assert [found[name] for name in ("slope", "slope_rare", "leakage", "spike_correlation")] == [None] * 4


def test_spikes_are_scored_on_the_cells_that_fired(truth):
    with_silent = Truth(
        np.vstack([truth.clean, np.zeros(FRAMES)]), [*truth.spike_times, np.zeros(0)], RATE, truth.infer
    )
    assert spike_score(with_silent.clean, with_silent) == spike_score(truth.clean, truth)
    counts = spike_counts(ONSETS, np.arange(FRAMES) / RATE, RATE)
    perfect = Truth(truth.clean[:1], [ONSETS], RATE, lambda dff: counts[None] * RATE)
    assert spike_score(truth.clean[:1], perfect) == pytest.approx(1)


@pytest.mark.parametrize(("half", "share"), [(1.6449, 0.9), (0.6745, 0.5)])
def test_coverage_is_that_of_the_width(truth, half, share):
    random = np.random.default_rng(0)
    middle = truth.clean + random.normal(0, 1, truth.clean.shape)
    boxcars = {5: truth.clean + random.normal(0, 2, middle.shape), 9: truth.clean + random.normal(0, 0.5, middle.shape)}
    found = score_band(middle - half, middle + half, truth.clean, boxcars)
    assert found["coverage"] == pytest.approx(share, abs=0.02)
    assert found["coverage_error"] is None
    assert found["band_width"] == pytest.approx(2 * half)
    # A boxcar with half the error has a band of half the width.
    assert found["boxcar_window"] == 9
    assert found["band_ratio"] == pytest.approx(2, rel=0.05)


def test_a_band_too_low_in_events_is_seen_there():
    clean = np.tile(np.linspace(0, 1, 1000), (3, 1))
    high = np.where(clean > 0.985, clean - 0.01, clean + 0.1)
    found = score_band(clean - 0.1, high, clean, {3: clean + 0.5})
    assert found["coverage"] == pytest.approx(0.985, abs=0.001)
    assert found["coverage_events"] == pytest.approx(0.5, abs=0.02)


def test_the_error_of_a_coverage_is_that_of_a_mean_over_rois():
    clean = np.tile(np.linspace(0, 1, 1000), (4, 1))
    # Two hold all of their frames, and two those below 0.8: nothing of their events.
    high = np.where(clean < np.array([[2.0], [2.0], [0.8], [0.8]]), 2.0, 0.0)
    found = score_band(np.zeros_like(clean), high, clean, {3: clean + 0.5})
    assert (found["coverage"], found["coverage_events"]) == pytest.approx((0.9, 0.5))
    assert found["coverage_error"] == pytest.approx(0.2 / np.sqrt(3) / 2)
    assert found["coverage_events_error"] == pytest.approx(1 / np.sqrt(3) / 2)


def test_the_error_of_a_ratio_of_widths_is_that_of_its_median():
    random = np.random.default_rng(2)
    clean = random.standard_normal((300, 200))
    boxcar = clean + random.standard_normal(clean.shape)
    half = random.normal(1.0, 0.2, (300, 1))
    found = score_band(clean - half, clean + half, clean, {3: boxcar})
    # All frames are held, so that boxcars need their largest error: alike in all ROIs but for its own spread.
    needed = 2 * np.abs(boxcar - clean).max(axis=1)
    resampled = (random.integers(0, 300, 300) for _ in range(500))
    ratios = [np.median(2 * half[chosen]) / np.median(needed[chosen]) for chosen in resampled]
    assert found["band_ratio_error"] == pytest.approx(np.std(ratios), rel=0.25)


def test_false_events_are_counted_above_the_noise_of_the_measured_trace():
    random = np.random.default_rng(0)
    measured = random.normal(0, 0.2, (20, FRAMES))
    # A white trace is above three standard deviations in one of 741 frames.
    assert false_events(measured, measured, RATE) == pytest.approx(FRAMES / 741, rel=0.15)
    assert false_events(np.zeros_like(measured), measured, RATE) == 0
    # Bumps of five frames: one event each, whatever the baseline; those below the threshold are none.
    bumps = np.full(measured.shape, 0.7)
    for first in (100, 500, 900, 1300):
        bumps[:, first : first + 5] += 0.7
        bumps[:, first + 50 : first + 55] += 0.5
    assert false_events(bumps, measured, RATE) == pytest.approx(4)
