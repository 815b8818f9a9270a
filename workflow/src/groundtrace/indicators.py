"""Kinetics of calcium indicators, from `resources/indicators.tsv` (with the source of each value)."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat

from groundtrace.arrays import FloatArray
from groundtrace.section import Section


class Indicator(Section):
    """Response of an indicator to action potentials.

    What spike inference is told (decay_time to lag) is the median over all recorded neurons, smoothed. What the
    simulator makes (peak to spread) is that of excitatory cells one by one, at the precision of the recordings.
    """

    name: str
    decay_time: PositiveFloat
    """Time constant of the decay, s."""
    rise_time: PositiveFloat
    """From the spike to the peak, s."""
    amplitude: PositiveFloat
    """Peak dF/F, fraction."""
    lag: NonNegativeFloat
    """How late the events of an AR(1) deconvolution are behind the spikes, s."""
    peak: PositiveFloat
    """Peak dF/F of one spike in the median cell, fraction."""
    peak_time: PositiveFloat
    """From a spike to its peak, s."""
    half_decay: PositiveFloat
    """From the peak to half of it, s."""
    hill: float = Field(ge=1)
    """Exponent of the binding curve."""
    resting: NonNegativeFloat
    """Resting level, in peaks of one spike."""
    half: PositiveFloat
    """Level of half saturation, in peaks of one spike."""
    spread: NonNegativeFloat
    """Standard deviation over cells of the logarithm of `peak`."""

    def saturate(self, load: FloatArray) -> FloatArray:
        """dF/F over `peak` at a calcium level above rest, in peaks of one spike: 0 at 0, 1 at 1, then saturating."""
        rest, one = self._bound(0.0), self._bound(1.0)
        return (self._bound(np.maximum(load, 0)) - rest) / (one - rest)

    def _bound(self, load: Any) -> Any:
        """Share of the indicator with calcium (Hill), c^n / (c^n + K^n)."""
        raised = ((load + self.resting) / self.half) ** self.hill
        return raised / (raised + 1)

    def kernel(self, time: FloatArray) -> FloatArray:
        """Calcium above rest, `time` s after one spike: a difference of exponentials of peak 1; 0 before the spike."""
        slow, fast = self.constants()
        since = np.maximum(time, 0)
        peak = np.exp(-self.peak_time / slow) - np.exp(-self.peak_time / fast)
        return (np.exp(-since / slow) - np.exp(-since / fast)) / peak

    def constants(self) -> tuple[float, float]:
        """Time constants, s, of the kernel's decay and rise, so that dF/F after one spike halves in `half_decay`.

        Where binding is supralinear, dF/F decays faster than calcium.
        """
        rest, one = self._bound(0.0), self._bound(1.0)
        middle = (rest + one) / 2
        level = self.half * (middle / (1 - middle)) ** (1 / self.hill) - self.resting
        return _constants(self.peak_time, self.half_decay, level)


def resource(name: str) -> Path:
    """Path of a file shipped with groundtrace, from a checkout or from an installed package."""
    here = Path(__file__).resolve().parent
    installed = here / "resources" / name
    return installed if installed.exists() else here.parents[2] / "resources" / name


@cache
def indicators() -> dict[str, Indicator]:
    """All known indicators by name."""
    with resource("indicators.tsv").open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t")
        return {
            row["indicator"]: Indicator.model_validate(
                {"name": row["indicator"]} | {key: row[key] for key in Indicator.model_fields if key != "name"}
            )
            for row in rows
        }


@cache
def _constants(peak_time: float, half_decay: float, level: float) -> tuple[float, float]:
    """Decay and rise constants of a difference of exponentials that peaks at `peak_time` and falls to `level` of its
    peak `half_decay` later; the narrowest one when no such curve is that narrow.
    """

    def excess(decay_time: float) -> float:
        rise = rise_constant(peak_time, decay_time)
        late, peak = (np.exp(-t / decay_time) - np.exp(-t / rise) for t in (peak_time + half_decay, peak_time))
        return late / peak - level

    from scipy.optimize import root_scalar

    narrow, wide = peak_time * 1.005, 100 * (peak_time + half_decay)
    decay = narrow if excess(narrow) >= 0 else float(root_scalar(excess, bracket=(narrow, wide)).root)
    return decay, rise_constant(peak_time, decay)


def rise_constant(rise_time: float, decay_time: float) -> float:
    """Time constant, s, that makes a difference of exponentials peak `rise_time` after its start."""

    def excess(logarithm: float) -> float:
        return decay_time * logarithm / -np.expm1(-logarithm) - rise_time

    from scipy.optimize import root_scalar

    # Equal time constants are the limit of the formula, not a value of it.
    if abs(rise_time / decay_time - 1) < 1e-3:
        return decay_time * 1.002
    bracket = (-50.0, -1e-9) if rise_time < decay_time else (1e-9, 20.0 + rise_time / decay_time)
    return decay_time * float(np.exp(root_scalar(excess, bracket=bracket).root))
