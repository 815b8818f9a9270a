"""Draws of a trace come from its exact posterior, and their corridor holds what it says."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from groundtrace.denoising import smoother
from groundtrace.denoising.corridor import corridor
from groundtrace.denoising.smoother import Chain, Model, Prior, draw_traces

MODEL = Model(
    0.7,
    0.05,
    np.array([0.0, 3.0]),
    np.array([0.1, 2.0]),
    np.log(np.array([[0.9, 0.1], [0.6, 0.4]])),
    (0.5, 4.0),
)

PRIOR = Prior(0.85, 0.05, 2e-3, 2e-5)


def chain(frames: int) -> Chain:
    pairs, triples = (np.zeros((frames, size)) for size in (2, 3))
    return Chain(np.zeros(frames, np.int64), pairs.copy(), triples.copy(), pairs.copy(), pairs.copy(), triples.copy())


def exact(y: np.ndarray, v: np.ndarray, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of x + b per frame, summed over every sequence of components."""
    frames = len(y)
    weights, means, variances = [], [], []
    for kinds in product(range(len(model.mean)), repeat=frames):
        # Both states as linear functions of independent draws: the start of each, then w and u of every frame.
        loading, centre, spread = np.zeros((frames, 2 + 2 * frames)), np.zeros(2 + 2 * frames), np.zeros(2 + 2 * frames)
        x, b = np.zeros(2 + 2 * frames), np.zeros(2 + 2 * frames)
        x[0] = b[1] = 1
        centre[1], spread[:2] = model.start[0], model.start[1]
        for t, kind in enumerate(kinds):
            x, b = (model.decay * x, b.copy()) if t else (x, b)
            x[2 + 2 * t] = 1
            centre[2 + 2 * t], spread[2 + 2 * t] = model.mean[kind], model.spread[kind]
            if t:
                b[3 + 2 * t], spread[3 + 2 * t] = 1, model.drift
            loading[t] = x + b
        mean, covariance = loading @ centre, (loading * spread) @ loading.T
        seen = covariance + np.diag(v)
        chance = sum(model.moves[before, after] for before, after in pairwise(kinds))
        weights.append(chance + multivariate_normal(mean, seen).logpdf(y))
        gain = covariance @ np.linalg.inv(seen)
        means.append(mean + gain @ (y - mean))
        variances.append(np.diag(covariance - gain @ covariance))
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    middle = share @ np.array(means)
    return middle, share @ (np.array(variances) + np.array(means) ** 2) - middle**2


def test_draws_have_mean_and_variance_of_the_sum_over_all_sequences_of_events():
    y, v = np.array([0.2, 0.1, 2.6, 2.4, 1.0, 0.9]), np.array([0.5, 0.7, 0.6, 0.9, 0.5, 0.4])
    drawn, work, random = [], chain(len(y)), np.random.default_rng(0)
    for _ in range(20_000):
        smoother._backward(y, v, MODEL, work)
        smoother._forward(y, v, MODEL, work, random)
        smoother._sample(MODEL, work, random)
        drawn.append(work.state.sum(axis=1))
    mean, variance = exact(y, v, MODEL)
    np.testing.assert_allclose(np.mean(drawn, axis=0), mean, atol=0.03)
    np.testing.assert_allclose(np.var(drawn, axis=0), variance, rtol=0.08)


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
        draws = draw_traces(y, np.ones(len(y)), 0.0, PRIOR, 150, 150, random)
        found.append((truth, y, draws))
    return found


def test_noise_goes_and_events_stay(smoothed):
    for truth, y, draws in smoothed:
        mean = draws.mean(axis=0)
        assert ((mean - truth) ** 2).mean() < 0.15 * ((y - truth) ** 2).mean()
        strong = truth > np.quantile(truth, 0.97)
        assert (mean[strong] @ truth[strong]) / (truth[strong] @ truth[strong]) == pytest.approx(1, abs=0.1)


def test_the_corridor_holds_nine_tenths_overall_and_most_of_the_events(smoothed):
    held, strong = [], []
    for truth, _, draws in smoothed:
        low, high = corridor(draws)
        inside = (low <= truth) & (truth <= high)
        held.append(inside.mean())
        strong.append(inside[truth >= np.quantile(truth, 0.97)].mean())
    assert 0.86 < np.mean(held) < 0.96
    assert 0.8 < np.mean(strong) < 0.98


def test_the_same_stream_gives_the_same_draws():
    y = trace(np.random.default_rng(1), 300)
    first, second = (draw_traces(y, np.ones(300), 0.1, PRIOR, 5, 20, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_no_event_is_seen_in_noise_alone():
    random = np.random.default_rng(5)
    draws = draw_traces(random.standard_normal(2000), np.ones(2000), 0.0, PRIOR, 100, 150, random)
    assert np.abs(draws.mean(axis=0)).max() < 1.0
    low, high = corridor(draws)
    assert ((low <= 0) & (high >= 0)).mean() > 0.95
