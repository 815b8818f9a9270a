"""How right the network is: what was fitted to recordings of data sets that it had not seen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.ndimage import map_coordinates

from groundtrace.arrays import FloatArray
from groundtrace.spikes.comparing import smooth, smoothing
from groundtrace.spikes.counts import CountDistribution, to_count
from groundtrace.spikes.network.features import DESCRIPTION

LIMIT = 0.999
CLASSES = ("", "excitatory", "interneuron")
"""Classes of cells that a calibration knows; empty is not told."""
QUIET = 0.02
"""Hz added to mean rates before their ratio is taken: less is hardly told from silence."""
FURTHEST = 7.0
"""The logarithm of the ratio of mean rates that is believed at most: a factor of a thousand."""
SLOW = 10.0
"""Frame rate, Hz, below which rates are compared at another time scale."""
FEATURES = 9
"""Numbers that `accuracy_features` gives; `Calibration.about` adds one where it knows what the recordings were like."""
DOUBTED, STEEP = 0.5, 4.0
"""Clearest event of a trace, spikes, of which half of the rate is kept, and how fast that changes with it; chosen on
stretches without spikes: measurements/silent_cells.py."""
GRID = (64, 12)
"""Points of expected count and of dispersion at which quantiles are computed; between them they are interpolated."""


@dataclass(frozen=True)
class CountCalibration:
    """From what the network says of a second, and what is known of the recording, to how many spikes it may hold.

    A network of one hidden layer; its inputs are those of `count_inputs`, standardised.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    """(n_inputs,) of the inputs."""
    hidden: tuple[tuple[float, ...], ...]
    """(n_hidden, n_inputs + 1) weights, the last column added."""
    out: tuple[tuple[float, ...], ...]
    """(5, n_hidden + 1) the same of the outputs."""
    widened: tuple[tuple[tuple[float, float], ...], ...] = (((0.0, 0.0), (1.0, 1.0)),) * len(CLASSES)
    """What is still missing on data sets left out, as levels of intervals, for each of CLASSES."""

    def apply(self, mean: FloatArray, dispersion: FloatArray, about: FloatArray, told: str) -> CountDistribution:
        """Distribution of counts (n,).

        mean, dispersion: (n,), of the network. about: of the recording, (FEATURES,) or (n, FEATURES), more is left out.
        told: of CLASSES.
        """
        inputs = (count_inputs(mean, dispersion, about, told) - np.array(self.mean)) / np.array(self.sd)
        weights, out = np.array(self.hidden), np.array(self.out)
        found = np.tanh(inputs @ weights[:, :-1].T + weights[:, -1]) @ out[:, :-1].T + out[:, -1]
        parts = from_outputs(np.log(mean + 0.5), found.T)
        return CountDistribution(*parts, widened=self.levels(told))

    def levels(self, told: str) -> tuple[tuple[float, float], ...]:
        """Levels of intervals, as `CountDistribution.widened`, of the class told."""
        return self.widened[CLASSES.index(told)]

    def interval(
        self, level: float, mean: FloatArray, dispersion: FloatArray, about: FloatArray, told: str
    ) -> tuple[FloatArray, FloatArray]:
        """Central interval of `level` for each frame; as that of `apply`, but from a grid of quantiles."""
        x = np.stack([np.log(mean + 0.05), dispersion])
        ends = [np.linspace(low, high + 1e-6, n) for low, high, n in zip(x.min(1), x.max(1), GRID, strict=True)]
        at = (x - np.array([[each[0]] for each in ends])) / np.array([[each[1] - each[0]] for each in ends])
        means, dispersions = (each.ravel() for each in np.meshgrid(np.exp(ends[0]) - 0.05, ends[1], indexing="ij"))
        made = self.apply(np.maximum(means, 0), dispersions, about, told)
        low, high = (made.log_quantile(p).reshape(GRID) for p in made.own_interval(level))
        return tuple(to_count(map_coordinates(q, at, order=1, mode="nearest")) for q in (low, high))  # pyright: ignore


