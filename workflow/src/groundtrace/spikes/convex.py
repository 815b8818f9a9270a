"""The convex problem that fast deconvolution approximates, solved as it stands: slow, and right."""

import math
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from groundtrace.arrays import FloatArray
from groundtrace.errors import BackendError
from groundtrace.needs import Need
from groundtrace.notices import notice
from groundtrace.spikes.autoregressive import Autoregressive, Response
from groundtrace.traces.noise import overall_noise_sd

if TYPE_CHECKING:
    from scipy.sparse import csc_array

SMALLEST_NOISE = 1e-3
"""Noise is taken as at least this share of a trace's standard deviation: the solver needs some room."""
TOLERANCE = 1e-6
"""Tolerance of the solver, with traces in units of their noise."""


class Convex(Autoregressive):
    """Sparsest non-negative events within the noise: min ‖Gc‖₁ subject to ‖c + b - y‖₂ ≤ (1+ε)σ√T, c ≥ 0, Gc ≥ 0.

    G is the autoregressive model (order 1 or 2), y dF/F, b a constant baseline, free above y's minimum, σ the noise
    from frame to frame (Pnevmatikakis et al. 2016, constrained FOOPSI). The calcium of the first frames, from before
    the recording, is free and counts as no event. One trace is one problem; time and memory grow in proportion to its
    length.
    """

    environment: ClassVar[str] = "core"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "cvxpy", "clarabel")
    need: ClassVar[Need] = Need(310, trace=5, trace_seconds=5)

    backend: Literal["convex"] = "convex"
    eps: float = Field(default=0.0, ge=0, le=1)
    """ε: by which share the residual may exceed the noise."""

    def deconvolve(self, trace: FloatArray, response: Response) -> tuple[FloatArray, FloatArray]:
        sigma = max(overall_noise_sd(trace), SMALLEST_NOISE * float(np.std(trace)))
        model = differences(len(trace), response.coefficients)
        bound = (1 + self.eps) * math.sqrt(len(trace))
        calcium, baseline = _solve(trace / sigma, model, bound)
        events = np.zeros(len(trace))
        events[len(response.coefficients) :] = np.maximum(model @ calcium, 0)
        return events * sigma, (calcium + baseline) * sigma


def differences(frames: int, coefficients: tuple[float, ...]) -> "csc_array":
    """G: (frames - order, frames), with (Gc)(t) = c(t) - g₁ c(t-1) - g₂ c(t-2) for every t that has a past."""
    from scipy.sparse import csc_array, eye_array

    order = len(coefficients)
    steps = frames - order
    past = (g * eye_array(steps, frames, k=order - 1 - lag) for lag, g in enumerate(coefficients))
    return csc_array(eye_array(steps, frames, k=order) - sum(past))


def _solve(trace: FloatArray, model: "csc_array", bound: float) -> tuple[FloatArray, float]:
    """Calcium and baseline of a trace in units of its noise; the bound is widened, and said, where nothing fits."""
    import cvxpy as cp
    from cvxpy.error import SolverError

    calcium, baseline = cp.Variable(len(trace)), cp.Variable()
    events = model @ calcium
    misfit = cp.norm(calcium + baseline - trace)
    # Without a floor under the baseline, tonic events on a baseline deep below would explain any trace.
    allowed = [calcium >= 0, events >= 0, baseline >= trace.min()]

    def solved(problem: cp.Problem) -> bool:
        try:
            problem.solve(solver=cp.CLARABEL, tol_feas=TOLERANCE, tol_gap_abs=TOLERANCE, tol_gap_rel=TOLERANCE)
        except SolverError:
            return False
        return problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)

    sparsest = cp.Minimize(cp.sum(events))
    if not solved(cp.Problem(sparsest, [*allowed, misfit <= bound])):
        closest = cp.Problem(cp.Minimize(misfit), allowed)
        # A thousandth more than the least possible residual leaves the solver an inside.
        least = float(np.asarray(closest.value)) if solved(closest) else math.inf
        if least == math.inf or not solved(cp.Problem(sparsest, [*allowed, misfit <= 1.001 * least])):
            raise BackendError(f"convex: the solver found no answer for a trace of {len(trace)} frames; use 'oasis'")
        notice(
            "no_fit",
            f"convex: no decaying calcium fits a trace of {len(trace)} frames within its noise; the residual is "
            f"{least / bound:.2f} times the bound (a drifting baseline, or a wrong decay time); look at its dF/F and "
            "check the indicator",
        )
    return np.asarray(calcium.value), float(np.asarray(baseline.value))
