"""How many spikes a stretch of time holds, as a distribution: the zero-inflated negative binomial."""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import FloatArray, IntArray

WINDOW = 1.0
"""The stretch of time that spike counts and their intervals are about, s."""


@dataclass(frozen=True)
class CountDistribution:
    """Predictive distribution of spike counts: zero with probability `zero`, else negative binomial; equal shapes."""

    mean: FloatArray
    """Expected spikes of the negative binomial part."""
    size: FloatArray
    """Its dispersion: variance = mean + mean² / size."""
    zero: FloatArray
    """Probability of an excess zero."""
    widened: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))
    """Level of an interval as asked, and that of the distribution's own that covers as much (Kuleshov et al. 2018)."""

    def cdf(self, count: FloatArray | IntArray) -> FloatArray:
        """P(N ≤ count)."""
        from scipy.special import betainc

        count = np.floor(np.asarray(count, np.float64))
        below = betainc(self.size, np.maximum(count, 0) + 1, self.size / (self.size + self.mean))
        return np.where(count < 0, 0.0, self.zero + (1 - self.zero) * below)

    def quantile(self, probability: float) -> FloatArray:
        """Smallest count N with P(≤ N) ≥ probability.

        Adds up probabilities from 0 on, for all elements at once: for a few spikes per second that takes half the time
        of scipy's inverse (and the two are equal, a test says).
        """
        # Here, because importing it takes longer than everything else that Snakemake needs of this package.
        from scipy.stats import nbinom

        mean, size, zero = (np.asarray(a, np.float64).ravel() for a in (self.mean, self.size, self.zero))
        wanted = np.clip((probability - zero) / (1 - zero), 0.0, 1 - 1e-9)
        odds = mean / (size + mean)
        term = (size / (size + mean)) ** size
        found = np.zeros(len(mean))
        left = np.flatnonzero(term < wanted)
        # Where P(0) underflows, adding up would never begin.
        vast = left[term[left] < 1e-290]
        found[vast] = nbinom.ppf(wanted[vast], size[vast], 1 - odds[vast])
        left = left[term[left] >= 1e-290]
        term, reached, wanted, odds, size = term[left], term[left], wanted[left], odds[left], size[left]
        count = 0
        while len(left):
            term = term * (count + size) / (count + 1) * odds
            reached = reached + term
            count += 1
            open_ = reached < wanted
            found[left[~open_]] = count
            left, term, reached = left[open_], term[open_], reached[open_]
            wanted, odds, size = wanted[open_], odds[open_], size[open_]
        return found.reshape(np.shape(self.mean))

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Central interval that covers the count with probability of at least `level`."""
        level = self._own(level)
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def coverage(self, counts: FloatArray | IntArray, level: float) -> FloatArray:
        """Share of each observed count that lies in the central interval of `level`; averages to `level` if calibrated.

        A count is a whole number, so its probability integral transform is an interval [P(N < n), P(N ≤ n)]; the
        share is the part of it within the central range (Czado, Gneiting & Held 2009, non-randomised).
        """
        level = self._own(level)
        upper, lower = self.cdf(counts), self.cdf(np.asarray(counts, np.float64) - 1)
        inside = np.clip(upper, (1 - level) / 2, (1 + level) / 2) - np.clip(lower, (1 - level) / 2, (1 + level) / 2)
        return inside / np.maximum(upper - lower, 1e-300)

    def _own(self, level: float) -> float:
        asked, own = zip(*self.widened, strict=True)
        return float(np.interp(level, asked, own))
