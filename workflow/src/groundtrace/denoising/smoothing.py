"""Denoised dF/F of ROIs and its corridor: what the noise of the measured traces leaves possible."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.denoising.corridor import corridor
from groundtrace.dff import BaselineParameters, Dff, baseline
from groundtrace.section import Section

if TYPE_CHECKING:
    import polars as pl

QUIET, DRIFT = 6e-4, 7.5e-5
"""Variance per second, over the square of the brightness, of what moves a trace between events: steps that decay like
an event, and steps that stay. Light of the neuropil and from other depths, the same whatever the noise."""
BASELINES = 10
"""Draws that share a baseline: it is an affair of many seconds, and costs more than all the rest."""
SECONDS = 0.5
"""Over which measured and denoised traces are compared."""
SURPRISE = 5.0
"""Standard deviations of the noise beyond which they disagree."""


class SmoothingParameters(Section):
    """Draws of each ROI's trace from all that its noise leaves possible."""

    draws: int = Field(default=200, ge=20, le=2000)
    """Per ROI; their mean is the denoised trace, their quantiles the corridor."""
    burn: int = Field(default=150, ge=20, le=2000)
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
    fluorescence: "pl.DataFrame",
    dff: Dff,
    offset: float,
    frame_rate: float,
    decay_time: float,
    parameters: SmoothingParameters,
    baselines: BaselineParameters,
) -> Smoothed:
    """From the table Fluorescence of a recipe that denoises, and its dF/F. decay_time: s. offset: detector units."""
    from groundtrace.denoising.smoother import Prior, draw_traces
    from groundtrace.tables import stack

    f, around = (stack(fluorescence[name]) for name in ("fluorescence", "neuropil"))
    seen, seen_around = (stack(fluorescence[name]) for name in ("fluorescence_denoised", "neuropil_denoised"))
    found, disagrees = np.full((3, *f.shape), np.nan, np.float32), np.zeros(len(f), bool)
    decay = float(np.exp(-1 / (frame_rate * decay_time)))
    for i, (variance, slope, brightness) in enumerate(_noises(fluorescence, dff.coefficient)):
        r = float(dff.coefficient[i])
        trace = (f[i] - offset - r * (around[i] - offset)).astype(np.float64)
        shown = seen[i] - offset - r * (seen_around[i] - offset)
        disagrees[i] = disagree(trace, shown, variance, frame_rate)
        if dff.near_zero[i]:
            continue
        step = brightness**2 / frame_rate
        prior = Prior(decay, parameters.decay_error, QUIET * step, DRIFT * step)
        random, each = np.random.default_rng([parameters.seed, i]), np.full(len(trace), variance)
        draws = draw_traces(trace, each, slope, prior, parameters.draws, parameters.burn, random)
        possible = draws / _baselines(draws, frame_rate, baselines) - 1
        found[0, i] = possible.mean(axis=0)
        found[1:, i] = corridor(possible)
    return Smoothed(found[0], found[1], found[2], disagrees)


def _baselines(draws: FloatArray, frame_rate: float, parameters: BaselineParameters) -> FloatArray:
    """Of each draw (n_draws, n_frames): as they vary, but around that of their mean.

    A draw wanders more than the truth does, so its low percentile lies lower: on simulated ROIs by 0.4 to 1.1 of
    its standard deviation, where that of the mean was off by 0.96 to 1.15 (root mean square), as it should be by 1.
    """
    each = baseline(draws[::BASELINES], frame_rate, parameters)
    middle = baseline(draws.mean(axis=0, keepdims=True), frame_rate, parameters)
    return np.repeat(middle + each - each.mean(axis=0), BASELINES, axis=0)[: len(draws)]


def _noises(table: "pl.DataFrame", coefficient: FloatArray) -> list[tuple[float, float, float]]:
    """Of each ROI, variance of F - r Fneu at its mean brightness, how it grows with F, and that brightness."""
    f, cell, neuropil, dark = (
        table[name].to_numpy().astype(np.float64) if name != "fluorescence" else table[name].list.mean().to_numpy()
        for name in ("fluorescence", "fluorescence_noise", "neuropil_noise", "dark")
    )
    brightness = np.maximum(f - dark, 1e-9)
    variance = cell + coefficient**2 * neuropil
    return list(zip(variance.tolist(), (cell / brightness).tolist(), brightness.tolist(), strict=True))


def disagree(trace: FloatArray, shown: FloatArray, variance: float, frame_rate: float) -> bool:
    """Whether means over SECONDS of a measured and a denoised trace (n_frames,) differ by more than SURPRISE."""
    step = max(1, round(SECONDS * frame_rate))
    bins = len(trace) // step
    if not bins:
        return False
    rest = (trace - shown)[: bins * step].reshape(bins, step).mean(axis=1)
    return bool((np.abs(rest - np.median(rest)) > SURPRISE * np.sqrt(variance / step)).any())
