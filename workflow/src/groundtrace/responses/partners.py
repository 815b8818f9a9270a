"""Which cells respond alike, and which stand apart."""

from collections.abc import Mapping

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.responses.reliability import sums

FEATURES = ("oracle", "variance", "sparseness", "entropy", "explainable")
"""Statistics by which cells stand apart."""
FEWEST = 20
"""Cells that an isolation forest needs."""
APART = 0.6
"""Score from which a cell stands apart."""


def correlations(response: FloatArray, condition: IntArray) -> tuple[FloatArray, FloatArray]:
    """Signal and noise correlations (n_rois, n_rois) of responses (n_rois, n_trials).

    Noise: of deviations from the mean of the condition. Signal: covariance of mean responses, minus what the noise
    covariance makes of it since cells share their trials, over the standard deviations of the means. Conditions with
    one trial do not count. NaN of cells that do not vary, and on the diagonal.
    """
    count = int(condition.max()) + 1
    n, s, _ = sums(response, condition, count)
    some = np.where(n >= 2, n, np.nan)
    mean = s / some
    off = np.nan_to_num(response - mean[:, condition])
    between = np.nan_to_num(mean - _mean(mean))
    number = max(int((n.max(axis=0) >= 2).sum()), 2)
    trials = np.nanmean(np.where(np.isfinite(some), n, np.nan)) if np.isfinite(some).any() else np.nan
    within = off @ off.T / max((n.max(axis=0)[n.max(axis=0) >= 2] - 1).sum(), 1)
    signal = between @ between.T / (number - 1)
    deviation = np.sqrt(np.diag(signal))
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = (signal - within / trials) / np.outer(deviation, deviation)
        noise = within / np.sqrt(np.outer(np.diag(within), np.diag(within)))
    for matrix in (signal, noise):
        np.fill_diagonal(matrix, np.nan)
    return np.clip(signal, -1, 1), np.clip(noise, -1, 1)


def _mean(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)


def strongest(matrix: FloatArray, cells: BoolArray, number: int, sign: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Of each ROI the cell with the most positive (sign 1) or negative (-1) correlation: its row, -1 for none, the
    correlation and its standard error from `number` pairs of values; each (n_rois,)."""
    among = np.where(cells, sign * matrix, np.nan)
    there = np.isfinite(among).any(axis=1) if among.size else np.zeros(len(matrix), bool)
    best = np.where(np.isfinite(among), among, -np.inf)
    row = best.argmax(axis=1) if best.size else np.zeros(len(matrix), int)
    r = np.where(there, matrix[np.arange(len(matrix)), row] if best.size else np.nan, np.nan)
    error = (1 - r**2) / np.sqrt(max(number - 2, 1))
    return np.where(there, row, -1), r, error


def outlier_scores(found: Mapping[str, FloatArray], cells: BoolArray) -> FloatArray:
    """Score (n_rois,) of an isolation forest (Liu et al. 2008) over FEATURES of the cells; NaN of others, and where
    cells are too few."""
    from sklearn.ensemble import IsolationForest

    features = np.column_stack([found[name] for name in FEATURES])
    known = cells & np.isfinite(features).all(axis=1)
    scores = np.full(len(cells), np.nan)
    if known.sum() >= FEWEST:
        forest = IsolationForest(n_estimators=100, random_state=0, n_jobs=1).fit(features[known])
        scores[known] = -forest.score_samples(features[known])
    return scores
