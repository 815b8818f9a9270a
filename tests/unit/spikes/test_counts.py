"""The distribution of spike counts against its definition, and against draws from it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.spikes.counts import OFFSET, CountDistribution, ranked_probability_score

MANY = np.arange(3000)


def distribution(weight, centre, spread, other_centre, other_spread, n=1):
    return CountDistribution(*(np.full(n, each) for each in (weight, centre, spread, other_centre, other_spread)))


ANY = st.builds(
    distribution,
    st.floats(0.01, 0.99),
    st.floats(-1, 4),
    st.floats(0.05, 1.5),
    st.floats(-1, 4),
    st.floats(0.05, 1.5),
)


def drawn(made: CountDistribution, random: np.random.Generator) -> np.ndarray:
    """One count from each, by its definition: logistic variates cut into counts."""
    first = random.random(len(made.weight)) < made.weight
    x = random.logistic(
        np.where(first, made.centre, made.other_centre), np.where(first, made.spread, made.other_spread)
    )
    return np.maximum(np.ceil(np.exp(x) - 0.5 - OFFSET), 0)


@settings(deadline=None)
@given(ANY, st.floats(0.01, 0.99))
def test_a_quantile_is_the_smallest_count_that_reaches_it(made, probability):
    cdf = made[np.zeros(len(MANY), int)].cdf(MANY)
    assert (np.diff(cdf) >= 0).all()
    found = made.quantile(probability)[0]
    if cdf[-1] >= probability:
        expected = MANY[np.argmax(cdf >= probability)]
        # Where the probability lies on a step to the last digits, either count is right.
        assert found == expected or abs(cdf[int(min(found, expected))] - probability) < 1e-6


def test_coverage_and_score_of_draws():
    random = np.random.default_rng(0)
    made = distribution(0.8, 1.2, 0.2, 2.5, 0.5, 20_000)
    made = made[np.arange(20_000)]
    counts = drawn(made, random)
    for level in (0.5, 0.8, 0.95):
        low, high = made.interval(level)
        assert made.coverage(counts, level).mean() == pytest.approx(level, abs=0.01)
        assert ((low <= counts) & (counts <= high)).mean() >= level - 0.01
    narrow = distribution(0.8, 1.2, 0.05, 2.5, 0.1, 20_000)
    assert made.crps(counts).mean() < narrow.crps(counts).mean()


@settings(deadline=None)
@given(ANY, st.integers(0, 30))
def test_the_score_is_the_sum_over_all_counts(made, count):
    cdf = made[np.zeros(len(MANY), int)].cdf(MANY)
    slow = ((cdf - (count <= MANY)) ** 2)[:1000].sum()
    assert made.crps(np.array([count]))[0] == pytest.approx(slow, rel=0.04, abs=0.01)


def test_the_score_of_a_sure_and_right_forecast_is_zero_and_of_a_wrong_one_its_distance():
    counts = np.array([3.0, 3.0])
    sure = ranked_probability_score(lambda n: (n >= np.array([[3], [10]])).astype(float), counts)
    np.testing.assert_array_equal(sure, [0, 7])


def test_levels_that_are_asked_may_be_others_than_its_own():
    made = distribution(0.9, 1.5, 0.3, 1.5, 0.3)
    wider = replace(made, widened=((0.0, 0.0), (0.8, 0.95), (1.0, 1.0)))
    np.testing.assert_array_equal(wider.interval(0.8), made.interval(0.95))
    assert wider.coverage(np.array([6.0]), 0.8) == made.coverage(np.array([6.0]), 0.95)
