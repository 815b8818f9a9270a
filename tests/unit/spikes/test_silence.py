"""A neuron that never fires is told from one that does."""

import numpy as np
import pytest

from groundtrace.arrays import FloatArray
from groundtrace.indicators import indicators
from groundtrace.infer import infer_spikes
from groundtrace.spikes.base import MeanRateInterval, SpikeRates
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.silence import NoiseAlone, silent

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
    assert found.silent[:ROIS].mean() > 0.8


def test_the_lower_end_decides_where_there_is_one():
    level = np.ones(3)
    rate = np.array([[0.1] * 10, [1.0] * 10, [np.nan] * 10])
    rates = SpikeRates(rate, np.ones(3), np.ones(3))
    assert silent(rates, 10.0, level, None).tolist() == [True, False, False]
    assert silent(rates, 1.0, level, None).tolist() == [False, False, False]
    low = MeanRateInterval(np.array([0.6, 0.1, np.nan]), np.ones(3))
    told = SpikeRates(rate, np.ones(3), np.ones(3), mean_rate=low)
    assert silent(told, 10.0, level, None).tolist() == [False, True, False]


def test_noise_alone_tells_what_it_gives_at_every_level():
    """Rates of noise of a level of its own exceed the bound in about one of twenty traces."""
    kinetics, random = indicators()["jGCaMP8m"], np.random.default_rng(1)
    alone = NoiseAlone.of(Network(), np.array([1.0, 2.5, np.nan, 6.0]), 3600, RATE, kinetics)
    assert alone is not None
    assert NoiseAlone.of(Network(), np.array([np.nan]), 3600, RATE, kinetics) is None
    level = np.full(40, 2.0)
    traces = random.normal(0, level[0] / 100 * np.sqrt(RATE) / 0.954, (40, 3600))
    rate = Network().run(traces, RATE, kinetics).rate.mean(axis=1)
    assert (rate > alone.most(level)).mean() < 0.15
    assert (np.diff(alone.most(np.array([1.0, 2.0, 4.0]))) >= 0).all()
