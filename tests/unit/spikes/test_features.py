"""What the network sees: aligned with the spikes, free of scale, and with a lookahead blind to what comes later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtrace.indicators import indicators
from groundtrace.indicators import rise_constant as indicators_rise_constant
from groundtrace.spikes.network.features import CHANNELS, Response, read_recording, rise_constant, unit_response

FAST = Response(0.15, 0.02, 0.4, True)


def recording(frame_rate: float, response: Response, noise: float, frames: int = 2000, seed: int = 0):
    """dF/F and the frames of its spikes, far apart."""
    random = np.random.default_rng(seed)
    spikes = np.zeros(frames)
    at = np.arange(int(3 * frame_rate), frames - int(3 * frame_rate), int(4 * frame_rate))
    spikes[at + random.integers(0, int(frame_rate), len(at))] = 1
    kernel = response.amplitude * unit_response(response.decay_time, response.rise_time, frame_rate)
    return np.convolve(spikes, kernel)[:frames] + random.normal(0, noise, frames), np.flatnonzero(spikes)


@pytest.mark.parametrize("frame_rate", [5.0, 7.5, 30.0, 60.0])
def test_the_response_is_that_of_a_spike_spread_over_its_frame(frame_rate):
    decay, rise = 0.4, 0.08
    found = unit_response(decay, rise, frame_rate)
    # Slow reference: the mean over frame k of the response to a spike anywhere in frame 0.
    fine = np.linspace(-0.5, 0.5, 81) / frame_rate
    constant = next(r for r in np.linspace(1e-4, 5, 200_000) if r * np.log1p(decay / r) >= rise)
    time = np.arange(6)[:, None, None] / frame_rate + fine[:, None] - fine[None, :]
    response = np.where(time > 0, (1 - np.exp(-time / constant)) * np.exp(-time / decay), 0).mean(axis=(1, 2))
    peak = (1 - np.exp(-rise / constant)) * np.exp(-rise / decay)
    np.testing.assert_allclose(found[:6], response / peak, atol=0.02)


@given(st.floats(0.05, 1.5), st.floats(0.02, 0.6))
def test_the_rise_of_the_response_is_that_of_the_indicator(decay, share):
    r = rise_constant(decay, share * decay)
    assert 1 / r == pytest.approx(1 / indicators_rise_constant(share * decay, decay) - 1 / decay, rel=1e-6)


@pytest.mark.parametrize("lookahead", [None, 16])
def test_the_estimate_of_spikes_peaks_at_the_spikes(lookahead):
    dff, at = recording(30.0, FAST, noise=0.02)
    channels, _ = read_recording(dff, 30.0, FAST, lookahead)
    for frame in at:
        near = channels[2, frame - 5 : frame + 6]
        assert near.argmax() == 5


def test_scale_and_offset_of_dff_change_nothing_when_the_indicator_scales_with_them():
    dff, _ = recording(30.0, FAST, noise=0.02)
    channels, context = read_recording(dff, 30.0, FAST)
    bright = Response(FAST.decay_time, FAST.rise_time, 7 * FAST.amplitude, True)
    scaled, other = read_recording(7 * dff + 3, 30.0, bright)
    np.testing.assert_allclose(scaled, channels, atol=2e-3)
    # Only what is said of dF/F itself differs: its noise, and the indicator's amplitude.
    assert np.flatnonzero(np.abs(context - other) > 0.01).tolist() == [1, 5]


@pytest.mark.parametrize("lookahead", [0, 4, 16])
def test_with_a_lookahead_later_frames_do_not_matter(lookahead):
    dff, _ = recording(30.0, FAST, noise=0.05)
    changed = dff.copy()
    changed[1000] += 1.0
    before, after = (read_recording(trace, 30.0, FAST, lookahead)[0] for trace in (dff, changed))
    difference = np.abs(before - after).max(axis=0)
    # One frame in 2000 moves the noise and the baseline of the whole recording a little.
    assert difference[: 1000 - lookahead].max() < 0.02
    assert difference[1000 - lookahead] > 0.5


def test_every_indicator_and_rate_can_be_read():
    random = np.random.default_rng(0)
    for frame_rate in (2.0, 5.0, 100.0):
        for indicator in [*indicators().values(), None]:
            for frames in (16, 300):
                channels, context = read_recording(
                    random.standard_normal(frames) * 0.05, frame_rate, Response.of(indicator)
                )
                assert channels.shape == (CHANNELS, frames)
                assert np.isfinite(channels).all()
                assert np.isfinite(context).all()
