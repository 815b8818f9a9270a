"""What deconvolution by an autoregressive model of calcium shares: the response to a spike, scale, lag."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import PositiveFloat

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.indicators import Indicator, rise_constant
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.traces.noise import overall_noise_sd

CLEAR = 1.0
"""Size of an event that counts as spikes, in standard errors of the size of one by the noise."""
SMALLEST = 0.25
"""And in spikes: what is smaller and yet stands out is drift."""
SHARE = 0.75
"""Of the spikes that such events hold, the part that is there: drift and slow noise make some of them. All three were
judged on data sets left out: measurements/deconvolved_counts.py."""
TOGETHER = 0.01
"""Standard errors above which events of neighbouring frames are one."""
RELATIVE = ("jRCaMP1a", "OGB-1")
"""Indicators of which counts are off by more than a factor of two at some ν up to 4, in the same measurement."""


@dataclass(frozen=True)
class Response:
    """Calcium after one event: (exp(-t/decay) - exp(-t/rise)) for AR(2), exp(-t/decay) for AR(1), on frames."""

    frame_rate: float
    """Hz."""
    decay_time: float
    """s."""
    rise_constant: float = 0.0
    """Time constant of the rise, s; zero for AR(1)."""

    @property
    def coefficients(self) -> tuple[float, ...]:
        """g of c(t) = g₁ c(t-1) + g₂ c(t-2) + event(t)."""
        decay = math.exp(-1 / (self.decay_time * self.frame_rate))
        if self.rise_constant == 0:
            return (decay,)
        rise = math.exp(-1 / (self.rise_constant * self.frame_rate))
        return (decay + rise, -decay * rise)

    @property
    def peak(self) -> float:
        """Largest calcium after an event of 1; an event of AR(2) peaks later and higher than its own size."""
        before, now, highest = 0.0, 1.0, 1.0
        g1, g2 = (*self.coefficients, 0.0)[:2]
        while g1 * now + g2 * before > highest:
            before, now = now, g1 * now + g2 * before
            highest = now
        return highest


class Autoregressive(SpikeBackend):
    """Deconvolution with a fixed response: events in dF/F become Hz by one scale for each trace."""

    decay_time: PositiveFloat | None = None
    """Decay time constant, s; empty takes the indicator's value."""
    order: Literal[1, 2] = 1
    """Order of the autoregressive model: 1 rises at once, 2 with the indicator's time to peak."""
    trace: Literal["denoised", "measured"] = "denoised"
    """dF/F that is deconvolved in recipes that denoise; without denoising there is the measured one alone."""

    @property
    def reads_denoised(self) -> bool:
        return self.trace == "denoised"

    @abstractmethod
    def deconvolve(self, trace: FloatArray, response: Response) -> tuple[FloatArray, FloatArray]:
        """Events, ≥ 0, and calcium with its baseline, both (n_frames,) dF/F, of one finite, varying trace."""

    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        if indicator is None:
            raise InputError(
                f"indicator: {type(self).__name__} needs one, for decay time and dF/F per spike; "
                "name it, or use the method 'network'"
            )
        response = self.response(frame_rate, indicator)
        # AR(1) knows no rise: its events come late by what the indicators' table holds. AR(2) rises with the
        # indicator, from the frame of the event on, while a spike falls on average into the middle of its frame:
        # measured are 17 to 22 ms at 30 Hz, half a frame (GCaMP6s, jGCaMP8m, jGCaMP8s).
        lag = indicator.lag * frame_rate if self.order == 1 else 0.5
        rate = np.full(dff.shape, np.nan, np.float32)
        explained = np.full(len(dff), np.nan, np.float32)
        for i, trace in enumerate(dff):
            if np.isfinite(trace).all() and trace.min() < trace.max():
                events, calcium = self.deconvolve(trace.astype(np.float64), response)
                scale = frame_rate * spikes_per_event(events, response, indicator, overall_noise_sd(trace))
                rate[i] = remove_lag(events, lag) * scale
                explained[i] = 1 - np.var(trace - calcium) / np.var(trace)
        return SpikeRates(rate, np.full(len(dff), response.decay_time, np.float32), explained)

    def unit(self, indicator: Indicator | None) -> Literal["Hz", "a.u."]:
        return "a.u." if indicator is not None and indicator.name in RELATIVE else "Hz"

    def response(self, frame_rate: float, indicator: Indicator) -> Response:
        decay = self.decay_time or indicator.decay_time
        return Response(frame_rate, decay, rise_constant(indicator.rise_time, decay) if self.order == 2 else 0.0)


def spikes_per_event(events: FloatArray, response: Response, indicator: Indicator, noise: float) -> float:
    """Spikes in all of `events` (n_frames,), dF/F, over the sum of these; 0 where noise makes as much.

    Events that stand out from the noise (SD of a frame), and are no drift, raise dF/F from where the earlier ones
    have left it. What that is in spikes tells the indicator's binding curve: three spikes make more dF/F than three
    times one. The sum alone is used; within a burst, dF/F shows better when than how many.
    """
    from scipy.signal import lfilter

    if not events.any():
        return 0.0
    decay = math.exp(-1 / (response.decay_time * response.frame_rate))
    error = noise * math.sqrt(1 - decay**2) / response.peak
    inside = events > TOGETHER * error
    group = np.cumsum(inside & np.diff(inside, prepend=False)) * inside
    least = max(CLEAR * error, SMALLEST * indicator.amplitude / response.peak)
    clear = np.where(group, np.bincount(group, events)[group] >= least, False) * events * response.peak
    level = np.asarray(lfilter([1.0], [1.0, -decay], clear))
    spikes = indicator.spikes(level) - indicator.spikes(level - clear)
    return SHARE * float(spikes.sum() / events.sum())


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
