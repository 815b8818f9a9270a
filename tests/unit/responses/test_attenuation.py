"""The oracle correlation of spikes from that of their posterior means."""

import numpy as np
import pytest

from groundtrace.responses.attenuation import Kept, kept, without_inference
from groundtrace.responses.reliability import reliability

CONDITIONS, REPEATS = 3000, 6


def posterior_means(share: float, signal: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses (1, n_trials), their posterior means that keep `share` of the variance, and the condition of trials."""
    random = np.random.default_rng(seed)
    condition = np.repeat(np.arange(CONDITIONS), REPEATS)
    true = np.sqrt(signal) * random.standard_normal(CONDITIONS)[condition]
    true += np.sqrt(1 - signal) * random.standard_normal(len(condition))
    seen = true + np.sqrt(1 / share - 1) * random.standard_normal(len(condition))
    return true[None], share * seen[None], condition


def one_against_the_others(response: np.ndarray) -> float:
    """Pearson r of every trial with the mean of the others of its condition, one by one."""
    trials = response.reshape(CONDITIONS, REPEATS)
    others = [np.delete(trials, k, axis=1).mean(axis=1) for k in range(REPEATS)]
    return float(np.corrcoef(trials.T.ravel(), np.concatenate(others))[0, 1])


@pytest.mark.parametrize("share", [0.4, 0.7])
@pytest.mark.parametrize("signal", [0.05, 0.3, 0.8])
def test_it_is_that_of_the_spikes_themselves(share, signal):
    true, inferred, condition = posterior_means(share, signal, seed=3)
    found = reliability(inferred, condition, np.tile(np.arange(REPEATS), CONDITIONS))
    by = Kept(np.array([share]), np.zeros(1))
    corrected, error = without_inference(found, np.array([float(REPEATS)]), by)
    wanted = one_against_the_others(true)
    assert corrected[0] == pytest.approx(wanted, abs=2.5 * error[0])
    assert error[0] < 0.04
    assert wanted - found["oracle"][0] > 0.6 * (1 - share) * wanted  # what was missing


def test_what_is_known_without_an_error_stays_as_it_is():
    measured = {"oracle": [-0.1, 0.0, 0.6], "oracle_error": [0.05] * 3, "explainable": [-0.02, 0.0, 0.4]}
    measured = {name: np.array(values) for name, values in measured.items()}
    found = without_inference(measured, np.full(3, 8.0), Kept(np.ones(3), np.zeros(3)))
    np.testing.assert_allclose(found, [measured["oracle"], measured["oracle_error"]])


def test_the_error_has_that_of_the_share():
    share, step = np.array([0.6]), 1e-4
    measured = {"oracle": np.array([0.4]), "oracle_error": np.zeros(1), "explainable": np.array([0.25])}
    asked = (measured, np.array([10.0]))
    above, below = (without_inference(*asked, Kept(share + d, np.zeros(1)))[0] for d in (step, -step))
    error = without_inference(*asked, Kept(share, np.array([0.1])))[1]
    np.testing.assert_allclose(error, np.abs(above - below) / (2 * step) * 0.1, rtol=1e-3)


def test_longer_windows_and_better_inference_keep_more():
    short, long = (kept(np.array([0.5, 0.8]), lasting).share for lasting in (0.1, 1.0))
    assert (short < long).all()
    assert short[0] < short[1]
    unknown = kept(np.array([np.nan]), 0.25)
    assert np.isnan(unknown.share[0])
    measured = {"oracle": np.array([0.5]), "oracle_error": np.array([0.1]), "explainable": np.array([0.3])}
    found = without_inference(measured, np.array([8.0]), unknown)
    assert np.isnan(found).all()
