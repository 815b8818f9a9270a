"""Pairwise correlations of the simulated population."""

import numpy as np
import polars as pl

from groundtrace.benchmark.metrics import pairwise_correlations, pairwise_fidelity
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.population import population, score_population
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.spikes.oasis import Oasis
from groundtrace.tables import validate
from groundtrace.traces.noise import noise_level

SMALL = BenchmarkParameters(
    noise_levels=(2.0, 8.0), population_cells=25, population_seconds=120.0, population_indicators=("GCaMP6f",)
)


def test_neurons_share_their_drive_and_have_the_noise_asked_for():
    dff, spikes = population("GCaMP6f", 4.0, SMALL)
    assert dff.shape == spikes.shape == (25, 3600)
    assert np.abs(noise_level(dff, 30.0) - 4).max() < 0.01
    pairs = pairwise_correlations(spikes, 30.0)[np.triu_indices(25, 1)]
    assert np.nanstd(pairs) > 0.15
    assert np.array_equal(spikes, population("jGCaMP8m", 2.0, SMALL)[1])


def test_noise_hides_correlations_and_repeats_give_the_same_table():
    table = score_population("oasis", Oasis(), SMALL)
    validate(SpikeBenchmark, table)
    assert table.equals(score_population("oasis", Oasis(), SMALL))
    table = pl.concat([table, score_population("controls", None, SMALL)])
    assert set(table["backend"]) == {"oasis", "dff"}
    for backend in ("oasis", "dff"):
        own = table.filter(backend=backend, metric="pairwise_correlation").sort("noise_level")
        quiet, noisy = own["value"]
        assert quiet > 0.7
        assert noisy < quiet - 0.05


def test_the_true_spikes_keep_all_correlations():
    _, spikes = population("GCaMP6f", 2.0, SMALL)
    true = pairwise_correlations(spikes, 30.0)
    assert np.allclose(pairwise_fidelity(true, true), 1)
