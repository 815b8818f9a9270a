"""What is learnt of a network's errors holds on data sets left out, and says more when more is told."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from groundtrace.spikes.network.expected import FEATURES, QUIET, from_dict
from groundtrace.spikes.network.features import DESCRIPTION
from groundtrace.spikes.network.model import Checkpoint
from groundtrace.training.assessment import BEGINNINGS
from groundtrace.training.calibration import calibrate, quantile_regression
from groundtrace.training.release import about_row
from groundtrace.training.tables import Assessment


def context(random: np.random.Generator, neuron: int) -> np.ndarray:
    """A description of a recording; every sixth is far from the others."""
    return random.normal(0, 4 if neuron % 6 == 5 else 1, 7 + DESCRIPTION).astype(np.float32)


def beginnings(random: np.random.Generator) -> np.ndarray:
    """Descriptions of the first frames of a recording like most: the fewer, the further off."""
    return np.concatenate([random.normal(0, 1 + 300 / frames, 7 + DESCRIPTION) for frames in BEGINNINGS[:4]])


def assessment(datasets: int, seed: int) -> pl.DataFrame:
    """Recordings of a network whose gain is unknown per neuron, and 8 times too low in interneurons."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(datasets):
        interneuron = number % 4 == 3
        for neuron in range(12):
            gain = random.lognormal(0, 0.3) * (8 if interneuron else 1)
            mean = random.gamma(0.7, 2, 40)
            count = random.poisson(gain * mean)
            own = random.normal(0.8, 0.3)
            rows.append(
                {
                    "dataset": f"{seed}-{number}",
                    "neuron": str(neuron),
                    "recording": 0,
                    "cell_class": "interneuron" if interneuron else "excitatory",
                    "frame_rate": 30.0,
                    "noise_level": 2.0,
                    "lookahead": None,
                    "told": True,
                    "correlation": float(np.tanh(own + random.normal(0, 0.6 if neuron % 6 == 5 else 0.2))),
                    "inferred_rate": float(mean.mean()),
                    "true_rate": float(count.mean()),
                    "features": np.array([1.0, own, *np.zeros(FEATURES - 2)]),
                    "context": context(np.random.default_rng([seed, number, neuron]), neuron),
                    "beginnings": beginnings(np.random.default_rng([seed, number, neuron, 1])).astype(np.float32),
                    "mean": mean.astype(np.float32),
                    "dispersion": np.log1p(mean / 5).astype(np.float32),
                    "count": count.astype(np.float32),
                }
            )
    return pl.DataFrame(rows, schema=Assessment.types())


@pytest.fixture(scope="module")
def calibration():
    empty = Checkpoint([], ("all",), left_out=("0-0",))
    return from_dict(calibrate(empty, [assessment(8, seed) for seed in range(3)]).calibration)


@pytest.fixture(scope="module")
def new():
    return assessment(16, 9)


def counts_of(calibration, rows: pl.DataFrame, told: str):
    made = []
    for row in rows.iter_rows(named=True):
        at = (np.array(row[name], float) for name in ("mean", "dispersion", "features"))
        made.append((calibration.counts.apply(*at, told), np.array(row["count"], float)))
    return made


@pytest.mark.parametrize("told", ["excitatory", "interneuron"])
def test_intervals_cover_new_data_sets_and_know_the_class(calibration, new, told):
    made = counts_of(calibration, new.filter(pl.col("cell_class") == told), told)
    for level in (0.5, 0.8, 0.9):
        covered = np.mean([each.coverage(counts, level).mean() for each, counts in made])
        assert covered == pytest.approx(level, abs=0.07)
    (other,) = {"excitatory", "interneuron"} - {told}
    wrongly = counts_of(calibration, new.filter(pl.col("cell_class") == told), other)
    score, wrong_score = (np.mean([each.crps(counts).mean() for each, counts in x]) for x in (made, wrongly))
    assert score < wrong_score


def test_a_class_that_is_not_told_widens_the_interval(calibration, new):
    quiet = new.filter(pl.col("cell_class") == "excitatory")
    told, untold = (counts_of(calibration, quiet, each) for each in ("excitatory", ""))
    wide, narrow = (np.mean([np.ptp(each.interval(0.9), axis=0).mean() for each, _ in x]) for x in (untold, told))
    assert wide > narrow


def test_the_interval_on_a_grid_is_that_of_the_distribution(calibration):
    random = np.random.default_rng(0)
    mean, dispersion, about = random.gamma(0.5, 4, 2000), random.gamma(1, 0.3, 2000), np.array([1, 0.8, *np.zeros(7)])
    exact = calibration.counts.apply(mean, dispersion, about, "").interval(0.9)
    for found, known in zip(calibration.counts.interval(0.9, mean, dispersion, about, ""), exact, strict=True):
        assert (np.abs(found - known) <= np.maximum(1, 0.05 * known)).all()
        assert (found != known).mean() < 0.1


def test_expected_correlation_and_mean_rate_hold_in_new_data_sets(calibration, new):
    inside, rate = [], []
    for row in new.iter_rows(named=True):
        about, told = about_row(calibration, row), row["cell_class"]
        _, low, high = calibration.expected_correlation(about, told)
        inside.append(low <= row["correlation"] <= high)
        low, high = calibration.mean_rate_interval(row["inferred_rate"], about, told)
        rate.append(low <= row["true_rate"] <= high)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.06)
    assert np.mean(rate) == pytest.approx(0.9, abs=0.08)


def test_recordings_unlike_others_are_noticed_and_promised_less(calibration):
    random, own = np.random.default_rng(4), np.array([1.0, 0.8, *np.zeros(FEATURES - 2)])
    usual, far = (np.array([context(random, kind) for _ in range(50)]) for kind in (0, 5))
    near, away = ([calibration.unlike(each, 5000) for each in kind] for kind in (usual, far))
    assert np.mean(np.array(near) < 1) > 0.9
    assert np.median(away) > 2 * np.median(near)
    widths = [np.mean([width(calibration, calibration.about(own, each)) for each in kind]) for kind in (usual, far)]
    assert widths[1] > 1.3 * widths[0]


def test_few_frames_do_not_make_a_recording_unlike_others(calibration):
    random, few = np.random.default_rng(5), BEGINNINGS[0]
    made = [beginnings(random)[: 7 + DESCRIPTION] for _ in range(300)]
    assert np.mean([calibration.unlike(each, few) < 1 for each in made]) > 0.9
    assert np.mean([calibration.unlike(each, BEGINNINGS[3]) < 1 for each in made]) < 0.5
    assert np.mean([calibration.unlike(8 * each, few) > 1.3 for each in made]) > 0.95
    assert np.isnan(replace(calibration.learnt, usual=()).unlike(made[0], few))


def width(calibration, about: np.ndarray) -> float:
    return float(np.diff(calibration.expected_correlation(about, "excitatory")[1:])[0])


def test_a_silent_recording_has_an_interval_from_zero(calibration):
    low, high = calibration.mean_rate_interval(0.0, np.array([1, 0.1, *np.zeros(8)]), "")
    assert 0 <= low < QUIET
    assert high > 0


def test_quantile_regression_finds_the_quantile_at_each_place():
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, 3000)
    inputs = np.column_stack([np.ones_like(x), x])
    target = x + (0.2 + x) * random.standard_normal(3000)
    found = quantile_regression(inputs, target, np.ones(3000), 0.95)
    np.testing.assert_allclose(found, [0.2 * 1.645, 1 + 1.645], atol=0.15)
