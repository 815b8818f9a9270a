"""Which recipe to take under which conditions."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from groundtrace.benchmark.ranking import Standing
from groundtrace.report.comparison import Recordings, binned
from groundtrace.report.html import number, plural

FASTER = 1.2
"""A recipe is called the fastest from this ratio on."""


@dataclass(frozen=True)
class Answer:
    """Which recipe to take under some conditions."""

    title: str
    hint: str
    best: Standing
    tied: list[Standing]
    """Not told apart from the best."""
    next: Standing | None
    """The first that is told apart from it."""
    fastest: str | None
    """The fastest of the best and those not told apart from it, where one stands out."""


def context(data: Recordings) -> dict[str, Any]:
    return {"overall": answer(data, "over all", "", data.board), "answers": answers(data)}


def answer(data: Recordings, title: str, hint: str, board: list[Standing]) -> Answer | None:
    """None when only controls have run."""
    rows = [row for row in board if not row.control]
    if not rows:
        return None
    best, tied = rows[0], [row for row in rows[1:] if row.tied]
    behind = [row for row in rows[1:] if row.behind.low > 0]
    speeds = sorted(((data.speeds[row.recipe].frames, row.recipe) for row in (best, *tied)), reverse=True)
    known = len(speeds) > 1 and all(math.isfinite(frames) for frames, _ in speeds)
    clear = known and speeds[0][0] > FASTER * speeds[1][0]
    return Answer(title, hint, best, tied, behind[0] if behind else None, speeds[0][1] if clear else None)


def answers(data: Recordings) -> list[Answer]:
    """One for each group of conditions that were simulated: indicator, frame rate, noise, density."""
    table = data.sessions.with_columns(
        light=binned(data.sessions["photons"].to_numpy(), 3), crowd=binned(data.sessions["density"].to_numpy(), 3)
    )
    crowds = table["crowd"].n_unique()
    found = []
    for key, own in table.group_by("indicator", "frame_rate", "crowd", "light", maintain_order=True):
        cells = data.counted.filter(pl.col("session").is_in(own["session"].to_list()))
        if cells.is_empty():
            continue
        indicator, rate, crowd = str(key[0]), float(key[1]), int(key[2])
        words = ("sparse", "medium", "dense") if crowds == 3 else ("sparse", "dense")
        light, density, moved, level = (
            float(np.nanmedian(own[name].fill_null(np.nan).to_numpy()))
            for name in ("photons", "density", "motion", "noise_level")
        )
        title = f"{indicator} at {number(rate)} Hz, ν about {number(level, 2)}"
        title += f", {words[crowd]} field" if crowds > 1 else ""
        hint = f"{number(light, 2)} photons per pixel and frame, {number(density, 2)} cells per mm³, motion of "
        hint += f"{number(moved, 2)} px; {plural(own.height, 'session')}, "
        hint += plural(cells.unique(["session", "plane", "cell"]).height, "cell")
        found.append((indicator, rate, crowd, level, answer(data, title, hint, data.standings(cells, title))))
    return [row[-1] for row in sorted(found, key=lambda row: row[:-1]) if row[-1]]
