"""From noisy displacements of blocks to a smooth field: a Gaussian process in space, followed through time.

In space the prior's covariance has three parts: the field as a whole, its rows (scanned one after the other) and
smooth nonrigid motion. In the basis where both it and the blocks' errors are diagonal, each mode is a number per
frame with known error; it is followed by a Kalman smoother whose process noise is learnt from the movie and adapts to
rest, running and single jumps, so that jumps are not smeared.
"""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray

LEAST = 0.02
"""Modes of a smaller prior variance, in units of a block's error variance, are left out."""
ROUNDS = 3
TAIL = 3.0
"""Degrees of freedom: how much a single jump weighs against those around it."""
UNTRUSTED = 1e6
"""Error variance of a frame that shows nothing, in units of the others'."""


@dataclass(frozen=True)
class Prior:
    """What displacements of a frame are like, beyond those of its matched filter."""

    common: float = 4.0
    """px², variance of the field as a whole."""
    rows: float = 0.3
    """px², of its rows."""
    nonrigid: float = 0.5
    """px², of smooth nonrigid motion."""
    reach: float = 0.35
    """Standard deviation of the Gaussian by which displacements of places are alike, as a fraction of the field."""

    @classmethod
    def of(cls, nonrigid: bool) -> "Prior":
        return cls() if nonrigid else cls(rows=0.0, nonrigid=0.0)

    def covariance(self, places: FloatArray, others: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Covariance of displacements along one axis at `places` (n, 2) and `others` (m, 2) px: (n, m) px²."""
        row, column = np.moveaxis(((places[:, None] - others[None]) / np.array(shape) / self.reach) ** 2 / 2, 2, 0)
        return self.common + self.rows * np.exp(-row) + self.nonrigid * np.exp(-row - column)

    def shrinkage(self, places: FloatArray, error: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """(blocks, blocks): posterior mean of the blocks from their measurements; error: (blocks,) px²."""
        prior = self.covariance(places, places, shape)
        return prior @ np.linalg.inv(prior + np.diag(error))


@dataclass(frozen=True)
class Modes:
    """The basis of one axis."""

    analysis: FloatArray
    """(blocks, modes): from displacements to modes of unit error."""
    synthesis: FloatArray
    """(modes, places): from modes to displacements anywhere."""
    mean: FloatArray
    """(modes,) of each mode's displacement over the field."""

    @classmethod
    def of(
        cls, prior: Prior, places: FloatArray, error: FloatArray, shape: tuple[int, int], wanted: FloatArray
    ) -> "Modes":
        """error: (blocks,) px²; places: (blocks, 2) px, evenly over the field; wanted: (places, 2) px."""
        scale = np.sqrt(error)
        alike = prior.covariance(places, places, shape)
        values, vectors = np.linalg.eigh(alike / scale[:, None] / scale)
        order = np.argsort(-values, kind="stable")
        values, vectors = values[order], vectors[:, order]
        # The sign of an eigenvector is anyone's; the largest entry is made positive.
        vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
        kept = max(1, int((values > LEAST).sum()))
        analysis = vectors / scale[:, None]
        synthesis = prior.covariance(wanted, places, shape) @ (vectors[:, :kept] / scale[:, None]) / values[:kept]
        mean = (vectors[:, :kept] * scale[:, None]).mean(axis=0)
        return cls(analysis[:, :kept], synthesis.T, mean)


def smooth_field(
    measured: FloatArray, modes: Modes, trusted: BoolArray, brightness: FloatArray, begins: BoolArray, window: int
) -> tuple[FloatArray, FloatArray]:
    """Displacements (n_frames, places) px of one axis, and the variance (n_frames,) px² of their mean over the field.

    measured: (n_frames, blocks) px. brightness: of each frame, relative to the template; it scales the errors.
    begins: (n_frames,) first frames of stretches between gaps or files, which the tissue may come to from anywhere.
    window: frames from which the process noise of each is learnt, odd.
    """
    from groundtrace.motion.phase.kernels import follow

    values = measured @ modes.analysis
    error = np.where(trusted, 1 / brightness**2, UNTRUSTED)
    smooth, variance = np.empty_like(values), np.empty_like(values)
    for mode in range(values.shape[1]):
        middle = np.median(values[trusted, mode]) if trusted.any() else 0.0
        smooth[:, mode], variance[:, mode] = follow_mode(
            values[:, mode] - middle, error, trusted, begins, window, follow
        )
        smooth[:, mode] += middle
    return smooth @ modes.synthesis, variance @ modes.mean**2


def follow_mode(
    values: FloatArray, error: FloatArray, trusted: BoolArray, begins: BoolArray, window: int, follow
) -> tuple[FloatArray, FloatArray]:
    """One mode through time: smoothed values and their variances; an AR(1) process learnt by moments and EM."""
    frames = len(values)
    known = np.where(trusted, values, 0.0)
    base = float(np.median(error[trusted])) if trusted.any() else 1.0
    power = float((known**2).mean())
    signal = max(power - base, 1e-3 * base)
    lagged = float((known[1:] * known[:-1]).mean()) if frames > 1 else 0.0
    persistence = float(np.clip(lagged / signal, 0.0, 0.999)) if power > 1.02 * base else 0.5
    process = np.full(frames, signal * (1 - persistence**2))
    smooth, variance, change = follow(values, error, process, begins, persistence, signal)
    for _ in range(ROUNDS):
        usual = _local_mean(change, window)
        change = np.where(begins, usual, change)
        process = np.maximum((TAIL * usual + change) / (TAIL + 1), 1e-8 * base)
        smooth, variance, change = follow(values, error, process, begins, persistence, signal)
    return smooth, variance


def _local_mean(values: FloatArray, window: int) -> FloatArray:
    """Running mean over `window` frames, fewer at the ends, with lines across what is not known."""
    known = np.isfinite(values)
    at = np.arange(len(values))
    values = np.interp(at, at[known], values[known]) if known.any() else np.zeros(len(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    start, stop = np.maximum(at - window // 2, 0), np.minimum(at + window // 2 + 1, len(values))
    return (total[stop] - total[start]) / (stop - start)
