"""Draws of a trace come from its exact posterior, and their credible band covers what it says."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import invgamma, multivariate_normal, norm

from groundtrace.traces import smoother, state_space
from groundtrace.traces.credible_band import credible_band
from groundtrace.traces.smoother import Prior, draw_traces
from groundtrace.traces.state_space import Model

MODEL = Model(
    0.7,
    0.4,
    0.05,
    np.array([0.0, 3.0]),
    np.array([0.1, 2.0]),
    np.array([[0.9, 0.1], [0.6, 0.4]]),
    (0.5, 4.0),
)

NOTHING = np.zeros((0,))
PRIOR = Prior(0.85, 0.05, 0.0, 0.05, 2e-3, 0.0, 2e-5, NOTHING, NOTHING)


def draw(y: np.ndarray, v: float, slope: float, sweeps: int, burn: int, random: np.random.Generator) -> np.ndarray:
    """Draws of a trace that has nothing in common with others."""
    return draw_traces(y, np.full(len(y), v), slope, np.zeros((len(y), 0)), PRIOR, sweeps, burn, random)[0]


def linear(kinds: Sequence[int], model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x + b as a linear function of independent draws (loading; mean and variance of each).

    Draws: the start of each state, then w and u of every frame.
    """
    frames = len(kinds)
    loading, centre, spread, x, r, b = np.zeros((frames, 2 + 2 * frames)), *np.zeros((5, 2 + 2 * frames))
    x[0] = b[1] = 1
    centre[1], spread[:2] = model.start[0], model.start[1]
    for t, kind in enumerate(kinds):
        r = model.rise * r
        r[2 + 2 * t] = 1 - model.rise
        x, b = (model.decay * x + r, b.copy()) if t else (x + r, b)
        centre[2 + 2 * t], spread[2 + 2 * t] = model.mean[kind], model.spread[kind]
        if t:
            b[3 + 2 * t], spread[3 + 2 * t] = 1, model.drift
        loading[t] = x + b
    return loading, centre, spread


