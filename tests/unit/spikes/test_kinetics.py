"""A label that does not fit the transients is noticed, and less is promised then."""

import warnings

import numpy as np
import pytest

import groundtrace
from groundtrace.indicators import indicators
from groundtrace.spikes.base import ExpectedCorrelation
from groundtrace.spikes.kinetics import DOUBTFUL, half_decay, ratio_to, widened

RATE = 30.0


def traces(decay: float, rois: int = 6, seconds: float = 120) -> np.ndarray:
    """dF/F (n_rois, n_frames) of single spikes, 2 s apart or more."""
    random, frames = np.random.default_rng(0), round(seconds * RATE)
    found = random.normal(0, 0.05, (rois, frames))
    kernel = 0.8 * np.exp(-np.arange(round(8 * decay * RATE)) / (decay * RATE))
    for trace in found:
        spikes = np.zeros(frames)
        spikes[np.cumsum(random.integers(round(2 * RATE), round(6 * RATE), 40))[:25] % frames] = 1
        trace += np.convolve(spikes, kernel)[:frames]
    return found.astype(np.float32)


@pytest.mark.parametrize("decay", [0.2, 0.6, 1.0])
def test_half_decay_is_that_of_the_transients_with_gaps_too(decay):
    dff = traces(decay)
    np.testing.assert_allclose(np.median(half_decay(dff, RATE)), np.log(2) * decay, rtol=0.2, atol=0.05)
    dff[:, 500:520] = np.nan
    dff[0] = np.nan
    found = half_decay(dff, RATE)
    assert np.isnan(found[0])
    np.testing.assert_allclose(np.nanmedian(found), np.log(2) * decay, rtol=0.2, atol=0.05)


def test_noise_and_constant_traces_tell_nothing():
    silent = np.concatenate([np.random.default_rng(0).normal(0, 0.05, (2, 1500)), np.ones((1, 1500))])
    assert np.isnan(ratio_to(half_decay(silent, RATE)[2:], indicators()["GCaMP6s"]))
    assert np.isnan(ratio_to(np.full(3, 0.4), None))


def test_the_interval_reaches_further_down_the_less_labels_fit():
    expected = ExpectedCorrelation(*(np.full(2, value) for value in (0.8, 0.6, 0.9)))
    for ratio in (np.nan, *DOUBTFUL, 1.0):
        assert widened(expected, ratio, np.nan) is expected
    slightly, far, slow = (widened(expected, ratio, 5.0) for ratio in (6.0, 40.0, 0.1))
    small, smaller = (widened(expected, 1.0, size) for size in (1.0, 0.4))
    assert (smaller.low < small.low).all()
    for found in (slightly, far, slow, small, smaller):
        assert (found.low < found.value).all()
        assert (found.value < expected.value).all()
        np.testing.assert_array_equal(found.high, expected.high)
    assert (far.low < slightly.low).all()
    assert (slightly.low < expected.low).all()


@pytest.mark.parametrize(("indicator", "frame_rate"), [("jGCaMP8f", RATE), ("GCaMP6s", RATE / 6)])
def test_a_wrong_label_is_said_and_promises_less(indicator, frame_rate):
    dff = traces(0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groundtrace.infer_spikes(dff, RATE, "GCaMP6s", method="oasis")
    with pytest.warns(UserWarning, match=rf"one spike of {indicator} takes: check indicator and frame_rate"):
        found = groundtrace.infer_spikes(dff, frame_rate, indicator)
    alone = found.backend.run(dff, frame_rate, indicators()[indicator]).expected
    assert (found.expected_correlation < alone.value).all()
