"""Denoised dF/F of ROIs and its credible band: what the noise of the measured traces leaves possible."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.indicators import Indicator, rise_constant
from groundtrace.section import Section
from groundtrace.traces.dff import BaselineParameters, Dff, baseline, own_baselines
from groundtrace.traces.gaps import Apart
from groundtrace.traces.neuropil_factors import Surroundings

if TYPE_CHECKING:
    import polars as pl

QUIET, DRIFT = 3e-5, 1.5e-5
"""Variance per second, over the square of the brightness, of what moves a trace between events and is not neuropil:
steps that decay like an event, and steps that stay. Light from other depths, the same whatever the noise."""
UNSEEN = 2.5e-3
"""Size, over the brightness, of events too small to be told from such steps: the more a cell fires, the more there
are. Without, bands of quiet cells covered too many frames and those of busy ones too few."""
BASELINES = 4
"""Draws that share a baseline: it is an affair of many seconds."""
PER_SMOOTHING = 4
"""Means of a draw, per standard deviation of what smooths before a baseline, that its baseline is taken of."""
LOWEST = 1 / 3
"""Least baseline of a draw, over that of their mean."""
REACH = 5
"""Frames that an event shows, and beyond which two frames of the draws go together by chance."""
NEAR = 1 - np.arange(REACH + 1) / (REACH + 1)
"""How much a frame counts for one so many frames away."""
MORE, STRENGTH = 1.0, 2.5
"""How many times again the frames around an event count, and how much of what a second pass finds is added: so that
amplitudes of simulated events come out within 5 %."""
SHARED = 6
"""Neuropil factors, strongest first, that a ROI's light may load on."""
OWN_ERROR, FACTOR_ERROR = 0.3, 0.2
"""Prior standard deviations of the loadings of a ROI's light on its own neuropil, around the coefficient that is
subtracted, and on each of those factors, around 0."""
SECONDS = 0.5
"""Seconds over which measured and denoised traces are averaged and compared."""
APART, NOTHING = 1.0, 1e9
"""s without a measurement between segments, in which most of a transient is gone; and the variance of none, over a
frame's."""
SURPRISE = 5.0
"""Standard deviations of the noise beyond which they disagree."""


class SmoothingParameters(Section):
    """Draws of each ROI's trace from all that its noise leaves possible."""

    draws: int = Field(default=400, ge=20, le=2000)
    """Per ROI; the denoised trace is made from their mean, the credible band from all."""
    burn: int = Field(default=150, ge=20, le=2000)
    """Sweeps that are discarded first (burn-in)."""
    decay_error: float = Field(default=0.05, gt=0, le=0.5)
    """Standard deviation of the decay per frame around that of the indicator."""
    rise_error: float = Field(default=0.1, gt=0, le=0.5)
    """Standard deviation of the share of a rise that is to come after a frame, around that of the indicator."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draws; each ROI has its own stream."""


class Noise(NamedTuple):
    """Noise of a ROI at its mean brightness, detector units."""

    cell: float
    """Variance of F; it grows with F ..."""
    neuropil: float
    """... and of Fneu."""
    brightness: float
    """Mean of F above dark."""


@dataclass(frozen=True)
class Smoothed:
    """Denoised dF/F, fraction; each (n_rois, n_frames) float32, NaN where the baseline is unusable."""

    dff: FloatArray
    low: FloatArray
    high: FloatArray
    disagrees: BoolArray
    """(n_rois,) the denoised movie shows something else than what was measured."""


