"""The page of suggestions: which recipe for each recording."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from groundtrace.report.frame import render


@dataclass(frozen=True)
class SuggestInputs:
    """What the page of suggestions shows."""

    table: pl.DataFrame
    """The table Suggestion."""
    simulated: pl.DataFrame
    """The sessions behind it."""
    absent: Sequence[str]
    """Recipes without a score."""


def render_suggestions(table: pl.DataFrame, simulated: pl.DataFrame, absent: Sequence[str]) -> str:
    """The page as HTML. table: Suggestion; simulated: the sessions behind it; absent: recipes without a score."""
    return render("suggest", SuggestInputs(table, simulated, absent), "Which recipe for your recordings")
