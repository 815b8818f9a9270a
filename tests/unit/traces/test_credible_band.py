"""The narrowest credible band, against all other intervals and against quantiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.traces.credible_band import LEAST, LEVEL, Ranked, credible_band, narrowest


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 5), st.floats(0, 20))
def test_no_other_interval_of_draws_outweighs_its_width_more(seed, price, weight):
    random = np.random.default_rng(seed)
    draws, strong = random.standard_normal((6, 3)), random.random((6, 3)) < 0.3
    low, high = narrowest(Ranked.of(draws, strong), price, weight)

    def worth(t: int, low: float, high: float) -> tuple[float, float, int]:
        """Weight of an interval less its price, its width, and how many draws it covers."""
        inside = (low <= draws[:, t]) & (draws[:, t] <= high)
        return ((1 + weight * strong[:, t]) * inside).sum() / 6 - price * (high - low), high - low, inside.sum()

    for t in range(3):
        every = [worth(t, a, b) for a in draws[:, t] for b in draws[:, t] if a <= b]
        value, width, covers = worth(t, low[t], high[t])
        best = max(every)
        if best[2] >= LEAST * 6:
            assert value == pytest.approx(best[0])
        else:
            assert covers >= LEAST * 6
            assert width == pytest.approx(min(width for _, width, covers in every if covers >= LEAST * 6))


def test_where_an_event_is_unlikely_the_band_leaves_it_out_and_is_narrower_than_quantiles():
    random = np.random.default_rng(0)

    def traces(count: int) -> np.ndarray:
        """Quiet frames with an event in one of twelve draws, and frames in which there surely is a large one."""
        unlikely = 2.0 * (random.random((count, 2000)) < 0.08)
        return 0.1 * random.standard_normal((count, 2000)) + np.where(np.arange(2000) % 33 == 0, 5, unlikely)

    draws, truths = traces(200), traces(50)
    low, high = credible_band(draws)
    inside = (low <= truths) & (truths <= high)
    assert inside.mean() == pytest.approx(LEVEL, abs=0.01)
    lower, upper = np.quantile(draws, (0.05, 0.95), axis=0)
    assert (high - low).mean() < 0.6 * (upper - lower).mean()


def test_frames_with_the_strongest_signal_are_covered_as_often_as_all():
    random = np.random.default_rng(1)

    def traces(count: int) -> np.ndarray:
        """Events whose size is known badly."""
        return 0.1 * random.standard_normal((count, 2000)) + (np.arange(2000) % 40 == 0) * random.gamma(
            2, 1, (count, 2000)
        )

    low, high = credible_band(traces(200))
    truths = traces(50)
    strong = truths >= np.quantile(truths, 0.97, axis=1, keepdims=True)
    inside = (low <= truths) & (truths <= high)
    assert inside.mean() == pytest.approx(LEVEL, abs=0.015)
    assert inside[strong].mean() == pytest.approx(LEVEL, abs=0.03)
