"""Neuropil correction, baseline and dF/F on traces whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.traces.dff import (
    BASELINE_ERROR,
    UNKNOWN,
    BaselineParameters,
    DffParameters,
    NeuropilParameters,
    baseline,
    compute_dff,
    neuropil_coefficient,
    shared_coefficient,
    signal_to_noise,
)

RATE = 10.0
FRAMES = 3000


def transients(generator: np.random.Generator, cells: int = 4, amplitude: float = 1.0) -> np.ndarray:
    """Sparse events with exponential decay, dF/F."""
    events = generator.random((cells, FRAMES)) < 0.01
    kernel = amplitude * np.exp(-np.arange(60) / (0.5 * RATE))
    return np.stack([np.convolve(row, kernel)[:FRAMES] for row in events.astype(float)])


def recording(seed: int, bleaching: float = 0.0, r: float = 0.6):
    generator = np.random.default_rng(seed)
    truth = transients(generator)
    decay = 1 - bleaching * (1 - np.exp(-np.arange(FRAMES) / (0.3 * FRAMES)))
    slow = np.convolve(generator.normal(0, 1, FRAMES + 99), np.ones(100) / 10, mode="valid")
    neuropil = (200 + 20 * slow) * decay + generator.normal(0, 0.5, (4, FRAMES))
    cell = 300.0 * decay * (1 + truth)
    return truth, cell + r * neuropil + generator.normal(0, 3, (4, FRAMES)), neuropil


@pytest.mark.parametrize("method", ["percentile", "maximin", "exponential"])
@pytest.mark.parametrize("bleaching", [0.0, 0.2])
def test_dff_is_the_true_fraction(method, bleaching):
    truth, fluorescence, neuropil = recording(0, bleaching)
    parameters = DffParameters(
        neuropil=NeuropilParameters(coefficient=0.6), baseline=BaselineParameters(method=method, window=30)
    )
    found = compute_dff(fluorescence, neuropil, RATE, 0.0, parameters)
    for cell in range(4):
        slope, at_rest = np.polyfit(truth[cell], found.dff[cell], 1)
        assert slope == pytest.approx(1, abs=0.06)
        assert at_rest == pytest.approx(0, abs=0.06)
    assert not found.near_zero.any()
    assert not found.negative.any()


def test_scale_error_is_that_of_the_neuropil_taken_away_and_grows_as_the_baseline_shrinks():
    """By hand: r is off by 0.2 where it is fixed, the neuropil is 200, the baseline 300 above it."""
    _, fluorescence, neuropil = recording(0)
    fitted = compute_dff(fluorescence, neuropil, RATE, 0.0, DffParameters())
    fixed = DffParameters(neuropil=NeuropilParameters(method="fixed", coefficient=0.8))
    wrong = compute_dff(fluorescence, neuropil, RATE, 0.0, fixed)
    assert wrong.scale_error == pytest.approx(np.hypot(0.2 * 200, BASELINE_ERROR * 420) / 260, rel=0.15)
    assert fitted.scale_error == pytest.approx(
        np.hypot(fitted.coefficient_error * 200, BASELINE_ERROR * 420) / 300, rel=0.1
    )
    dim = compute_dff(fluorescence - 200, neuropil, RATE, 0.0, DffParameters())
    assert (dim.scale_error > 1.5 * fitted.scale_error).all()
    for offset in (0.0, 50.0):
        alone = compute_dff(fluorescence, np.zeros_like(neuropil), RATE, offset, DffParameters())
        assert np.isnan(alone.scale_error).all()
    dark = compute_dff(fluorescence, neuropil, RATE, 0.0, DffParameters(), bad_frames=np.ones(FRAMES, bool))
    assert np.isnan(dark.scale_error).all()


def test_fitted_coefficient_finds_each_rois_own():
    for r in (0.3, 0.6, 0.9):
        _, fluorescence, neuropil = recording(1, r=r)
        found, error = neuropil_coefficient(fluorescence, neuropil, RATE)
        assert found == pytest.approx(np.full(4, r), abs=0.08)
        assert (error < 0.1).all()


def test_fitted_coefficient_falls_back_where_neuropil_is_flat():
    fluorescence = np.random.default_rng(0).normal(100, 1, (2, 500))
    found, error = neuropil_coefficient(fluorescence, np.full((2, 500), 50.0), RATE, fallback=0.7)
    assert found == pytest.approx([0.7, 0.7])
    assert error == pytest.approx([UNKNOWN] * 2)


def test_detector_offset_shrinks_dff_unless_it_is_subtracted():
    truth, fluorescence, neuropil = recording(2)
    parameters = DffParameters(neuropil=NeuropilParameters(coefficient=0.6))
    right = compute_dff(fluorescence + 500, neuropil + 500, RATE, 500.0, parameters).dff
    wrong = compute_dff(fluorescence + 500, neuropil + 500, RATE, 0.0, parameters).dff
    assert np.polyfit(truth.ravel(), right.ravel(), 1)[0] == pytest.approx(1, abs=0.06)
    assert np.polyfit(truth.ravel(), wrong.ravel(), 1)[0] < 0.7


def test_baselines_near_zero_are_floored_and_flagged():
    """Where too much neuropil is taken off, dF/F is in tenths of the light; where there is no light, there is none."""
    generator = np.random.default_rng(3)
    fluorescence = generator.normal(100, 5, (3, FRAMES))
    fluorescence[2] -= 100
    neuropil = np.stack([np.full(FRAMES, 100 / 0.7), np.full(FRAMES, 160.0), np.zeros(FRAMES)])
    found = compute_dff(fluorescence, neuropil, RATE, 0.0, DffParameters())
    assert found.near_zero.all()
    assert found.negative.all()
    assert found.dff[:2].std(axis=1) == pytest.approx([0.5, 0.5], rel=0.1)
    assert (np.median(found.dff[:2], axis=1) < 1).all()
    assert np.isnan(found.dff[2]).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 50), st.integers(0, 5))
def test_dff_does_not_depend_on_the_detectors_gain(gain, seed):
    _, fluorescence, neuropil = recording(seed)
    one = compute_dff(fluorescence, neuropil, RATE, 0.0, DffParameters()).dff
    other = compute_dff(gain * fluorescence, gain * neuropil, RATE, 0.0, DffParameters()).dff
    assert other == pytest.approx(one, abs=1e-5)


@pytest.mark.parametrize("bleaching", [0.1, 0.3])
def test_bleaching_of_the_cell_is_not_taken_for_neuropil(bleaching):
    _, fluorescence, neuropil = recording(1, bleaching)
    found, error = neuropil_coefficient(fluorescence, neuropil, RATE)
    assert found == pytest.approx(np.full(4, 0.6), abs=0.08)
    assert (error < 0.1).all()


def test_an_uncertain_coefficient_leans_on_the_field_and_a_certain_one_does_not():
    own = np.array([0.5, 0.55, 0.6, 0.65, 0.7, 0.9, 1.4, 1.4])
    error = np.array([0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.25, 0.02])
    believed = np.arange(8) < 6
    found, left = shared_coefficient(own, error, believed, fallback=0.7)
    assert found[:6] == pytest.approx(own[:6], abs=0.02)
    assert found[6] == pytest.approx(0.8, abs=0.1)
    assert found[7] > 1.3, "a clear exception stays one"
    assert (left <= error).all()
    few, _ = shared_coefficient(own[6:7], error[6:7], np.array([True]), fallback=0.7)
    assert 0.7 < few[0] < 1.2, "one ROI alone leans on what is usual elsewhere"


def test_fixed_and_fitted_agree_where_the_coefficient_is_the_usual_one():
    _, fluorescence, neuropil = recording(2, r=0.7)
    fixed, fitted = (
        compute_dff(fluorescence, neuropil, RATE, 0.0, DffParameters(neuropil=NeuropilParameters(method=method)))
        for method in ("fixed", "fitted")
    )
    assert (fixed.coefficient_error == 0).all()
    assert (fitted.coefficient_error > 0).all()
    assert fitted.coefficient == pytest.approx(fixed.coefficient, abs=0.05)
    assert fitted.dff == pytest.approx(fixed.dff, abs=0.1)


def test_each_roi_is_computed_on_its_own():
    _, fluorescence, neuropil = recording(4)
    parameters = DffParameters(neuropil=NeuropilParameters(method="fixed"))
    together = compute_dff(fluorescence, neuropil, RATE, 0.0, parameters).dff
    for cell in range(4):
        alone = compute_dff(fluorescence[[cell]], neuropil[[cell]], RATE, 0.0, parameters).dff
        assert np.array_equal(alone[0], together[cell])


def test_running_percentile_equals_the_slow_one():
    trace = np.random.default_rng(5).normal(100, 5, (1, 600)).cumsum(axis=1)
    parameters = BaselineParameters(window=10, smoothing=0.5)
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(trace[0], 5.0, mode="reflect")
    padded = np.pad(smooth, 50, mode="symmetric")
    slow = [np.sort(padded[t : t + 100])[10] for t in range(600)]
    assert baseline(trace, RATE, parameters)[0] == pytest.approx(slow)


def test_a_baseline_is_as_certain_at_the_ends_as_between_them():
    traces = np.random.default_rng(7).normal(100, 5, (60, 3000))
    error = (baseline(traces, RATE, BaselineParameters()) - 100).std(axis=0)
    assert max(error[:300].max(), error[-300:].max()) < 2 * np.median(error)


def test_no_roi_and_short_recordings_work():
    assert compute_dff(
        np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32), RATE, 0.0, DffParameters()
    ).dff.shape == (0, 0)
    found = compute_dff(np.full((1, 2), 100.0), np.full((1, 2), 10.0), RATE, 0.0, DffParameters())
    assert found.dff.shape == (1, 2)


def test_signal_to_noise_counts_noise_sds():
    generator = np.random.default_rng(6)
    quiet = generator.normal(0, 0.1, (1, 20_000))
    assert signal_to_noise(quiet)[0] == pytest.approx(2.33, abs=0.1)
