"""Tracks against the cells of simulated fields: were ROIs of one cell joined, and were probabilities right."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.benchmark.tables import TrackingBenchmark
from groundtrace.tables import validate

OFFSETS = ((0.0, 1.0), (1.0, 3.0), (3.0, 5.0), (5.0, np.inf))
"""µm, borders of the rows by the axial displacement of two sessions."""
DECILES = 10


def true_cells(scored: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """ROIs of one plane that were matched to a true cell: session, roi, identity, depth.

    scored: rows of CellBenchmark of the plane. truth: its rows of TruthCells.
    """
    known = truth.select(cell="roi", identity="identity", depth="depth")
    own = scored.drop_nulls("roi").select("session", "roi", "cell").join(known, on="cell", maintain_order="left")
    return own.select("session", "roi", "identity", "depth")


def score_tracks(
    names: Mapping[str, Any], tracks: pl.DataFrame, pairs: pl.DataFrame, cells: pl.DataFrame
) -> pl.DataFrame:
    """Rows of TrackingBenchmark of one field.

    names: subject, field, plane, recipe and track. Counted are ROIs that are matched to a true cell, those of
    `true_cells` of all sessions: what was not found in both sessions cannot be tracked.
    """
    known = tracks.join(cells, on=["session", "roi"], maintain_order="left")
    joined = pl.concat(_pairs_of(known, *two) for two in combinations(known["session"].unique(maintain_order=True), 2))
    chance = pairs.select("session", "roi", "other_session", "other_roi", "probability")
    joined = joined.join(chance, on=["session", "roi", "other_session", "other_roi"], how="left", maintain_order="left")
    rows = [{**names, **_row(joined, 0.0, np.inf), **_whole(known)}]
    rows += [{**names, **_row(joined, *borders), "tracks": None, "tracks_whole": None} for borders in OFFSETS]
    return validate(TrackingBenchmark, pl.DataFrame(rows, schema=TrackingBenchmark.types()))


def _pairs_of(known: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
    """All pairs of matched ROIs of two sessions that are one cell, were joined, or both; and pairs near each other."""
    one, two = (known.filter(pl.col("session") == session) for session in (first, second))
    every = one.join(two, how="cross", suffix="_other")
    offset = one.join(two, on="identity", suffix="_other").select(
        (pl.col("depth") - pl.col("depth_other")).abs().median()
    )
    return every.select(
        "session",
        "roi",
        other_session="session_other",
        other_roi="roi_other",
        offset=pl.lit(offset.item() if offset.item() is not None else np.nan, pl.Float64),
        same=pl.col("identity") == pl.col("identity_other"),
        joined=(pl.col("track") == pl.col("track_other")).fill_null(False),
    )


def _row(joined: pl.DataFrame, low: float, high: float) -> dict[str, Any]:
    own = joined.filter((pl.col("offset") >= low) & (pl.col("offset") < high) | (np.isinf(high) & (low == 0)))
    same, said = (own[name].to_numpy().astype(bool) for name in ("same", "joined"))
    right = int((same & said).sum())
    told = own.drop_nulls("probability")
    probability, true = told["probability"].to_numpy().astype(float), told["same"].to_numpy().astype(bool)
    count, hits, mean = reliability(probability, true)
    return {
        "offset_low": low,
        "offset_high": high if np.isfinite(high) else None,
        "pairs": int(same.sum()),
        "joined": int(said.sum()),
        "right": right,
        "precision": right / said.sum() if said.any() else None,
        "recall": right / same.sum() if same.any() else None,
        "f1": 2 * right / (said.sum() + same.sum()) if said.any() or same.any() else None,
        "brier": float(np.mean((probability - true) ** 2)) if len(true) else None,
        "decile_pairs": count,
        "decile_right": hits,
        "decile_probability": mean,
    }


def reliability(probability: FloatArray, true: BoolArray) -> tuple[list[int], list[int], list[float]]:
    """Pairs in each tenth of the probability, how many of them are right, and the sum of their probabilities."""
    tenth = np.clip((probability * DECILES).astype(int), 0, DECILES - 1)
    return (
        np.bincount(tenth, minlength=DECILES).tolist(),
        np.bincount(tenth, true, minlength=DECILES).astype(int).tolist(),
        np.bincount(tenth, probability, minlength=DECILES).tolist(),
    )


def _whole(known: pl.DataFrame) -> dict[str, int]:
    """Cells that were found in two sessions and more, and those whose ROIs are one track and nothing else is in it."""
    found = {cell: set(rows) for cell, rows in _grouped(known, "identity")}
    made = {frozenset(rows) for _, rows in _grouped(known, "track")}
    several = [rows for rows in found.values() if len(rows) > 1]
    return {"tracks": len(several), "tracks_whole": sum(frozenset(rows) in made for rows in several)}


def _grouped(known: pl.DataFrame, by: str) -> Iterator[tuple[int, list[tuple[str, int]]]]:
    for (key,), rows in known.drop_nulls(by).group_by(by, maintain_order=True):
        yield int(str(key)), rows.select("session", "roi").rows()