@threadpool_limits.wrap(limits=1)
def smooth_rois(
    fluorescence: "pl.DataFrame",
    dff: Dff,
    offset: float,
    frame_rate: float,
    indicator: Indicator,
    parameters: SmoothingParameters,
    baselines: BaselineParameters,
    segment: IntArray | None = None,
) -> Smoothed:
    """Denoised dF/F and its band, from the table Fluorescence of a recipe that denoises and its dF/F.

    offset: detector units. segment: (n_frames,) stretch without a gap or a border of files; nothing is smoothed across.
    """
    from groundtrace.tables import stack
    from groundtrace.traces.credible_band import credible_band

    gain = dff.light.gain[dff.usable]

    def read(name: str) -> FloatArray:
        """A column in the usable frames, of even brightness."""
        values = stack(fluorescence[name])
        values = values if dff.usable.all() else values[:, dff.usable]
        return values if (gain == 1).all() else ((values - offset) / gain + offset).astype(np.float32)

    f, around = read("fluorescence"), read("neuropil")
    seen, seen_around = read("fluorescence_denoised"), read("neuropil_denoised")
    found, disagrees = np.full((3, *f.shape), np.nan, np.float32), np.zeros(len(f), bool)
    stretches = own_baselines(segment, dff.usable, frame_rate)
    whole = np.zeros(f.shape[1], np.int64) if segment is None else segment[dff.usable]
    apart = Apart.of(whole, round(APART * frame_rate))
    surroundings = Surroundings.of(around, fluorescence["neuropil_noise"].to_numpy(), stretches)
    factors = surroundings.factors[:SHARED]
    known = np.empty((f.shape[1], 1 + len(factors)))
    known[:, 1:] = factors.T
    for i, noise in enumerate(_noises(fluorescence)):
        r = float(dff.coefficient[i])
        trace, shown = (
            (light[i] - offset - r * (neuropil[i] - offset)).astype(np.float64)
            for light, neuropil in ((f, around), (seen, seen_around))
        )
        disagrees[i] = disagree(trace, shown, noise.cell + r**2 * noise.neuropil, frame_rate)
        if np.isnan(dff.dff[i, dff.usable]).any():
            continue
        smooth = surroundings.around(i)
        known[:, 0] = smooth - smooth.mean()
        random = np.random.default_rng([parameters.seed, i])
        draws, events = draw(f[i] - offset, known, r, noise, frame_rate, indicator, parameters, random, apart)
        lost = correct_shrinkage(f[i] - offset, draws, events, noise)
        draws -= (r * (smooth - offset)).astype(np.float32)
        parts = [_baselines(draws[:, part], frame_rate, baselines) for part in stretches]
        middle, each = (np.concatenate(found, axis=-1) for found in zip(*parts, strict=True))
        found[0, i] = (draws.mean(axis=0) + lost - middle) / np.maximum(middle, dff.floor[i])
        draws -= each
        draws /= np.maximum(each, dff.floor[i])
        low, high = credible_band(draws)
        found[1, i], found[2, i] = np.minimum(low, found[0, i]), np.maximum(high, found[0, i])
    if not dff.usable.all():
        whole = np.full((3, *dff.dff.shape), np.nan, np.float32)
        whole[:, :, dff.usable] = found
        found = whole
    return Smoothed(found[0], found[1], found[2], disagrees)


def draw(
    trace: FloatArray,
    known: FloatArray,
    coefficient: float,
    noise: Noise,
    frame_rate: float,
    indicator: Indicator,
    parameters: SmoothingParameters,
    random: np.random.Generator,
    apart: Apart,
) -> tuple[FloatArray, FloatArray]:
    """Draws (n_draws, n_frames) of F, (n_frames,), and the probability of an event in each frame.

    known: (n_frames, n) its neuropil, and the factors of all. apart: where segments lie.
    """
    from groundtrace.traces.smoother import Prior, draw_traces

    step = noise.brightness**2 / frame_rate
    constants = indicator.decay_time, rise_constant(indicator.rise_time, indicator.decay_time)
    decay, rise = (float(np.exp(-1 / (frame_rate * constant))) for constant in constants)
    loading, error = np.zeros(known.shape[1]), np.full(known.shape[1], FACTOR_ERROR)
    loading[0], error[0] = coefficient, OWN_ERROR
    unseen = UNSEEN * noise.brightness
    prior = Prior(
        decay, parameters.decay_error, rise, parameters.rise_error, QUIET * step, unseen, DRIFT * step, loading, error
    )
    slope = noise.cell / noise.brightness
    trace, known = apart.spread(trace.astype(np.float64)), apart.spread(known.T).T
    variance = np.full(len(trace), NOTHING * noise.cell)
    variance[apart.at] = noise.cell
    draws, events = draw_traces(
        trace, variance, slope, np.ascontiguousarray(known), prior, parameters.draws, parameters.burn, random
    )
    return draws[:, apart.at], events[apart.at]