def dispersion(mean: FloatArray, size: FloatArray, zero: FloatArray) -> FloatArray:
    """log(variance / mean) of the network's own distribution of counts: negative binomial with excess zeros."""
    return np.log1p((mean + 1e-4) / (1 - zero) * (1 / size + zero))


def count_inputs(mean: FloatArray, dispersion: FloatArray, about: FloatArray, told: np.ndarray | str) -> FloatArray:
    """Inputs (n, n_inputs) of a calibration: the moment, the recording, and the class of the cell.

    How far the recording is from others is left out: with it interneurons get intervals twice as wide, and no score is
    better.
    """
    recording = expectation_inputs(np.broadcast_to(about[..., :FEATURES], (len(mean), FEATURES)), told)
    return np.column_stack([np.log(mean + 0.05), dispersion, recording])


def from_outputs(log_mean: Any, outputs: Any, exp: Any = np.exp, clip: Any = np.clip) -> tuple[Any, Any, Any, Any, Any]:
    """The parameters of a CountDistribution from outputs (5, n), arrays of numpy or, with its functions, torch.

    log_mean: log of the expected count + ½, which both centres are relative to.
    """
    weight, centre, spread, other_centre, other_spread = outputs
    return (
        1 / (1 + exp(-(weight + 1.5))),
        log_mean + centre,
        exp(clip(spread - 1, -4, 2)),
        log_mean + other_centre + 0.3,
        exp(clip(other_spread, -4, 2)),
    )


def evidence(rate: FloatArray, frame_rate: float) -> float:
    """The clearest event of a trace, spikes: the largest rate (n_frames,), Hz, smoothed, over what one spike makes."""
    return float(smooth(rate, frame_rate).max()) * np.sqrt(2 * np.pi) * smoothing(frame_rate)


def seen(clearest: float) -> float:
    """The part of a network's rate that is kept, by the clearest event of the trace (spikes).

    Where nothing stands out, the rate is what cells fire in which nothing stands out, and most of them are silent.
    """
    return 1 / (1 + (DOUBTED / max(clearest, 1e-6)) ** STEEP)


def accuracy_features(rate: FloatArray, frame_rate: float, level: float, signal_to_noise: float | None) -> FloatArray:
    """What errors are predicted from (FEATURES,); all of it is known without the electrode.

    rate: (n_frames,) Hz as inferred, whose variance against that of the spikes it leaves unexplained is the network's
    own opinion; level: ν, % Hz^(-1/2); signal_to_noise: dF/F of one spike over the noise per frame, None if not told.
    """
    mean = max(float(rate.mean()), 1e-3)
    explained = float(smooth(rate, frame_rate).var())
    left = mean / (2 * np.sqrt(np.pi) * smoothing(frame_rate))
    own = np.arctanh(min(np.sqrt(explained / (explained + left)), LIMIT))
    told = signal_to_noise is not None
    snr = np.log(signal_to_noise) if told else 0.0
    spikes = np.log1p(mean * len(rate) / frame_rate)
    moment = [own, np.log(max(level, 0.05)), np.log(frame_rate), np.log(mean), snr, float(told), spikes]
    return np.array([1.0, *moment, float(frame_rate < SLOW)])


@dataclass(frozen=True)
class Expectation:
    """A number expected of a recording and its 90 % interval, linear in features, class told or not among them.

    The centre was fitted by least squares, the ends by quantile regression on what it leaves, stretched to hold on
    data sets left out.
    """

    centre: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def predict(self, about: FloatArray, told: str) -> tuple[float, float, float]:
        """Expected value and both ends."""
        known = expectation_inputs(about[None], told)[0]
        centre, low, high = (float(known @ np.array(weights)) for weights in (self.centre, self.low, self.high))
        return centre, centre + min(low, -LEAST), centre + max(high, LEAST)


LEAST = 0.02
"""An interval reaches at least so far to either side."""


def expectation_inputs(about: FloatArray, told: np.ndarray | str) -> FloatArray:
    """What is known of recordings, (n, n_about), with the class told, one or (n,), beside it."""
    classes = [np.broadcast_to(np.asarray(told) == each, len(about)) for each in CLASSES[1:]]
    return np.column_stack([about, *classes]).astype(np.float64)


