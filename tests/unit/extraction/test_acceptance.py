"""The additive model of what a cell is: recovered, calibrated, monotone, explained; and the one that ships."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from groundtrace.extraction.acceptance import LOGARITHMIC, REASONS, Acceptance, acceptance, transformed
from groundtrace.extraction.learning import RISING, fit, hats
from groundtrace.extraction.statistics import NAMES, Statistics

CURVES = {
    "peak": lambda v: 1.5 * (v - 1.5),
    "inside": lambda v: 4 * (v - 0.5),
    "relative_area": lambda v: 1 - 3 * v**2,
    "skewness": lambda v: -2 * v,
}
"""Log odds of transformed statistics; the others say nothing."""


def rois(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Statistics, whether a ROI is a cell, and its true log odds."""
    random = np.random.default_rng(seed)
    rows = random.uniform(0, 1, (count, len(NAMES)))
    for name in LOGARITHMIC:
        rows[:, NAMES.index(name)] = np.exp(random.uniform(-1, 3 if name != "relative_area" else 1, count))
    scaled = transformed(rows)
    odds = sum(np.asarray(curve(scaled[:, NAMES.index(name)])) for name, curve in CURVES.items()) - 0.5
    return rows, (random.random(count) < expit(odds)).astype(float), np.asarray(odds)


@cache
def fitted() -> Acceptance:
    rows, cell, _ = rois(6000, 0)
    return fit(rows, cell, np.ones(len(cell)))


def probability(model: Acceptance, rows: np.ndarray) -> np.ndarray:
    return model.probability(Statistics.of(rows))


def test_an_additive_rule_is_recovered():
    rows, _, odds = rois(6000, 1)
    statistics = Statistics.of(rows)
    model = fitted()
    found = model.offset + model.terms(statistics).sum(axis=1)
    assert np.corrcoef(found, odds)[0, 1] > 0.98
    assert np.abs(found - odds).mean() < 0.4
    for name, curve in CURVES.items():
        k = NAMES.index(name)
        true = np.asarray(curve(transformed(rows)[:, k]))
        assert np.corrcoef(model.terms(statistics)[:, k], true)[0, 1] > 0.97, name
    silent = [k for k, name in enumerate(NAMES) if name not in CURVES]
    assert np.ptp(model.values[silent], axis=1).max() < 0.8


def test_probabilities_are_shares_on_held_out_rois():
    rows, cell, _ = rois(20_000, 2)
    p = probability(fitted(), rows)
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        assert inside.sum() > 200
        assert cell[inside].mean() == pytest.approx(p[inside].mean(), abs=0.05)


def test_sharpening_makes_the_sure_surer_and_leaves_every_verdict():
    rows, _, _ = rois(3000, 8)
    plain, sharp = (probability(replace(fitted(), sharpening=share), rows) for share in (0.0, 1.0))
    doubtful = plain <= 0.29
    np.testing.assert_array_equal(sharp[doubtful], plain[doubtful])
    assert (sharp[plain > 0.31] > plain[plain > 0.31]).all()
    np.testing.assert_array_equal(sharp >= 0.3, plain >= 0.3)


def test_weights_count():
    """Of two kinds of recordings of which one weighs nothing, the other one's rule is learnt."""
    rows, cell, odds = rois(4000, 3)
    wrong = np.concatenate([cell, 1 - cell])
    model = fit(np.concatenate([rows, rows]), wrong, np.repeat([1.0, 0.0], 4000))
    found = model.offset + model.terms(Statistics.of(rows)).sum(axis=1)
    assert np.corrcoef(found, odds)[0, 1] > 0.97


def test_more_of_what_makes_a_cell_never_speaks_against_it():
    """Even where the training set says so by chance or truly."""
    rows, cell, _ = rois(3000, 4)
    model = fit(rows, 1 - cell, np.ones(3000))
    for each in (model, fitted(), acceptance()):
        for name in RISING:
            k = NAMES.index(name)
            assert (np.diff(each.knots[k]) > 0).all(), name
            assert (np.diff(each.values[k]) >= -1e-9).all(), name


def test_a_missing_statistic_says_nothing_and_does_not_spoil_the_calibration():
    """Half of the ROIs lack one statistic that is right for the others."""
    counts, k = 8000, NAMES.index("compactness")
    rows, cell, odds = rois(counts, 5)
    random = np.random.default_rng(6)
    cell = (random.random(counts) < expit(odds + 4 * (0.5 - rows[:, k]))).astype(float)
    lost = random.random(counts) < 0.5
    rows[lost, k] = np.nan
    train = np.arange(counts) < 5000
    model = fit(rows[train], cell[train], np.ones(train.sum()))
    terms = model.terms(Statistics.of(rows[~train]))
    assert (terms[lost[~train], k] == 0).all()
    p = probability(model, rows[~train])
    for group in (lost[~train], ~lost[~train]):
        assert p[group].mean() == pytest.approx(cell[~train][group].mean(), abs=0.04)


def test_statistics_that_hardly_vary_can_be_learnt_from():
    """As solidity, which is the same for most round ROIs."""
    rows, cell, _ = rois(2000, 7)
    rows[: len(rows) * 9 // 10, NAMES.index("solidity")] = 0.5
    rows[:, NAMES.index("mean_contrast")] = 1.0
    model = fit(rows, cell, np.ones(len(cell)))
    assert np.isfinite(probability(model, rows)).all()


def test_hats_interpolate():
    knots = np.array([0.0, 1.0, 3.0])
    at = np.array([-1.0, 0.0, 0.5, 2.0, 9.0])
    np.testing.assert_allclose(hats(at, knots).sum(axis=1), 1)
    np.testing.assert_allclose(hats(at, knots) @ [5.0, 6.0, 10.0], np.interp(at, knots, [5.0, 6.0, 10.0]))
    assert (hats(np.array([np.nan]), knots) == 0).all(), "a missing value has no weight"


def typical(**changes: float) -> Statistics:
    """A clear cell, and what is different about it."""
    values = {
        "peak": 20.0,
        "energy": 80.0,
        "skewness": 3.0,
        "relative_area": 1.0,
        "compactness": 1.0,
        "solidity": 0.92,
        "inside": 0.7,
        "sharpness": 0.9,
        "mean_contrast": 2.0,
    }
    return Statistics.of(np.array([list((values | changes).values())]))


def test_the_shipped_model_knows_a_cell_and_says_what_speaks_against_one():
    model = acceptance()
    assert model.probability(typical())[0] > 0.6
    faults = {"relative_area": 0.15, "compactness": 1.3, "skewness": 0.0}
    weak = {"peak": 3.2, "energy": 4.0}
    for changes in (*({name: value} for name, value in faults.items()), weak):
        one = typical(**changes)
        assert model.probability(one)[0] < model.probability(typical())[0]
        assert any(REASONS[name] in model.reasons(one)[0] for name in changes), changes
    assert model.probability(typical(**faults, **weak))[0] < 0.05


def test_the_shipped_model_has_a_curve_for_every_statistic():
    model = acceptance()
    assert model.knots.shape == model.values.shape
    assert len(model.knots) == len(NAMES) == len(REASONS)
    assert np.isfinite(model.values).all()


def test_nothing_is_judged_as_nothing():
    none = Statistics.of(np.zeros((0, len(NAMES))))
    assert acceptance().probability(none).shape == (0,)
    assert acceptance().reasons(none) == []
