"""Scores of extraction."""

from typing import Any

import polars as pl

from groundtrace.benchmark.ranking import ORACLE
from groundtrace.report.comparison import (
    ALONG,
    CELL_BINS,
    DETECTABILITY,
    BoardRow,
    Methods,
    Recordings,
    board,
    paint,
    trend,
)
from groundtrace.report.svg import Axis, Panel

COLUMNS = (
    ("f1_50", "F1", "at an IoU of 0.5 or more"),
    ("precision_50", "precision", "share of ROIs that are a cell, IoU 0.5 or more"),
    ("recall_50", "recall", "share of cells that have a ROI, IoU 0.5 or more"),
    ("f1_30", "F1, 0.3", "at an IoU of 0.3 or more"),
    ("precision_30", "precision, 0.3", "share of ROIs that are a cell, IoU 0.3 or more"),
    ("recall_30", "recall, 0.3", "share of cells that have a ROI, IoU 0.3 or more"),
    ("overlap", "overlap", "median IoU of the pairs at 0.3"),
    ("trace_correlation", "trace r", "median r of dF/F with the true calcium of the cells found"),
    ("crosstalk_neighbours", "neighbours", "correlation with the calcium of neighbours beyond the cell's own"),
    ("crosstalk_neuropil", "neuropil", "correlation with the neuropil beyond the cell's own calcium"),
    ("noise_level", "ν", "%/√Hz, median of the cells found"),
)


def context(data: Recordings) -> dict[str, Any]:
    return {
        "selections": [(name, extraction_board(data, name)) for name in ("accepted", "all")],
        "columns": COLUMNS,
        "panels": extraction_charts(data),
        "legend": list(chain_colours(data).items()),
    }


def chained(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a column label: the extraction, and what came before it."""
    denoised = pl.when(pl.col("denoise") == "none").then(pl.lit("")).otherwise(pl.format(" and {}", "denoise"))
    return table.with_columns(label=pl.format("{} on {}{}", "extract", "motion_method", denoised))


def chain_colours(data: Recordings) -> dict[str, str]:
    chains = chained(data.extraction).select("label", "extract").unique().sort("label")
    told = pl.col("extract") == ORACLE
    return paint(chains.filter(~told)["label"].to_list(), chains.filter(told)["label"].to_list())


def extraction_board(data: Recordings, selection: str) -> list[BoardRow]:
    table = chained(data.extraction.filter(pl.col("selection") == selection))
    return board(data, table, "extract", COLUMNS, chain_colours(data), Axis("", 0, 1))


def extraction_charts(data: Recordings) -> list[Panel]:
    """Recall against detectability; F1 of the accepted ROIs against conditions and the motion that is left."""
    colours = chain_colours(data)
    methods = Methods("label", colours, [name for name in colours if name.startswith(f"{ORACLE} ")])
    # Recipes that differ in spike inference alone share their ROIs.
    somata = chained(data.cells.filter(pl.col("kind") == "soma")).with_columns(
        found=pl.col("roi").is_not_null().cast(pl.Float32)
    )
    somata = somata.unique(["session", "plane", "label", "cell"], maintain_order=True)
    recall = Axis("recall", 0, 1)
    panels = trend(data, somata, "detectability", DETECTABILITY, recall, methods, "found", CELL_BINS)
    accepted = chained(data.extraction.filter(pl.col("selection") == "accepted")).drop("noise_level")
    accepted = accepted.join(data.sessions.select("session", "noise_level"), on="session")
    for along, label in {**ALONG, "residual": "motion left over (px)"}.items():
        if along in ("density", "noise_level", "residual"):
            panels += trend(data, accepted, along, label, Axis("F1", 0, 1), methods, "f1_50")
    return panels
