"""What a warning of a report is, and the words of numbers in it."""

import math
from dataclasses import dataclass

import polars as pl

from groundtrace.notices import Severity
from groundtrace.report.html import number

MANY = 0.1
"""Share of the cells that must have a fault before it is worth a warning."""
MOST = 0.5
"""Share of the cells from which something holds for most of them."""


@dataclass(frozen=True)
class Warning:
    """One thing a user should know before trusting a recording."""

    severity: Severity
    title: str
    meaning: str
    """Empty where the title says it all."""
    action: str
    kind: str = ""
    """A name that stays when the numbers in the title change, for tables; empty takes that of the section."""
    step: str = ""
    """Step that it is about; empty takes that of the section."""


def median(column: pl.Series) -> float:
    """Median of the finite values, NaN when there is none."""
    values = column.cast(pl.Float64).drop_nulls().drop_nans().median()
    return float(values) if isinstance(values, float) else math.nan


def share(part: float) -> str:
    """A fraction in per cent."""
    return f"{number(100 * part, 2)} %"
