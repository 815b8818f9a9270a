"""Recipes, from raw movie to spike rate."""

from typing import Any

import polars as pl

from groundtrace.report.comparison import ALONG, CELL_BINS, DETECTABILITY, BoardRow, Methods, Recordings, trend
from groundtrace.report.svg import Axis, Panel, interval

DRAWN = 6
"""Recipes in a chart besides the controls, the best ones."""
STEPS = {"motion": "motion correction", "denoise": "denoising", "extract": "extraction"}
CHAIN = ["motion_method", "denoise", "extract"]


def context(data: Recordings) -> dict[str, Any]:
    drawn = drawn_recipes(data)
    return {
        "rows": recipe_board(data),
        "timed": " and ".join(STEPS.get(stage, stage) for stage in data.timed),
        "legend": [(name, colour) for name, colour in data.colours.items() if name in drawn],
        "panels": recipe_charts(data),
    }


def recipe_board(data: Recordings) -> list[BoardRow]:
    methods = {row["recipe"]: row for row in data.recipes.unique("recipe").iter_rows(named=True)}
    table = []
    for row in data.board:
        own = methods[row.recipe]
        note = " → ".join(own[name] for name in (*CHAIN, "spikes") if name != "denoise" or own[name] != "none")
        bar = interval(row.score.value, row.score.low, row.score.high, data.colours[row.recipe], Axis("", 0, 1), 100)
        values = [row.score, row.found, row.correlation, row.behind]
        note = f"control: {note}" if row.control else note
        table.append(
            BoardRow(row.recipe, note, data.colours[row.recipe], row.sessions, bar, values, data.speeds[row.recipe])
        )
    return table


def drawn_recipes(data: Recordings) -> list[str]:
    """The best ones and the controls."""
    chosen = [row.recipe for row in data.board if not row.control][:DRAWN]
    return chosen + [row.recipe for row in data.board if row.control]


def recipe_charts(data: Recordings) -> list[Panel]:
    table = data.counted.drop("noise_level").join(data.sessions.select("session", "noise_level"), on="session")
    colours = {name: data.colours[name] for name in drawn_recipes(data)}
    methods = Methods("recipe", colours, [row.recipe for row in data.board if row.control])
    score, value, panels = Axis("score", 0, 1), "spike_correlation", []
    for along, label in ALONG.items():
        panels += trend(data, table, along, label, score, methods, value)
    somata = data.cells.filter(pl.col("kind") == "soma", pl.col("spike_correlation").is_not_null())
    return panels + trend(data, somata, "detectability", DETECTABILITY, score, methods, value, CELL_BINS)
