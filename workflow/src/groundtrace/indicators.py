"""Kinetics of calcium indicators, from `resources/indicators.tsv` (with the source of each value)."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat
from scipy.optimize import root_scalar

from groundtrace.section import Section


class Indicator(Section):
    """Response of an indicator to one isolated action potential."""

    name: str
    decay_time: PositiveFloat
    """Time constant of the decay, s."""
    rise_time: PositiveFloat
    """From the spike to the peak, s."""
    amplitude: PositiveFloat
    """Peak dF/F, fraction."""
    lag: NonNegativeFloat
    """How late the events of an AR(1) deconvolution are behind the spikes, s."""


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


def rise_constant(rise_time: float, decay_time: float) -> float:
    """Time constant, s, that makes a difference of exponentials peak `rise_time` after its start."""

    def excess(logarithm: float) -> float:
        return decay_time * logarithm / -np.expm1(-logarithm) - rise_time

    # Equal time constants are the limit of the formula, not a value of it.
    if abs(rise_time / decay_time - 1) < 1e-3:
        return decay_time * 1.002
    bracket = (-50.0, -1e-9) if rise_time < decay_time else (1e-9, 20.0 + rise_time / decay_time)
    return decay_time * float(np.exp(root_scalar(excess, bracket=bracket).root))
