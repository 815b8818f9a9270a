"""Smoothed dF/F of ROIs: right where little happens, whatever the noise."""

import numpy as np
import polars as pl
import pytest

from groundtrace.denoising.smoothing import DRIFT, QUIET, Smoothed, SmoothingParameters, smooth_rois
from groundtrace.dff import DffParameters, compute_dff
from groundtrace.tables import list_column

RATE, DECAY, BRIGHTNESS, AROUND = 30.0, 0.4, 100.0, 50.0


def quiet_trace(random: np.random.Generator, frames: int) -> np.ndarray:
    """Light of a cell that does not fire, with what neuropil and other depths leave in it."""
    decay, step = np.exp(-1 / (RATE * DECAY)), BRIGHTNESS**2 / RATE
    small, slow = (np.sqrt(part * step) * random.standard_normal(frames) for part in (QUIET, DRIFT))
    decaying = np.zeros(frames)
    for t in range(1, frames):
        decaying[t] = decay * decaying[t - 1] + small[t]
    return BRIGHTNESS + decaying + np.cumsum(slow)


def smooth(truth: np.ndarray, noise: float, seed: int) -> tuple[Smoothed, np.ndarray]:
    """Smoothed traces (n_rois, n_frames) seen through noise of this variance, and the true dF/F."""
    random = np.random.default_rng(seed)
    seen = truth + np.sqrt(noise) * random.standard_normal(truth.shape)
    flat = np.full_like(truth, AROUND)
    lists = {"fluorescence": seen, "neuropil": flat, "fluorescence_denoised": truth, "neuropil_denoised": flat}
    table = pl.DataFrame({name: list_column(values.astype(np.float32)) for name, values in lists.items()}).with_columns(
        fluorescence_noise=pl.lit(noise), neuropil_noise=pl.lit(0.0), dark=pl.lit(0.0)
    )
    measured, clean = (compute_dff(light, flat, RATE, 0.0, DffParameters()) for light in (seen, truth))
    found = smooth_rois(table, measured, 0.0, RATE, DECAY, SmoothingParameters(), DffParameters().baseline)
    return found, clean.dff


@pytest.mark.parametrize("photons", [2, 20], ids=["dim", "bright"])
def test_the_corridor_of_quiet_cells_is_right_at_any_light_level(photons):
    random = np.random.default_rng(photons)
    truth = np.stack([quiet_trace(random, 1500) for _ in range(8)])
    found, clean = smooth(truth, 0.03 / photons * BRIGHTNESS**2, seed=1)
    assert np.isfinite(found.dff).all()
    held = ((found.low <= clean) & (clean <= found.high)).mean()
    assert 0.84 < held < 0.96
    assert not found.disagrees.any()


def test_a_movie_that_lost_an_event_is_marked_and_a_baseline_of_nothing_has_no_trace():
    random = np.random.default_rng(0)
    truth = np.stack([quiet_trace(random, 600) for _ in range(3)])
    event = 100 * np.exp(-np.arange(100) / (RATE * DECAY))
    seen, flat = truth.copy(), np.full_like(truth, AROUND)
    seen[1, 300:400] += event
    seen[2] -= BRIGHTNESS - 0.7 * AROUND
    lists = {"fluorescence": seen, "neuropil": flat, "fluorescence_denoised": truth, "neuropil_denoised": flat}
    lists["fluorescence_denoised"][2] = seen[2]
    table = pl.DataFrame({name: list_column(values.astype(np.float32)) for name, values in lists.items()}).with_columns(
        fluorescence_noise=pl.lit(4.0), neuropil_noise=pl.lit(0.0), dark=pl.lit(0.0)
    )
    dff = compute_dff(seen, flat, RATE, 0.0, DffParameters())
    parameters = SmoothingParameters(draws=40, burn=40)
    found = smooth_rois(table, dff, 0.0, RATE, DECAY, parameters, DffParameters().baseline)
    assert found.disagrees.tolist() == [False, True, False]
    assert np.isnan(found.dff[2]).all()
    assert np.isfinite(found.dff[:2]).all()
