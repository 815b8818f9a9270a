"""Spike inference without the pipeline: an array of dF/F, or another pipeline's result, to rates."""

import difflib
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.loading import Traces
from groundtrace.noise import noise_level
from groundtrace.spikes import checks
from groundtrace.spikes.base import SpikeBackend

METHODS = {
    "network": "groundtrace.spikes.network:Network",
    "oasis": "groundtrace.spikes.oasis:Oasis",
    "convex": "groundtrace.spikes.convex:Convex",
}
"""What `method` may name: a backend that runs without parameters, imported when asked for."""


@dataclass(frozen=True)
class InferredSpikes:
    """Spike rates on the frame grid: rate[:, t] belongs to the time of frame t."""

    rate: FloatArray
    """(n_rois, n_frames) Hz; NaN for ROIs that could not be used and in gaps too long to bridge."""
    low: FloatArray | None
    """(n_rois, n_frames) Hz, lower end of the predictive interval; None when the method has none."""
    high: FloatArray | None
    """(n_rois, n_frames) Hz, upper end."""
    noise_level: FloatArray
    """(n_rois,) ν, % Hz^(-1/2)."""
    expected_correlation: FloatArray
    """(n_rois,) with the true rate; NaN where nothing is known of it."""
    roi: IntArray
    """(n_rois,) number of each ROI in the result it was loaded from, else its row."""
    frame_rate: float
    """Hz."""
    backend: SpikeBackend
    """The method and its parameters, as used."""


def infer_spikes(
    dff: FloatArray | Traces,
    frame_rate: float | None = None,
    indicator: str | None = None,
    method: str | SpikeBackend = "network",
    lookahead: int | None = None,
) -> InferredSpikes:
    """Spike rates from dF/F.

    dff: (n_rois, n_frames), fraction, or what `load_traces` returns. frame_rate: Hz; not needed for loaded traces.
    indicator: a name from resources/indicators.tsv; None when unknown. method: a name (network, oasis, convex) or a
    backend with its own parameters. lookahead: frames after t that the rate at t may depend on, for online use; None
    uses the whole recording.

    What cannot be dF/F of raw noise (per cent, fluorescence, spikes, swapped axes) raises InputError; what may be
    (denoised, very noisy, gaps, unusual frame rates) is said as a warning.
    """
    roi = dff.roi if isinstance(dff, Traces) else None
    if isinstance(dff, Traces):
        if frame_rate is not None:
            raise InputError("frame_rate: is part of loaded traces; to change it, load_traces(path, frame_rate=...)")
        dff, frame_rate = dff.dff, dff.frame_rate
    kinetics = checks.known_indicator(indicator)
    backend = backend_named(method, lookahead)
    frame_rate = checks.check_frame_rate(frame_rate)
    dff = checks.check_array(dff)
    dff, missing = checks.fill_gaps(dff, frame_rate)
    checks.check_units(dff, frame_rate)
    checks.check_raw(dff)
    level = noise_level(dff, frame_rate)
    checks.check_noise_level(level)
    found = backend.run(dff, frame_rate, kinetics)
    return InferredSpikes(
        rate=_without(found.rate, missing),
        low=None if found.low is None else _without(found.low, missing),
        high=None if found.high is None else _without(found.high, missing),
        noise_level=level,
        expected_correlation=np.full(len(dff), np.nan),
        roi=np.arange(len(dff)) if roi is None else roi,
        frame_rate=frame_rate,
        backend=backend,
    )


def backend_named(method: str | SpikeBackend, lookahead: int | None = None) -> SpikeBackend:
    """The backend of that name with its default parameters, or `method` itself."""
    if isinstance(method, SpikeBackend):
        if lookahead is not None:
            raise InputError("lookahead: a parameter of the method given; set it there, or give the method's name")
        return method
    if method not in METHODS:
        close = difflib.get_close_matches(str(method), METHODS, n=1)
        nearest = f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"method: {method!r} is not known{nearest} Known are {', '.join(METHODS)}, or a backend object"
        )
    module, _, name = METHODS[method].partition(":")
    kind: type[SpikeBackend] = getattr(import_module(module), name)
    if lookahead is None:
        return kind()
    if "lookahead" not in kind.model_fields:
        raise InputError(
            f"lookahead: the method {method!r} always uses the whole recording; leave it out, or 'network'"
        )
    return kind.model_validate({"lookahead": lookahead})


def _without(values: FloatArray, missing: BoolArray | None) -> FloatArray:
    return values if missing is None else np.where(missing, np.nan, values).astype(values.dtype)
