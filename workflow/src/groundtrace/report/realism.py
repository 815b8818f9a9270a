"""The page that compares simulated sessions with real ones."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from groundtrace.report.frame import render
from groundtrace.simulation.realism import judge, verdicts


@dataclass(frozen=True)
class RealismInputs:
    """What the page shows: the table Realism of all planes."""

    table: pl.DataFrame

    @cached_property
    def judged(self) -> pl.DataFrame:
        """Points of the simulated planes beside the range of the real ones; raises InputError without a real one."""
        return judge(self.table)

    @cached_property
    def found(self) -> pl.DataFrame:
        """One row per simulated plane and statistic."""
        return verdicts(self.judged)

    @cached_property
    def real(self) -> list[str]:
        """Real planes."""
        planes = self.table.filter(~pl.col("simulated")).select("session", "plane").unique(maintain_order=True)
        return [plane_name(*key) for key in planes.rows()]


def plane_name(session: str, plane: int) -> str:
    return f"{session}, plane {plane}"


def render_realism(table: pl.DataFrame) -> str:
    """The page as HTML, from the table Realism of all planes; raises InputError without a real recording."""
    return render("realism", RealismInputs(table), "Are the simulated recordings like the real ones?")
