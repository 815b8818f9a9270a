"""Smoothed dF/F of ROIs: right where little happens, whatever the noise."""

import numpy as np
import polars as pl
import pytest

from groundtrace.indicators import indicators
from groundtrace.tables import list_column
from groundtrace.traces.dff import Dff, DffParameters, compute_dff
from groundtrace.traces.smoothing import (
    DRIFT,
    MORE,
    QUIET,
    REACH,
    STRENGTH,
    Noise,
    Smoothed,
    SmoothingParameters,
    correct_shrinkage,
    smooth_rois,
)

RATE, DECAY, BRIGHTNESS, AROUND = 30.0, 0.4, 100.0, 50.0
INDICATOR = indicators()["GCaMP6f"].model_copy(update={"decay_time": DECAY, "rise_time": 0.01})


def quiet_trace(random: np.random.Generator, frames: int) -> np.ndarray:
    """Light of a cell that does not fire, with what neuropil and other depths leave in it."""
    decay, step = np.exp(-1 / (RATE * DECAY)), BRIGHTNESS**2 / RATE
    small, slow = (np.sqrt(part * step) * random.standard_normal(frames) for part in (QUIET, DRIFT))
    decaying = np.zeros(frames)
    for t in range(1, frames):
        decaying[t] = decay * decaying[t - 1] + small[t]
    return BRIGHTNESS + decaying + np.cumsum(slow)


def smooth(seen: np.ndarray, shown: np.ndarray, noise: float, segment=None, **parameters: int) -> Smoothed:
    """Of traces (n_rois, n_frames) as measured, with noise of this variance, and as the denoised movie shows them."""
    flat = np.full_like(seen, AROUND)
    lists = {"fluorescence": seen, "neuropil": flat, "fluorescence_denoised": shown, "neuropil_denoised": flat}
    table = pl.DataFrame({name: list_column(values.astype(np.float32)) for name, values in lists.items()}).with_columns(
        fluorescence_noise=pl.lit(noise), neuropil_noise=pl.lit(0.0), dark=pl.lit(0.0)
    )
    settings = SmoothingParameters(**parameters)
    return smooth_rois(table, dff(seen, segment), 0.0, RATE, INDICATOR, settings, DffParameters().baseline, segment)


def dff(seen: np.ndarray, segment=None) -> Dff:
    return compute_dff(seen, np.full_like(seen, AROUND), RATE, 0.0, DffParameters(), segment=segment)


def test_nothing_is_smoothed_across_the_border_of_two_files():
    """The second is brighter for one cell, as after a drift; another is active up to the end of the first."""
    random, noise = np.random.default_rng(2), 25.0
    truth = np.stack([quiet_trace(random, 1800) for _ in range(3)])
    segment = np.arange(1800) // 900
    truth[0, 900:] += 40
    truth[1, 880:900] += 60
    seen = truth + np.sqrt(noise) * random.standard_normal(truth.shape)
    found, clean = (smooth(seen, truth, noise, parts, draws=80, burn=80) for parts in (segment, None))
    assert np.abs(found.dff[0, 902:1000].mean()) < 0.03 < clean.dff[0, 902:1000].mean()
    near = np.abs(found.dff[1, 900:910] - dff(truth, segment).dff[1, 900:910]).mean()
    assert near < 0.05
    assert near < np.abs(clean.dff[1, 900:910] - dff(truth, segment).dff[1, 900:910]).mean()
    np.testing.assert_array_equal(smooth(seen, truth, noise, 0 * segment, draws=80, burn=80).dff, clean.dff)


@pytest.mark.parametrize("photons", [2, 20], ids=["dim", "bright"])
def test_the_credible_band_of_quiet_cells_is_right_at_any_light_level(photons):
    random, noise = np.random.default_rng(photons), 0.03 / photons * BRIGHTNESS**2
    truth = np.stack([quiet_trace(random, 1500) for _ in range(24)])
    found = smooth(truth + np.sqrt(noise) * np.random.default_rng(1).standard_normal(truth.shape), truth, noise)
    assert np.isfinite(found.dff).all()
    clean = dff(truth).dff
    assert 0.84 < ((found.low <= clean) & (clean <= found.high)).mean() < 0.96
    assert not found.disagrees.any()


def test_a_movie_that_lost_an_event_is_marked_and_a_trace_without_a_baseline_is_drawn_from_like_any_other():
    random = np.random.default_rng(0)
    shown = np.stack([quiet_trace(random, 600) for _ in range(3)])
    shown[2] = 0.7 * AROUND + random.standard_normal(600)
    seen = shown.copy()
    seen[1, 300:400] += 100 * np.exp(-np.arange(100) / (RATE * DECAY))
    found = smooth(seen, shown, 4.0, draws=40, burn=40)
    assert found.disagrees.tolist() == [False, True, False]
    assert ((found.low <= found.dff) & (found.dff <= found.high)).all()


def test_events_of_twice_the_noise_of_a_frame_keep_most_of_their_size():
    random, frames, noise = np.random.default_rng(5), 1500, 400.0
    onsets = np.arange(60, frames - 60, 75)
    decay = np.exp(-1 / (RATE * DECAY))
    sizes = random.uniform(1.5, 3.0, (8, len(onsets))) * np.sqrt(noise)
    jumps = np.zeros((8, frames))
    jumps[:, onsets] = sizes
    light = np.array([quiet_trace(random, frames) for _ in jumps])
    for t in range(1, frames):
        jumps[:, t] += decay * jumps[:, t - 1]
    truth = light + jumps
    found = smooth(truth + np.sqrt(noise) * random.standard_normal(truth.shape), truth, noise)
    clean = dff(truth).dff

    def rises(traces: np.ndarray) -> np.ndarray:
        before = sum(traces[:, onsets - lag] for lag in (2, 3, 4)) / 3
        return (traces[:, onsets] + traces[:, onsets + 1]) / 2 - before

    true, seen = rises(clean), rises(found.dff)
    # The mean of the draws keeps 0.70.
    assert 0.85 < (true * seen).sum() / (true * true).sum() < 1.05


def test_the_correction_for_shrinkage_follows_draws_near_the_trace_and_passes_what_is_left_through_their_covariance():
    random, frames, noise = np.random.default_rng(0), 40, Noise(4.0, 0.0, 100.0)
    draws = np.cumsum(random.standard_normal((30, frames)), axis=1) + 50
    trace = 50 + random.standard_normal(frames)
    middle = draws.mean(axis=0)
    lags = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    near = np.clip(1 - lags / (REACH + 1), 0, None)
    variance = 4.0 * (1 + (middle - middle.mean()) / 100)
    chance = np.exp(-MORE / 2 * ((trace - draws) ** 2 / variance) @ near)
    nearer = np.array([np.average(draws[:, t], weights=chance[:, t]) for t in range(frames)]) - middle
    covariance = np.cov(draws.T, bias=True) * near
    events = np.zeros(frames)
    events[[10, 12, 30]] = 0.7, 0.6, 0.2
    shown = np.array([min(events[max(t - REACH, 0) : t + 2].sum(), 1) for t in range(frames)])
    expected = shown * (nearer + STRENGTH * covariance @ ((trace - middle - nearer) / variance))
    np.testing.assert_allclose(correct_shrinkage(trace, draws, events, noise), expected, rtol=1e-9, atol=1e-12)
    assert correct_shrinkage(trace[:3], draws[:, :3], events[:3], noise).shape == (3,)
