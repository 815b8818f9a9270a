"""OASIS: fast online deconvolution of calcium traces (Friedrich, Zhou & Paninski 2017), through `oasis-deconv`."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveFloat

from groundtrace.arrays import FloatArray
from groundtrace.indicators import Indicator
from groundtrace.noise import noise_sd
from groundtrace.spikes.base import SpikeBackend, SpikeRates


class Oasis(SpikeBackend):
    """Non-negative AR(1) deconvolution with the sparsest spikes that explain dF/F up to its noise.

    Rates are in Hz: inferred dF/F per frame over the indicator's dF/F per spike, moved forward by the indicator's
    known lag.
    """

    environment: ClassVar[str] = "core"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "oasis-deconv")

    backend: Literal["oasis"] = "oasis"
    decay_time: PositiveFloat | None = None
    """Decay time constant, s; empty takes the indicator's value."""

    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator) -> SpikeRates:
        decay_time = self.decay_time or indicator.decay_time
        rate = np.full(dff.shape, np.nan, np.float32)
        explained = np.full(len(dff), np.nan, np.float32)
        for i, trace in enumerate(dff):
            if np.isfinite(trace).all() and trace.min() < trace.max():
                events, calcium = deconvolve_trace(trace, frame_rate, decay_time)
                rate[i] = remove_lag(events, indicator.lag * frame_rate) * frame_rate / indicator.amplitude
                explained[i] = 1 - np.var(trace - calcium) / np.var(trace)
        return SpikeRates(rate, np.full(len(dff), decay_time, np.float32), explained)


def deconvolve_trace(trace: FloatArray, frame_rate: float, decay_time: float) -> tuple[FloatArray, FloatArray]:
    """Events and calcium of one dF/F trace (n_frames,), both in dF/F; the baseline is fitted, calcium includes it.

    Minimises the sum of events subject to ‖calcium - dF/F‖ = σ√T and events ≥ 0, σ from the frame-to-frame noise.
    """
    from oasis.functions import deconvolve

    trace = np.asarray(trace, np.float64)
    sn = max(float(noise_sd(trace)[0]), 1e-9)
    found = deconvolve(trace, tau_d=decay_time, framerate=frame_rate, sn=sn, b_nonneg=False, penalty=1)
    # Rounding leaves events of -1e-17.
    return np.maximum(found[1], 0), np.asarray(found[0]) + found[2]


def remove_lag(events: FloatArray, lag: float) -> FloatArray:
    """Move `events` (n_frames,) earlier by `lag` frames, shared between the two frames around; the sum is kept.

    What would fall before the first frame stays in it.
    """
    whole, part = divmod(lag, 1)
    frames = np.arange(len(events))
    moved = np.zeros(len(events))
    for shift, share in ((int(whole), 1 - part), (int(whole) + 1, part)):
        np.add.at(moved, np.maximum(frames - shift, 0), events * share)
    return moved
