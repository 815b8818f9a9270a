"""A neuron that never fires is told from one that does."""

import numpy as np
import pytest

from groundtrace.arrays import FloatArray
from groundtrace.infer import infer_spikes
from groundtrace.spikes.base import MeanRateInterval, SpikeRates
from groundtrace.spikes.silence import silent

RATE, SECONDS, ROIS, NU = 30.0, 240, 6, 2.0


def noise(random: np.random.Generator) -> FloatArray:
    return random.normal(0, NU / 100 * np.sqrt(RATE) / 0.954, (ROIS, round(RATE * SECONDS)))


@pytest.mark.parametrize("method", ["network", "oasis"])
def test_noise_may_be_silent_and_a_neuron_that_fires_is_not(method):
    random = np.random.default_rng(0)
    spikes = random.poisson(0.5 / RATE, (ROIS, round(RATE * SECONDS)))
    kernel = 0.3 * np.exp(-np.arange(90) / (0.6 * RATE))
    active = np.stack([np.convolve(each, kernel)[: spikes.shape[1]] for each in spikes])
    found = infer_spikes(np.concatenate([noise(random), active + noise(random)]), RATE, "GCaMP6s", method)
    assert not found.silent[ROIS:].any()
    if method == "network":
        assert found.silent[:ROIS].all()


def test_the_lower_end_decides_where_there_is_one():
    rate = np.array([[0.1] * 10, [1.0] * 10, [np.nan] * 10])
    rates = SpikeRates(rate, np.ones(3), np.ones(3))
    assert silent(rates, frame_rate=10.0).tolist() == [True, False, False]
    assert silent(rates, frame_rate=1.0).tolist() == [False, False, False]
    low = MeanRateInterval(np.array([0.6, 0.1, np.nan]), np.ones(3))
    told = SpikeRates(rate, np.ones(3), np.ones(3), mean_rate=low)
    assert silent(told, frame_rate=10.0).tolist() == [False, True, False]
