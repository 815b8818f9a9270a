"""Denoised dF/F of ROIs and its corridor: what the noise of the measured traces leaves possible."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import Field
from scipy.ndimage import uniform_filter1d

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.dff import BaselineParameters, Dff, baseline
from groundtrace.section import Section
from groundtrace.tables import stack

LEVEL = 0.9
"""Of the corridor."""
BRIGHTNESS = 17
"""Frames over which brightness, and so the variance of the noise, is first taken."""
FIRST_ROUND = 30
"""Draws after which the variance follows the trace itself."""
BASELINES = 5
"""Draws that share a baseline: it is an affair of many seconds, and costs more than all the rest."""
LEAST_BRIGHTNESS = 0.05
"""Of the mean; a darker frame has this one's noise."""
SECONDS = 0.5
"""Over which measured and denoised traces are compared."""
SURPRISE = 5.0
"""Standard deviations of the noise beyond which they disagree."""


class SmoothingParameters(Section):
    """Draws of each ROI's trace from all that its noise leaves possible."""

    draws: int = Field(default=100, ge=20, le=1000)
    """Per ROI; their mean is the denoised trace, their quantiles the corridor."""
    burn: int = Field(default=50, ge=10, le=1000)
    """Draws that are thrown away first."""
    decay_error: float = Field(default=0.05, gt=0, le=0.5)
    """Standard deviation of the decay per frame around that of the indicator."""
    seed: int = Field(default=0, ge=0)
    """Of the draws; each ROI has its own stream."""


@dataclass(frozen=True)
class Smoothed:
    """Denoised dF/F, fraction; each (n_rois, n_frames) float32, NaN where the baseline is unusable."""

    dff: FloatArray
    low: FloatArray
    high: FloatArray
    disagrees: BoolArray
    """(n_rois,) the denoised movie shows something else than what was measured."""


def smooth_rois(
    fluorescence: pl.DataFrame,
    dff: Dff,
    offset: float,
    frame_rate: float,
    decay_time: float,
    parameters: SmoothingParameters,
    baselines: BaselineParameters,
) -> Smoothed:
    """From the table Fluorescence of a recipe that denoises, and its dF/F. decay_time: s. offset: detector units."""
    f, around = (stack(fluorescence[name]) for name in ("fluorescence", "neuropil"))
    seen, seen_around = (stack(fluorescence[name]) for name in ("fluorescence_denoised", "neuropil_denoised"))
    found, disagrees = np.full((3, *f.shape), np.nan, np.float32), np.zeros(len(f), bool)
    decay = float(np.exp(-1 / (frame_rate * decay_time)))
    for i, noise in enumerate(_noises(fluorescence)):
        r = float(dff.coefficient[i])
        trace = (f[i] - offset - r * (around[i] - offset)).astype(np.float64)
        variance = noise.variance(uniform_filter1d(f[i].astype(np.float64), BRIGHTNESS), r, around[i])
        shown = seen[i] - offset - r * (seen_around[i] - offset)
        disagrees[i] = disagree(trace, shown, variance, frame_rate)
        if dff.near_zero[i]:
            continue
        draws = _draws(trace, variance, noise, r, around[i], (decay, parameters, i))
        f0 = np.repeat(baseline(draws[::BASELINES], frame_rate, baselines), BASELINES, axis=0)[: len(draws)]
        possible = draws / f0 - 1
        found[0, i] = possible.mean(axis=0)
        found[1:, i] = np.quantile(possible, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    return Smoothed(*found, disagrees)


@dataclass(frozen=True)
class _Noise:
    """Of one ROI's read-outs, at their mean brightness."""

    cell: float
    neuropil: float
    dark: float
    mean: tuple[float, float]

    def variance(self, f: FloatArray, coefficient: float, neuropil: FloatArray) -> FloatArray:
        """(n_frames,) of F - r Fneu at the brightness f; that of the neuropil hardly changes."""
        share = np.maximum((f - self.dark) / max(self.mean[0] - self.dark, 1e-9), LEAST_BRIGHTNESS)
        return self.cell * share + coefficient**2 * self.neuropil


def _noises(table: pl.DataFrame) -> list[_Noise]:
    means = table.select(pl.col("fluorescence", "neuropil").list.mean()).rows()
    columns = table.select("fluorescence_noise", "neuropil_noise", "dark").rows()
    return [_Noise(cell, neuropil, dark, mean) for (cell, neuropil, dark), mean in zip(columns, means, strict=True)]


def _draws(
    trace: FloatArray,
    variance: FloatArray,
    noise: _Noise,
    coefficient: float,
    neuropil: FloatArray,
    how: tuple[float, SmoothingParameters, int],
) -> FloatArray:
    """(draws, n_frames) of the trace without noise, in two rounds: brightness in events is known after the first."""
    from groundtrace.denoising.smoother import draw_traces

    decay, parameters, roi = how
    random = np.random.default_rng([parameters.seed, roi])
    first = draw_traces(trace, variance, decay, parameters.decay_error, FIRST_ROUND, parameters.burn, random)
    light = noise.mean[0] + first.mean(axis=0, dtype=np.float64) - trace.mean()
    variance = noise.variance(light, coefficient, neuropil)
    return draw_traces(trace, variance, decay, parameters.decay_error, parameters.draws, parameters.burn, random)


def disagree(trace: FloatArray, shown: FloatArray, variance: FloatArray, frame_rate: float) -> bool:
    """Whether means over SECONDS of a measured and a denoised trace (n_frames,) differ by more than SURPRISE."""
    step = max(1, round(SECONDS * frame_rate))
    bins = len(trace) // step
    if not bins:
        return False
    rest, spread = ((x[: bins * step]).reshape(bins, step).sum(axis=1) for x in (trace - shown, variance))
    return bool((np.abs(rest - np.median(rest)) > SURPRISE * np.sqrt(spread)).any())