@dataclass(frozen=True)
class Learnt:
    """What recordings were like that a calibration was fitted to: mean and spread of their descriptions.

    Frame rate, noise, distribution, memory and events of the trace count; what is told of the indicator does not.
    """

    centre: tuple[float, ...]
    """(n,) mean."""
    whitening: tuple[tuple[float, ...], ...]
    """(n, n) that takes what is above the mean to unit variance in all directions."""
    usual: tuple[tuple[float, float], ...]
    """Frames, and the distance that 95 of 100 recordings of data sets left out do not reach when they are that long: a
    description that few frames give is further off."""

    def distance(self, context: FloatArray) -> FloatArray:
        """Logarithm of the Mahalanobis distance per dimension, (n_recordings,). context: (n_recordings, CONTEXT)."""
        above = (described(context) - np.array(self.centre)) @ np.array(self.whitening)
        return 0.5 * np.log((above**2).mean(axis=1))

    def unlike(self, context: FloatArray, frames: int) -> float:
        """Distance of one recording (CONTEXT,) over that of most new ones as long as it; NaN where none is known."""
        if not self.usual:
            return np.nan
        lengths, far = np.array(self.usual).T
        return float(np.exp(self.distance(context[None])[0] - np.interp(np.log(frames), np.log(lengths), far)))


def described(context: FloatArray) -> FloatArray:
    """Frame rate, noise and description out of contexts (n_recordings, CONTEXT), without what is told."""
    return np.column_stack([context[:, :2], context[:, -DESCRIPTION:]]).astype(np.float64)


@dataclass(frozen=True)
class Calibration:
    """All that is known of a checkpoint's errors."""

    counts: CountCalibration
    correlation: Expectation
    """Of the correlation with the true rate, in Fisher's z."""
    mean_rate: Expectation
    """Of log((true + QUIET) / (inferred + QUIET)), mean rates over the recording."""
    learnt: Learnt | None = None

    def about(self, features: FloatArray, context: FloatArray) -> FloatArray:
        """What errors are predicted from: FEATURES, and how far the recording is from those learnt from."""
        return features if self.learnt is None else np.append(features, self.learnt.distance(context[None]))

    def unlike(self, context: FloatArray, frames: int) -> float:
        """Distance of a recording (CONTEXT,) of so many frames over the usual one; from 1 on it is unlike the others.

        NaN: not known.
        """
        return np.nan if self.learnt is None else self.learnt.unlike(context, frames)

    def expected_correlation(self, about: FloatArray, told: str) -> tuple[float, ...]:
        """Expected Pearson r with the true rate and its 90 % interval."""
        z = np.arctanh(LIMIT)
        return tuple(np.tanh(np.clip(self.correlation.predict(about, told), -z, z)).tolist())

    def mean_rate_interval(self, rate: float, about: FloatArray, told: str) -> tuple[float, float]:
        """90 % interval of the true mean rate, Hz, of a recording with the inferred mean `rate`."""
        low, high = np.clip(self.mean_rate.predict(about, told)[1:], -FURTHEST, FURTHEST)
        return max((rate + QUIET) * np.exp(low) - QUIET, 0.0), (rate + QUIET) * np.exp(high) - QUIET


def to_dict(calibration: Calibration) -> dict[str, Any]:
    """Plain values for a checkpoint."""
    return asdict(calibration)


def from_dict(values: Mapping[str, Any]) -> Calibration | None:
    """What `to_dict` wrote; None of a checkpoint that was never assessed."""
    if not values:
        return None
    counts = {name: _frozen(each) for name, each in values["counts"].items()}
    expected = [
        Expectation(**{k: _frozen(v) for k, v in values[name].items()}) for name in ("correlation", "mean_rate")
    ]
    learnt = values.get("learnt")
    known = {name: _frozen(each) for name, each in learnt.items()} if learnt else None
    return Calibration(CountCalibration(**counts), *expected, learnt=Learnt(**known) if known else None)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
