"""Kinetics of calcium indicators, from `resources/indicators.tsv` (with the source of each value)."""

import csv
from functools import cache
from pathlib import Path

from pydantic import NonNegativeFloat, PositiveFloat

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