def exact(
    y: np.ndarray, v: np.ndarray, known: np.ndarray, prior: Prior, model: Model
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance of the trace per frame, and mean of its loadings, summed over every sequence of components."""
    weights, means, variances, loadings = [], [], [], []
    for kinds in product(range(len(model.mean)), repeat=len(y)):
        loading, centre, spread = linear(kinds, model)
        loading = np.hstack([loading, known])
        centre, spread = np.concatenate([centre, prior.loading]), np.concatenate([spread, prior.loading_error**2])
        mean, covariance = loading @ centre, (loading * spread) @ loading.T
        seen = covariance + np.diag(v)
        chance = sum(np.log(model.moves[before, after]) for before, after in pairwise(kinds))
        weights.append(chance + multivariate_normal(mean, seen).logpdf(y))
        means.append(mean + covariance @ np.linalg.solve(seen, y - mean))
        loadings.append((centre + (loading * spread).T @ np.linalg.solve(seen, y - mean))[-known.shape[1] :])
        variances.append(np.diag(covariance - covariance @ np.linalg.solve(seen, covariance)))
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    middle = share @ np.array(means)
    return middle, share @ (np.array(variances) + np.array(means) ** 2) - middle**2, share @ np.array(loadings)


def test_draws_have_mean_and_variance_of_the_sum_over_all_sequences_of_events():
    y, v = np.array([0.2, 0.1, 2.6, 2.4, 1.0, 0.9]), np.array([0.5, 0.7, 0.6, 0.9, 0.5, 0.4])
    known = np.array([[1.0, -1.0, 2.0, 0.5, -0.5, -1.5], [0.2, 0.4, -0.3, 0.0, 0.6, -0.9]]).T
    prior = PRIOR._replace(loading=np.array([0.7, 0.0]), loading_error=np.array([0.8, 0.5]))
    drawn, loadings, work, random = [], [prior.loading], state_space.empty_chain(len(y)), np.random.default_rng(0)
    for _ in range(20_000):
        own = y - known @ loadings[-1]
        state_space.backward(own, v, MODEL, work)
        state_space.forward(own, v, MODEL, work, random)
        given = loadings[-1], prior.loading, prior.loading_error
        loadings.append(state_space.draw_loadings(known, *given, MODEL, work, random))
        state_space.draw_states(MODEL, work, random)
        drawn.append(work.state[:, 0] + work.state[:, 2] + known @ loadings[-1])
    mean, variance, share = exact(y, v, known, prior, MODEL)
    np.testing.assert_allclose(np.mean(drawn, axis=0), mean, atol=0.03)
    np.testing.assert_allclose(np.var(drawn, axis=0), variance, rtol=0.08)
    np.testing.assert_allclose(np.mean(loadings, axis=0), share, atol=0.03)


def test_decay_rise_and_variances_are_judged_by_the_density_of_what_was_measured():
    y, v, kinds = np.array([0.2, 0.1, 2.6, 2.4, 1.0]), np.array([0.5, 0.7, 0.6, 0.9, 0.5]), np.array([0, 0, 1, 0, 0])

    def density(model: Model) -> float:
        loading, centre, spread = linear(kinds, model)
        seen = multivariate_normal(loading @ centre, (loading * spread) @ loading.T + np.diag(v)).logpdf(y)
        # Inverse gamma; of a variance's logarithm.
        pairs = (
            (model.spread[0], PRIOR.quiet, smoother.QUIET_FRAMES),
            (model.drift, PRIOR.drift, smoother.DRIFT_FRAMES),
        )
        known = sum(invgamma(n / 2, scale=n * usual / 2).logpdf(value) + np.log(value) for value, usual, n in pairs)
        known += norm(PRIOR.decay, PRIOR.decay_error).logpdf(model.decay)
        known += norm(PRIOR.rise, PRIOR.rise_error).logpdf(model.rise)
        return float(seen + known)

    other = MODEL._replace(decay=0.8, rise=0.1, drift=0.002, spread=np.array([0.03, 2.0]))
    found = [smoother._plausibility(y, v, model, kinds, PRIOR) for model in (MODEL, other)]
    assert found[1] - found[0] == pytest.approx(density(other) - density(MODEL))


def test_little_movement_is_found_to_be_little_within_the_sweeps_that_are_thrown_away():
    y = np.random.default_rng(0).standard_normal(1500)
    prior = PRIOR._replace(quiet=1e-4, drift=1e-6)
    draws, _ = draw_traces(y, np.ones(1500), 0.0, np.zeros((1500, 0)), prior, 100, 100, np.random.default_rng(1))
    assert np.median(draws.std(axis=0)) < 0.07


def trace(random: np.random.Generator, frames: int = 1500) -> np.ndarray:
    """Events that decay, on a slow drift; the noise is 1."""
    events = np.where(random.random(frames) < 0.02, random.gamma(3, 1.5, frames), 0)
    x = np.zeros(frames)
    for t in range(1, frames):
        x[t] = 0.85 * x[t - 1] + events[t]
    return x + 0.5 * np.sin(np.arange(frames) / 150)


@pytest.fixture(scope="module")
def smoothed() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Truth, measured and draws of a few traces."""
    found = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        truth = trace(random)
        y = truth + random.standard_normal(len(truth))
        draws = draw(y, 1.0, 0.0, 150, 150, random)
        found.append((truth, y, draws))
    return found


def test_how_fast_events_rise_and_decay_is_found():
    random, frames = np.random.default_rng(8), 3000
    jumps = np.where(random.random(frames) < 0.02, random.gamma(3, 4.0, frames), 0)
    x, r = np.zeros((2, frames))
    for t in range(1, frames):
        r[t] = 0.6 * r[t - 1] + 0.4 * jumps[t]
        x[t] = 0.9 * x[t - 1] + r[t]
    y, errors = x + random.standard_normal(frames), {}
    for rise, error in ((0.4, 0.1), (0.0, 1e-6)):
        prior = PRIOR._replace(rise=rise, rise_error=error)
        draws, _ = draw_traces(y, np.ones(frames), 0.0, np.zeros((frames, 0)), prior, 100, 100, random)
        errors[rise] = np.sqrt(((draws.mean(axis=0) - x) ** 2).mean())
    assert errors[0.4] < 0.85 * errors[0.0]


def test_noise_goes_and_events_stay(smoothed):
    for truth, y, draws in smoothed:
        mean = draws.mean(axis=0)
        assert ((mean - truth) ** 2).mean() < 0.15 * ((y - truth) ** 2).mean()
        strong = truth > np.quantile(truth, 0.97)
        assert (mean[strong] @ truth[strong]) / (truth[strong] @ truth[strong]) == pytest.approx(1, abs=0.1)


def test_the_credible_band_covers_nine_tenths_overall_and_most_of_the_events(smoothed):
    held, strong = [], []
    for truth, _, draws in smoothed:
        low, high = credible_band(draws)
        inside = (low <= truth) & (truth <= high)
        held.append(inside.mean())
        strong.append(inside[truth >= np.quantile(truth, 0.97)].mean())
    assert 0.86 < np.mean(held) < 0.95
    assert 0.8 < np.mean(strong) < 0.97


def test_what_is_common_to_other_traces_is_found_under_the_noise():
    random = np.random.default_rng(3)
    common = np.sin(np.arange(1500) / 7)
    y = trace(random) + 0.6 * common + random.standard_normal(1500)
    prior = PRIOR._replace(loading=np.zeros(1), loading_error=np.ones(1))
    draws, _ = draw_traces(y, np.ones(1500), 0.0, common[:, None], prior, 200, 100, random)
    share = (draws - draws.mean(axis=1, keepdims=True)) @ common / (common @ common)
    assert share.mean() == pytest.approx(0.6, abs=3 * share.std() + 0.1)
    without = draw(y, 1.0, 0.0, 200, 100, random)
    clean = trace(np.random.default_rng(3)) + 0.6 * common
    assert ((draws.mean(axis=0) - clean) ** 2).mean() < 0.7 * ((without.mean(axis=0) - clean) ** 2).mean()


def test_the_same_stream_gives_the_same_draws():
    y = trace(np.random.default_rng(1), 300)
    first, second = (draw(y, 1.0, 0.1, 5, 20, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_each_draw_is_another_also_those_of_one_sweep():
    draws = draw(trace(np.random.default_rng(1), 300), 1.0, 0.1, 5, 20, np.random.default_rng(4))
    assert draws.shape == (5, 300)
    assert (np.diff(draws, axis=0) != 0).mean() > 0.99
    assert (draws != 0).any(axis=1).all()


def test_no_event_is_seen_in_noise_alone():
    random = np.random.default_rng(5)
    draws = draw(random.standard_normal(2000), 1.0, 0.0, 100, 150, random)
    assert np.abs(draws.mean(axis=0)).max() < 1.0
    low, high = credible_band(draws)
    assert ((low <= 0) & (high >= 0)).mean() > 0.95


def test_where_there_are_events_there_are_some_that_are_not_seen():
    random, frames = np.random.default_rng(4), 1500
    onsets = np.arange(75, frames - 75, 75)
    light = np.zeros(frames)
    light[onsets] = 30.0
    for t in range(1, frames):
        light[t] += 0.85 * light[t - 1]
    noise, late = random.standard_normal(frames), (onsets[:, None] + np.arange(50, 70)).ravel()

    def wander(trace: np.ndarray, unseen: float) -> float:
        prior = PRIOR._replace(quiet=1e-4, drift=1e-6, unseen=unseen)
        none = np.zeros((frames, 0))
        draws, _ = draw_traces(trace + noise, np.ones(frames), 0.0, none, prior, 100, 100, np.random.default_rng(1))
        return float(draws[:, late].std(axis=0).mean())

    assert wander(light, 0.02) > 1.5 * wander(light, 0.0)
    assert wander(np.zeros(frames), 0.02) == pytest.approx(wander(np.zeros(frames), 0.0), rel=0.2)
