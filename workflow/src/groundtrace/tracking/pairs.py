"""How probable it is that two ROIs of different sessions are one cell.

Their distance, overlap and ratio of areas are a mixture of two t distributions, as in CellReg (Sheintuch et al.
2017): that of one cell, and that of two, which neighbours in one session show without doubt. Both, and the share of
pairs that are one cell, are learnt from the field itself; what simulated fields showed counts as so many pairs besides.
A ROI is at most one of each session: what one is, another cannot be (loopy belief propagation, Williams & Lau 2014).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tracking.placing import Candidates

ROUNDS = 200
"""Most rounds of learning, and of belief propagation."""
LARGEST = 30.0
"""Largest logarithm of the odds of a pair by its features alone."""
SURE = 8.0
"""The same when all is weighed: no two footprints are surer than that."""


class Bell(NamedTuple):
    """A multivariate t distribution of the features of pairs."""

    mean: FloatArray
    spread: FloatArray
    """Covariance."""
    worth: float
    """Pairs that it is worth."""
    freedom: float
    """Degrees of freedom: the fewer, the more pairs lie far out."""

    def logarithm(self, features: FloatArray) -> FloatArray:
        """(n,) of the density."""
        size, freedom = len(self.mean), self.freedom
        whole = gammaln((freedom + size) / 2) - gammaln(freedom / 2) - 0.5 * size * np.log(np.pi * freedom)
        root = np.log(np.diag(np.linalg.cholesky(self.spread))).sum()
        return whole - root - 0.5 * (freedom + size) * np.log1p(self._away(features) / freedom)

    def _away(self, features: FloatArray) -> FloatArray:
        """(n,) squared distances from the mean in units of the spread."""
        rest = features - self.mean
        return np.einsum("ni,ij,nj->n", rest, np.linalg.inv(self.spread), rest)

    def learnt(self, features: FloatArray, weight: FloatArray) -> "Bell":
        """With pairs (n, 3), which count by their weights (n,), joined to those that it is worth.

        One step of expectation maximisation: pairs far out count less.
        """
        near = weight * (self.freedom + len(self.mean)) / (self.freedom + self._away(features))
        total = self.worth + float(near.sum())
        mean = (self.worth * self.mean + near @ features) / total
        rest, moved = features - mean, self.mean - mean
        own = self.worth * (self.spread + np.outer(moved, moved))
        count = self.worth + float(weight.sum())
        return Bell(mean, (own + (rest * near[:, None]).T @ rest) / count, count, self.freedom)


SAME = Bell(
    np.array([0.23, 2.4, 0.0]), np.array([[0.012, -0.08, 0.0], [-0.08, 1.25, 0.0], [0.0, 0.0, 0.08]]), 30.0, 5.0
)
"""Of pairs of one cell in simulated fields (seeds 1 to 3 of measurements/tracking.py)."""
DIFFERENT = Bell(
    np.array([0.91, -3.6, 0.0]), np.array([[0.013, -0.13, 0.0], [-0.13, 1.8, 0.0], [0.0, 0.0, 0.22]]), 30.0, 30.0
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
        return np.clip(likelier + np.log(self.share / (1 - self.share)), -LARGEST, LARGEST)


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
