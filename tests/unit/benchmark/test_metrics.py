"""Metrics against slow references in plain Python, and cases whose answer is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from groundtrace.benchmark import metrics
from groundtrace.spikes import comparing
from groundtrace.spikes.counts import CountDistribution

RATES = st.integers(2, 40).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=st.floats(0, 50, width=32)) for _ in range(2)])
)
TRAINS = st.lists(st.floats(0, 45, width=32), max_size=8, unique=True).map(lambda times: np.array(sorted(times), float))


def pearson(x: list[float], y: list[float]) -> float:
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    xx, yy = sum((a - mean_x) ** 2 for a in x), sum((b - mean_y) ** 2 for b in y)
    return xy / math.sqrt(xx * yy)


@given(RATES)
def test_correlation_is_pearsons(pair):
    p, g = pair
    if p.std() > 1e-3 and g.std() > 1e-3:
        assert comparing.correlation(p, g) == pytest.approx(pearson(p.tolist(), g.tolist()), abs=1e-9)


def test_correlation_where_something_is_constant():
    varying = np.array([0.0, 1, 0, 3])
    assert comparing.correlation(np.full(4, 0.1), varying) == 0
    assert math.isnan(comparing.correlation(varying, np.full(4, 0.1)))
    assert comparing.correlation(varying, varying) == pytest.approx(1)
    assert comparing.correlation(-varying, varying) == pytest.approx(-1)


@given(RATES)
def test_error_bias_and_count_ratio_per_true_spike(pair):
    p, g = pair
    found = metrics.error(p, g), metrics.bias(p, g), metrics.count_ratio(p, g)
    total = sum(g.tolist())
    if total == 0:
        assert all(math.isnan(value) for value in found)
        return
    off = [a - b for a, b in zip(p.tolist(), g.tolist(), strict=True)]
    assert found == pytest.approx((sum(map(abs, off)) / total, sum(off) / total, sum(p.tolist()) / total))
    assert metrics.error(np.zeros_like(g), g) == pytest.approx(1)
    assert metrics.bias(np.zeros_like(g), g) == pytest.approx(-1)
    assert metrics.count_ratio(np.zeros_like(g), g) == 0


@pytest.mark.parametrize(
    ("frame_rate", "seconds"), [(5, 0.2), (7.5, 0.2), (15, 0.05), (29.9, 0.05), (30, 0.025), (60, 0.025)]
)
def test_smoothing_follows_the_frame_rate(frame_rate, seconds):
    assert comparing.smoothing(frame_rate) == seconds
    spike = np.zeros(201)
    spike[100] = 1
    smoothed = comparing.smooth(spike, frame_rate)
    lag = (np.arange(201) - 100) / frame_rate
    expected = np.exp(-0.5 * (lag / seconds) ** 2)
    assert smoothed == pytest.approx(expected / expected.sum(), abs=2e-4)


@given(RATES)
def test_smoothing_keeps_the_number_of_spikes(pair):
    assert comparing.smooth(pair[0], 30.0).sum() == pytest.approx(pair[0].sum(), rel=1e-6, abs=1e-6)


@given(st.sampled_from([25.0, 30.0, 59.1, 100.0]), st.integers(3, 60), TRAINS, st.floats(-5, 5))
def test_spikefinder_bins_share_out_frames_and_count_spikes(frame_rate, frames, train, start):
    rate = np.random.default_rng(frames).gamma(1.0, 3.0, frames)
    train = train / 20 + start
    predicted, true = metrics.spikefinder_bins(rate, start + np.arange(frames) / frame_rate, frame_rate, train)
    first = start - 0.5 / frame_rate
    for k in range(len(predicted)):
        low, high = first + 0.04 * k, first + 0.04 * (k + 1)
        expected = 0.0
        for i, value in enumerate(rate.tolist()):
            inside = min(high, first + (i + 1) / frame_rate) - max(low, first + i / frame_rate)
            expected += value * max(inside, 0)
        assert predicted[k] == pytest.approx(expected, abs=1e-9)
        clear = np.abs(train - low).min(initial=1) > 1e-9 and np.abs(train - high).min(initial=1) > 1e-9
        assert not clear or true[k] == sum(low <= t < high for t in train.tolist())
    assert len(predicted) == int(frames / frame_rate / 0.04 + 1e-6)


def slow_purpura(a: list[float], b: list[float]) -> float:
    """The cheapest way from one train to the other (Victor & Purpura 1996), by recursion over last spikes."""
    table = [[float(i + j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            move = table[i - 1][j - 1] + abs(a[i - 1] - b[j - 1]) / metrics.PRECISION
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, move)
    return table[-1][-1]


def slow_rossum(a: list[float], b: list[float]) -> float:
    """∫ (f - g)² of exponential tails, scaled to 1 for one spike, in closed form."""
    signed = [(t, 1) for t in a] + [(t, -1) for t in b]
    return sum(s * r * math.exp(-abs(t - u) / metrics.PRECISION) for t, s in signed for u, r in signed)


@settings(max_examples=25, deadline=None)
@given(TRAINS, TRAINS)
def test_spike_distances_are_those_of_their_stretches(predicted, true):
    purpura, rossum = metrics.spike_distances(predicted, true, 0.0, 50.0)
    slow = [0.0, 0.0]
    for first, last in ((0, 20), (20, 40), (40, 50)):
        a, b = ([t for t in train.tolist() if first <= t < last] for train in (predicted, true))
        slow[0] += slow_purpura(a, b)
        slow[1] += slow_rossum(a, b)
    assert purpura == pytest.approx(slow[0], abs=1e-6)
    assert rossum == pytest.approx(slow[1], abs=1e-6)


def test_spike_distances_of_equal_moved_and_missing_spikes():
    train = np.array([1.0, 3.0, 25.0])
    assert metrics.spike_distances(train, train, 0.0, 30.0) == pytest.approx((0, 0), abs=1e-9)
    assert metrics.spike_distances(train + 0.03, train, 0.0, 30.0)[0] == pytest.approx(3 * 0.3)
    assert metrics.spike_distances(np.zeros(0), train, 0.0, 30.0) == pytest.approx((3, 3), abs=1e-6)


@given(st.sampled_from([5.0, 7.5, 30.0, 33.3]), st.integers(1, 200), TRAINS, st.floats(-3, 3))
def test_count_windows_are_one_second_around_their_frames(frame_rate, frames, train, start):
    time = start + np.arange(frames) / frame_rate
    at, counts = comparing.count_windows(time, frame_rate, train)
    assert len(at) == int(frames / frame_rate + 1e-6)
    for k, (frame, count) in enumerate(zip(at.tolist(), counts.tolist(), strict=True)):
        centre = time[0] - 0.5 / frame_rate + k + 0.5
        assert abs(time[frame] - centre) <= 0.5 / frame_rate + 1e-9
        assert count == sum(time[frame] - 0.5 <= t < time[frame] + 0.5 for t in train.tolist())


def test_scores_of_a_calibrated_and_of_a_wrong_prediction():
    random = np.random.default_rng(0)
    shape, zeros = np.full(20_000, 0.4), np.zeros(20_000)
    centre = random.normal(1, 0.5, 20_000)
    true, narrow = (CountDistribution(zeros + 1, centre, shape * by, zeros, zeros + 1) for by in (1, 0.25))
    counts = np.maximum(np.ceil(np.exp(random.logistic(centre, shape)) - 1), 0)
    expected = np.maximum(np.exp(centre) - 1, 0)
    found, wrong = (metrics.count_scores(each, counts, expected, counts) for each in (true, narrow))
    for level in (50, 80, 95):
        assert found[f"coverage_{level}"].mean() == pytest.approx(level / 100, abs=0.01)
        assert wrong[f"coverage_{level}"].mean() < level / 100 - 0.02
        assert wrong[f"width_{level}"].mean() < found[f"width_{level}"].mean()
        assert wrong[f"interval_score_{level}"].mean() > found[f"interval_score_{level}"].mean()
    assert found["crps"].mean() < min(found["crps_poisson"].mean(), found["crps_climatology"].mean())


def test_bootstrap_draws_data_sets_as_well_as_neurons():
    random = np.random.default_rng(1)
    centres = np.repeat(random.normal(0, 1, 10), 20)
    values = centres + random.normal(0, 0.1, 200)
    groups = np.repeat(np.arange(10), 20)
    low, high = metrics.bootstrap(values, groups, np.random.default_rng(0), 400, np.mean)
    alone = metrics.bootstrap(values, np.arange(200), np.random.default_rng(0), 400, np.mean)
    assert low < values.mean() < high
    # Ten data sets are worth ten neurons here, not two hundred.
    assert (high - low) / (alone[1] - alone[0]) == pytest.approx(math.sqrt(20), rel=0.35)
    expected = 3.92 * values.reshape(10, 20).mean(axis=1).std() / math.sqrt(10)
    assert high - low == pytest.approx(expected, rel=0.25)


def test_bootstrap_of_little():
    random = np.random.default_rng(0)
    assert metrics.bootstrap(np.array([2.0]), np.array(["a"]), random, 10) == (2, 2)
    assert all(map(math.isnan, metrics.bootstrap(np.zeros(0), np.zeros(0), random, 10)))
    one = metrics.bootstrap(np.arange(9.0), np.array(["a"] * 9), np.random.default_rng(5), 50)
    assert one == metrics.bootstrap(np.arange(9.0), np.array(["a"] * 9), np.random.default_rng(5), 50)
    assert 0 <= one[0] < 4 < one[1] <= 8


@given(arrays(np.float64, (3, 24), elements=st.floats(0, 9, width=32)))
def test_pairwise_correlations_of_binned_traces(traces):
    found = metrics.pairwise_correlations(traces, frame_rate=4.0)
    binned = [[sum(row[4 * k : 4 * k + 4]) / 4 for k in range(6)] for row in traces.tolist()]
    for i in range(3):
        for j in range(3):
            if min(np.std(binned[i]), np.std(binned[j])) > 1e-3:
                assert found[i, j] == pytest.approx(pearson(binned[i], binned[j]), abs=1e-9)


def test_pairwise_fidelity():
    true = np.eye(4)
    pairs = np.triu_indices(4, 1)
    true[pairs] = true.T[pairs] = [0.1, 0.5, -0.2, 0.3, 0.0, 0.4]
    assert metrics.pairwise_fidelity(true, true) == pytest.approx((1, 1))
    assert metrics.pairwise_fidelity(0.5 * true + 0.1, true) == pytest.approx((1, 0.5))
    assert metrics.pairwise_fidelity(-true, true) == pytest.approx((-1, -1))
    assert metrics.pairwise_fidelity(np.full((4, 4), np.nan), true) == (0, 0)