def correct_shrinkage(trace: FloatArray, draws: FloatArray, events: FloatArray, noise: Noise) -> FloatArray:
    """What the mean of the draws (n_draws, n_frames) has lost of the events of the trace, (n_frames,).

    events: (n_frames,) probability of one. The mean shrinks an event by all that could be smaller or later. As far as
    there was an event (elsewhere the correction would be noise), it follows those draws that are near the trace, and
    what is then left of the trace passes through the smoother once more (twicing; Tukey 1977). By how much that follows
    each frame is known: the covariance of the draws over the variance of the noise (true of any prior; Efron 2011,
    doi:10.1198/jasa.2011.tm11181).
    """
    from groundtrace.traces.smoother import LEAST

    middle, frames = draws.mean(axis=0), draws.shape[1]
    variance = noise.cell * np.maximum(1 + (middle - middle.mean()) / noise.brightness, LEAST)
    nearer = _near(trace, draws, variance) - middle
    left, apart, back = (trace - middle - nearer) / variance, draws - middle.astype(draws.dtype), np.zeros(frames)
    for lag in range(min(REACH + 1, frames)):
        earlier, later = slice(None, frames - lag), slice(lag, None)
        covariance = NEAR[lag] * (apart[:, earlier] * apart[:, later]).mean(axis=0)
        back[earlier] += covariance * left[later]
        if lag:
            back[later] += covariance * left[earlier]
    # From REACH frames before to one after: what is late in some draws has begun.
    shown = np.convolve(events, np.ones(REACH + 2))[1 : frames + 1]
    return (nearer + STRENGTH * back) * np.minimum(shown, 1)


def _near(trace: FloatArray, draws: FloatArray, variance: FloatArray) -> FloatArray:
    """Mean of the draws (n_draws, n_frames) as if the frames around each had been measured MORE times again.

    variance: (n_frames,) of the noise of the trace.
    """
    from scipy.ndimage import convolve1d

    # One array of the size of the draws, changed in place: an hour at 30 Hz makes 170 MB of 400 draws.
    weight = trace.astype(draws.dtype) - draws
    weight *= weight
    weight /= variance.astype(draws.dtype)
    convolve1d(weight, np.concatenate((NEAR[:0:-1], NEAR)), axis=1, output=weight, mode="constant")
    weight -= weight.min(axis=0)
    weight *= -MORE / 2
    np.exp(weight, out=weight)
    return np.einsum("df,df->f", weight, draws) / weight.sum(axis=0)


def _baselines(draws: FloatArray, frame_rate: float, parameters: BaselineParameters) -> tuple[FloatArray, FloatArray]:
    """Baseline of the mean of the draws (n_draws, n_frames), and of each draw.

    A draw wanders down as often as up, where the truth has small events: its low percentile lies lower.
    """
    frames = np.arange(draws.shape[1])
    step = max(1, int(parameters.smoothing * frame_rate / PER_SMOOTHING))
    starts = frames[::step]
    stops = np.append(starts[1:], len(frames))
    means = np.add.reduceat(draws[::BASELINES], starts, axis=1) / (stops - starts).astype(draws.dtype)
    each = baseline(means, frame_rate / step, parameters)
    each -= each.mean(axis=0)
    middle = baseline(draws.mean(axis=0, keepdims=True), frame_rate, parameters)[0]
    varied = np.stack([middle + np.interp(frames, (starts + stops - 1) / 2, row) for row in each])
    varied = np.maximum(varied, middle - (1 - LOWEST) * np.abs(middle)).astype(np.float32)
    return middle, np.repeat(varied, BASELINES, axis=0)[: len(draws)]


def _noises(table: "pl.DataFrame") -> list[Noise]:
    """Noise of each ROI of the table Fluorescence."""
    f, cell, neuropil, dark = (
        table[name].to_numpy().astype(np.float64) if name != "fluorescence" else table[name].list.mean().to_numpy()
        for name in ("fluorescence", "fluorescence_noise", "neuropil_noise", "dark")
    )
    brightness = np.maximum(f - dark, 1e-9)
    return [Noise(*row) for row in zip(cell.tolist(), neuropil.tolist(), brightness.tolist(), strict=True)]


def disagree(trace: FloatArray, shown: FloatArray, variance: float, frame_rate: float) -> bool:
    """Whether means over SECONDS of a measured and a denoised trace (n_frames,) differ by more than SURPRISE."""
    step = max(1, round(SECONDS * frame_rate))
    bins = len(trace) // step
    if not bins:
        return False
    rest = (trace - shown)[: bins * step].reshape(bins, step).mean(axis=1)
    return bool((np.abs(rest - np.median(rest)) > SURPRISE * np.sqrt(variance / step)).any())
