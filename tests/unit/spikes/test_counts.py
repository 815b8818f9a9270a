"""The distribution of spike counts against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from groundtrace.spikes.counts import CountDistribution


@given(st.floats(0.01, 20), st.floats(0.05, 50), st.floats(0, 0.6), st.floats(0.01, 0.99))
def test_quantiles_are_those_of_the_mixture_with_zeros(mean, size, zero, probability):
    found = CountDistribution(np.array([mean]), np.array([size]), np.array([zero])).quantile(probability)[0]
    inner = np.clip((probability - zero) / (1 - zero), 0, 1 - 1e-9)
    expected = nbinom.ppf(inner, size, size / (size + mean)) if inner > 0 else 0.0
    # Where the probability lies on a step to the last digit, either count is right.
    steps = nbinom.cdf([found, expected], size, size / (size + mean))
    assert found == max(expected, 0) or np.abs(steps - inner).min() == pytest.approx(0, abs=1e-9)
