"""OASIS: fast online deconvolution of calcium traces (Friedrich, Zhou & Paninski 2017), through `oasis-deconv`."""

from typing import Any, ClassVar, Literal

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.needs import Need
from groundtrace.spikes.autoregressive import Autoregressive, Response
from groundtrace.traces.noise import overall_noise_sd


class Oasis(Autoregressive):
    """Non-negative AR(1) or AR(2) deconvolution with the sparsest spikes that explain dF/F up to its noise.

    Rates are in Hz: events, moved forward by the indicator's known lag, times one scale for each trace, so that they
    hold as many spikes as clear events do by the indicator's response to spikes and bursts.
    """

    environment: ClassVar[str] = "core"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "oasis-deconv")
    need: ClassVar[Need] = Need(310, trace=5, trace_seconds=0.1)

    backend: Literal["oasis"] = "oasis"

    def deconvolve(self, trace: FloatArray, response: Response) -> tuple[FloatArray, FloatArray]:
        return deconvolve_trace(trace, response.frame_rate, response.decay_time, response.rise_constant)


def deconvolve_trace(
    trace: FloatArray, frame_rate: float, decay_time: float, rise_constant: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Events and calcium of one dF/F trace (n_frames,), both in dF/F; the baseline is fitted, calcium includes it.

    Minimises the sum of events subject to ‖calcium - dF/F‖ = σ√T and events ≥ 0, σ from the frame-to-frame noise.
    With a rise constant (s) the model is AR(2), without AR(1).
    """
    from oasis.functions import deconvolve

    trace = np.asarray(trace, np.float64)
    sn = max(overall_noise_sd(trace), 1e-9)
    # AR(2) starts from every fifth frame and goes on in steps of 100, and fails where there are none.
    steps: dict[str, Any] = (
        {"decimate": min(5, len(trace) // 2), "shift": min(100, len(trace) // 2)} if rise_constant else {}
    )
    # Five rounds: AR(1)'s own default, and what AR(2) needs to reach the noise constraint (its default is one).
    found = deconvolve(
        trace, decay_time, rise_constant, framerate=frame_rate, sn=sn, b_nonneg=False, penalty=1, max_iter=5, **steps
    )
    # Rounding leaves events of -1e-17.
    return np.maximum(found.s, 0), np.asarray(found.c) + found.b
