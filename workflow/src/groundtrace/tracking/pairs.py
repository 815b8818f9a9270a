"""How probable it is that two ROIs of different sessions are one cell.

Their distance, overlap and ratio of areas are a mixture of two Gaussian distributions, as in CellReg (Sheintuch et al.
2017): that of one cell, and that of two, which neighbours in one session show without doubt. Both, and the share of
pairs that are one cell, are learnt from the field itself; what simulated fields showed counts as so many pairs besides.
A ROI is at most one of each session: what one is, another cannot be (loopy belief propagation, Williams & Lau 2014).
"""

from typing import NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tracking.placing import Candidates

ROUNDS = 200
"""Most rounds of learning, and of belief propagation."""
SURE = 8.0
"""Largest logarithm of the odds of a pair: no two footprints are surer than that."""


class Bell(NamedTuple):
    """A Gaussian distribution of the features of pairs."""

    mean: FloatArray
    spread: FloatArray
    """Covariance."""
    worth: float
    """Pairs that it is worth."""

    def logarithm(self, features: FloatArray) -> FloatArray:
        """(n,) of the density."""
        rest = features - self.mean
        root = np.linalg.cholesky(self.spread)
        scaled = np.linalg.solve(root, rest.T)
        return -0.5 * (scaled**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * len(self.mean) * np.log(2 * np.pi)

    def learnt(self, features: FloatArray, weight: FloatArray) -> "Bell":
        """With pairs (n, 3), which count by their weights (n,), joined to those that it is worth."""
        total = self.worth + float(weight.sum())
        mean = (self.worth * self.mean + weight @ features) / total
        rest, moved = features - mean, self.mean - mean
        own = self.worth * (self.spread + np.outer(moved, moved))
        return Bell(mean, (own + (rest * weight[:, None]).T @ rest) / total, total)


SAME = Bell(np.array([0.25, 2.4, 0.0]), np.array([[0.015, -0.08, 0.0], [-0.08, 1.3, 0.0], [0.0, 0.0, 0.08]]), 30.0)
"""Of pairs of one cell in simulated fields (seeds 1 to 3 of measurements/tracking.py)."""
DIFFERENT = Bell(
    np.array([0.91, -3.6, 0.0]), np.array([[0.013, -0.13, 0.0], [-0.13, 1.8, 0.0], [0.0, 0.0, 0.22]]), 30.0
)
"""Of neighbours that are two cells, there."""
SHARE = (10.0, 10.0)
"""Pairs of one cell and of two that the learning starts from."""


class Model(NamedTuple):
    """Mixture of the pairs of a field."""

    same: Bell
    different: Bell
    share: float
    """Of near pairs that are one cell."""

    def log_odds(self, features: FloatArray) -> FloatArray:
        """(n,) logarithm of the odds of being one cell, by the pair alone."""
        # Beyond what is typical for one cell, a pair that fits it better than this is no less of one cell.
        likelier = self.same.logarithm(_no_better(features, self.same)) - self.different.logarithm(features)
        return np.clip(likelier + np.log(self.share / (1 - self.share)), -SURE, SURE)


def _no_better(features: FloatArray, same: Bell) -> FloatArray:
    """Features with distances and overlaps that are better than those of most cells taken as the mean."""
    kept = features.copy()
    kept[:, 0] = np.maximum(kept[:, 0], same.mean[0])
    kept[:, 1] = np.minimum(kept[:, 1], same.mean[1])
    return kept


def learn(candidates: Candidates, within: Candidates) -> Model:
    """Fit the mixture: `within` are two cells, of `candidates` it is not known."""
    features = candidates.features
    different = DIFFERENT.learnt(within.features, np.ones(len(within.features)))
    model = Model(SAME, different, SHARE[0] / sum(SHARE))
    for _ in range(ROUNDS):
        same = 1 / (1 + np.exp(-model.log_odds(features)))
        share = (SHARE[0] + same.sum()) / (sum(SHARE) + len(same))
        new = Model(SAME.learnt(features, same), different.learnt(features, 1 - same), float(share))
        if abs(new.share - model.share) < 1e-6:
            return new
        model = new
    return model


def exclusive(odds: FloatArray, first: IntArray, second: IntArray, session: IntArray) -> FloatArray:
    """(n,) probability of each pair when a ROI is at most one of each other session.

    odds: (n,) of each pair alone. session: of each ROI.
    """
    sessions = int(session.max()) + 1 if len(session) else 1
    # Pairs that share the ROI `first` and the session of `second` exclude each other, and the other way round.
    one = np.unique(first * sessions + session[second], return_inverse=True)[1] if len(first) else first
    two = np.unique(second * sessions + session[first], return_inverse=True)[1] if len(first) else second
    belief = np.ones(len(odds))
    for _ in range(ROUNDS):
        given = odds * belief
        told = odds / (1 + np.bincount(one, given)[one] - given) if len(odds) else odds
        new = 1 / (1 + np.bincount(two, told)[two] - told) if len(odds) else belief
        if np.abs(new - belief).max(initial=0.0) < 1e-9:
            break
        belief = new
    given = odds * belief
    return given / (1 + np.bincount(one, given)[one]) if len(odds) else odds
