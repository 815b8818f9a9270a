"""Rates around gaps are those of a recording without them."""

import numpy as np
import pytest

from groundtrace.indicators import indicators
from groundtrace.spikes.gaps import bridged, closed, run_across_gaps
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import noise_level

RATE, KINETICS = 30.0, indicators()["GCaMP6f"]


def recording(rois: int = 6, frames: int = 6000, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    spikes = random.poisson(0.5 / RATE, (rois, frames)).astype(float)
    kernel = KINETICS.amplitude * np.exp(-np.arange(60) / (RATE * KINETICS.decay_time))
    dff = np.stack([np.convolve(row, kernel)[:frames] for row in spikes])
    return (dff + random.normal(0, 0.02, dff.shape)).astype(np.float32)


def test_gaps_are_cut_to_their_longest_length_and_off_the_ends():
    inside = np.ones(20, bool)
    inside[[0, 1, 7, 8, 9, 10, 15, 19]] = False
    assert closed(inside, 2).tolist() == [2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18]


def test_what_bridges_a_gap_has_the_noise_of_the_trace():
    dff = recording()
    inside = np.arange(45, dff.shape[1] + 45) % 90 >= 15
    inside[-30:] = True
    filled = bridged(np.where(inside, dff, np.nan), inside)
    np.testing.assert_array_equal(filled[:, inside], dff[:, inside])
    np.testing.assert_allclose(noise_level(filled, RATE), noise_level(dff, RATE), rtol=0.05)


@pytest.mark.parametrize("backend", [Oasis(), Network()], ids=["oasis", "network"])
@pytest.mark.parametrize("gap", ["first third", "shutter", "pause"])
def test_a_gap_costs_its_own_frames(backend, gap):
    dff = recording()
    frames = np.arange(dff.shape[1])
    lost = {"first third": frames < 2000, "shutter": frames % 300 < 15, "pause": (frames > 2500) & (frames < 4000)}[gap]
    whole = backend.run(dff, RATE, KINETICS).rate
    holed = dff.copy()
    holed[:, lost] = np.nan
    found = run_across_gaps(backend, holed, RATE, KINETICS)
    assert np.isnan(found.rate[:, lost]).all()
    rate, expected = found.rate[:, ~lost], whole[:, ~lost]
    assert np.isfinite(rate).all()
    assert rate.mean() == pytest.approx(expected.mean(), rel=0.1)
    assert np.corrcoef(rate.ravel(), expected.ravel())[0, 1] > 0.95
    if found.low is not None and found.expected is not None:
        assert np.isfinite(found.low[:, ~lost]).all()
        assert np.isnan(found.low[:, lost]).all()
        assert np.isfinite(found.expected.value).all()


def test_rois_with_other_gaps_or_none_are_on_their_own():
    dff, backend = recording(4), Oasis()
    alone = backend.run(dff, RATE, KINETICS).rate
    dff[1, 100:200] = np.nan
    dff[2] = np.nan
    dff[3, :5000] = np.inf
    found = run_across_gaps(backend, dff, RATE, KINETICS)
    np.testing.assert_array_equal(found.rate[0], alone[0])
    assert np.isnan(found.rate[2]).all()
    assert np.isfinite(found.rate[3, 5000:]).all()
    for roi in (1, 3):
        np.testing.assert_array_equal(found.rate[roi], run_across_gaps(backend, dff[[roi]], RATE, KINETICS).rate[0])
        assert np.isfinite(found.explained_variance[roi])
