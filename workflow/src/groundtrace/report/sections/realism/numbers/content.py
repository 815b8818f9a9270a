"""The numbers behind the charts."""

from typing import Any

import numpy as np
import polars as pl

from groundtrace.report.html import number
from groundtrace.report.realism import RealismInputs
from groundtrace.simulation.realism import STATISTICS


def context(given: RealismInputs) -> dict[str, Any]:
    return {"points": points(given.table, given.judged)}


def points(table: pl.DataFrame, judged: pl.DataFrame) -> list[dict]:
    """Numbers behind the charts: each point of every real plane, and the simulated ones from smallest to largest."""
    real = table.filter(~pl.col("simulated"))
    labels = {statistic.name: statistic.label for statistic in STATISTICS}
    shown = []
    for key, part in real.group_by("statistic", "point", maintain_order=True):
        own = judged.filter(pl.col("statistic") == key[0], pl.col("point") == key[1])
        ends = own.select("real_low", "real_high").row(0) if own.height else (None, None)
        measured = own.drop_nulls("value")
        simulated, misfit = (measured[name].to_numpy() for name in ("value", "misfit"))
        shown.append(
            {
                "label": labels[str(key[0])],
                "point": key[1],
                "real": [number(value) for value in part["value"]],
                "range": tuple(map(number, ends)),
                "simulated": extent(simulated),
                "misfit": number(float(misfit.max()), 2) if misfit.size else "–",
                "inside": f"{int(measured['inside'].sum())} of {measured.height}",
                "judged": bool(part["judged"][0]),
            }
        )
    return shown


def extent(values: np.ndarray) -> tuple[str, str, str]:
    """Smallest, median, largest."""
    if not values.size:
        return "–", "–", "–"
    return number(float(values.min())), number(float(np.median(values))), number(float(values.max()))
