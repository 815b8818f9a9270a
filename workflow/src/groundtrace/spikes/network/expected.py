"""How right the network is: fitted to recordings of data sets that it had not seen."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, root_scalar

from groundtrace.arrays import FloatArray
from groundtrace.spikes.comparing import smooth, smoothing
from groundtrace.spikes.counts import CountDistribution

LIMIT = 0.999
LEVELS = (0.5, 0.8, 0.95)
"""Intervals of the count that are calibrated."""
WIDENED = (0.5, 0.8, 0.9, 0.95)
LARGEST = 0.9999
TOLERANCES = np.array([0.05, 0.04, 0.03])
"""How far off each is a nuisance."""
INTERVAL = (0.05, 0.95)
"""Quantiles that bound the interval of the accuracy."""


@dataclass(frozen=True)
class CountCalibration:
    """Widens the network's count distribution by what it cannot know, such as a new neuron's gain."""

    stretch: float = 1.0
    added: float = 0.0
    """1 / size becomes stretch / size + added: `added` is the squared relative error of a gain."""
    widened: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))
    """What is still missing, as levels of intervals; see `CountDistribution`."""

    def apply(self, mean: FloatArray, size: FloatArray, zero: FloatArray) -> CountDistribution:
        """From the expected count (all zeros included), size and excess zeros of the network."""
        return CountDistribution(
            (mean + 1e-4) / (1 - zero), 1 / (self.stretch / size + self.added), zero, widened=self.widened
        )


def fit_counts(
    mean: FloatArray, size: FloatArray, zero: FloatArray, counts: FloatArray, weight: FloatArray
) -> CountCalibration:
    """The calibration whose intervals cover closest to what they promise; all arguments (n_windows,).

    Coverage rather than likelihood is fitted because a few neurons that the network misjudges altogether (fast-spiking
    ones with a slow indicator) would decide on a likelihood.
    """

    def calibration(x: FloatArray) -> CountCalibration:
        return CountCalibration(float(np.exp(x[0])), float(np.exp(x[1])))

    def cost(x: FloatArray) -> float:
        made = calibration(x).apply(mean, size, zero)
        off = [np.average(made.coverage(counts, level), weights=weight) - level for level in LEVELS]
        return float(np.sum((np.array(off) / TOLERANCES) ** 2))

    fitted = calibration(minimize(cost, np.array([0.0, -1.0]), method="Nelder-Mead", options={"maxiter": 40}).x)
    made = fitted.apply(mean, size, zero)

    def missing(own: float, level: float) -> float:
        return float(np.average(made.coverage(counts, own), weights=weight)) - level

    own = [_root(missing, level) for level in WIDENED]
    levels = zip((0.0, *WIDENED, 1.0), (0.0, *np.maximum.accumulate(own).tolist(), 1.0), strict=True)
    return replace(fitted, widened=tuple(levels))


def _root(missing: Callable[[float, float], float], level: float) -> float:
    """The level of the distribution's own interval that covers `level`; the largest one where none does."""
    if missing(LARGEST, level) < 0:
        return LARGEST
    return float(root_scalar(missing, args=(level,), bracket=(0.01, LARGEST), xtol=1e-3).root)


def accuracy_features(rate: FloatArray, frame_rate: float, level: float, signal_to_noise: float | None) -> FloatArray:
    """What accuracy is predicted from (n_features,); all of it is known without the electrode.

    rate: (n_frames,) Hz as inferred, whose variance against that of the spikes it leaves unexplained is the network's
    own opinion; level: ν, % Hz^(-1/2); signal_to_noise: dF/F of one spike over the noise per frame, None if not told.
    """
    mean = max(float(rate.mean()), 1e-3)
    explained = float(smooth(rate, frame_rate).var())
    left = mean / (2 * np.sqrt(np.pi) * smoothing(frame_rate))
    own = np.arctanh(min(np.sqrt(explained / (explained + left)), LIMIT))
    told = signal_to_noise is not None
    snr = np.log(signal_to_noise) if told else 0.0
    return np.array([1.0, own, np.log(max(level, 0.05)), np.log(frame_rate), np.log(mean), snr, float(told)])


@dataclass(frozen=True)
class ExpectedAccuracy:
    """Correlation with the true rate, and its 90 % interval, from `accuracy_features`."""

    weights: tuple[float, ...]
    low: float
    """Lower end of the interval, in Fisher's z from the expected one."""
    high: float

    def predict(self, features: FloatArray) -> tuple[float, float, float]:
        """Expected correlation, lower and upper end of its interval."""
        z = float(features @ np.array(self.weights))
        return float(np.tanh(z)), float(np.tanh(z + self.low)), float(np.tanh(z + self.high))


def fit_accuracy(features: FloatArray, correlation: FloatArray, weight: FloatArray) -> ExpectedAccuracy:
    """Ridge regression of Fisher's z on the features (n, n_features), and quantiles of what is left; weight (n,)."""
    z = np.arctanh(np.clip(correlation, -LIMIT, LIMIT))
    scaled = features * weight[:, None]
    penalty = 1e-3 * weight.sum() * np.eye(features.shape[1])
    found = np.linalg.solve(scaled.T @ features + penalty, scaled.T @ z)
    left = z - features @ found
    order = np.argsort(left)
    reached = np.cumsum(weight[order]) / weight.sum()
    low, high = (float(left[order][min(np.searchsorted(reached, q), len(left) - 1)]) for q in INTERVAL)
    return ExpectedAccuracy(tuple(float(value) for value in found), low, high)


def to_dict(counts: CountCalibration, accuracy: ExpectedAccuracy) -> dict[str, Any]:
    """Plain values for a checkpoint."""
    return {"counts": asdict(counts), "accuracy": asdict(accuracy)}


def from_dict(values: Mapping[str, Any]) -> tuple[CountCalibration, ExpectedAccuracy | None]:
    """What `to_dict` wrote; of a checkpoint that was never assessed, no correction and no accuracy."""
    if not values:
        return CountCalibration(), None
    accuracy, counts = values["accuracy"], values["counts"]
    widened = tuple((asked, own) for asked, own in counts["widened"])
    return (
        CountCalibration(counts["stretch"], counts["added"], widened),
        ExpectedAccuracy(tuple(accuracy["weights"]), accuracy["low"], accuracy["high"]),
    )
