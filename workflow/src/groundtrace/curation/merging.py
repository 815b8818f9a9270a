"""ROIs that a person joined, as one ROI."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.footprints import compactness, skewness
from groundtrace.extraction.outlines import drawn

NEUROPIL = 0.7
"""Of which the skewness is told, as of every ROI."""
Members = Sequence[int]
"""Positions of ROIs in their tables."""


def shares(weights: Sequence[FloatArray]) -> FloatArray:
    """By how much each part counts in the joined ROI, sum 1: its effective number of pixels, 1 / Σ w².

    The parts' traces are weighted means of pixels. Their mean by these shares is that of the joined footprint, as it
    would be read from the movie: equal pixels stay equal, and the noise is least.
    """
    pixels = np.array([1 / (np.asarray(weight, float) ** 2).sum() for weight in weights])
    return pixels / pixels.sum()


def joined_roi(rois: pl.DataFrame, fluorescence: pl.DataFrame, members: Members, roi: int) -> dict[str, Any]:
    """Row of the table Rois of several joined ones. What extraction measures in the movie is not known of it."""
    parts = rois[list(members)]
    y, x, weight = joined_footprint(parts)
    trace = joined_trace(fluorescence, rois, members)
    claimed = _claimed(rois, members)
    row: dict[str, Any] = dict.fromkeys(rois.columns)
    return row | {
        "roi": roi,
        "pixel_y": y.tolist(),
        "pixel_x": x.tolist(),
        "weight": weight.tolist(),
        "overlap": [place in claimed for place in zip(y.tolist(), x.tolist(), strict=True)],
        "centroid_y": float(np.average(y, weights=weight)),
        "centroid_x": float(np.average(x, weights=weight)),
        "area": len(y),
        "compactness": compactness(*drawn(y, x, weight)),
        "skew": skewness(np.asarray(trace["fluorescence"]) - np.float32(NEUROPIL) * np.asarray(trace["neuropil"])),
        "kind": "merged",
        **({"origin": ", ".join(parts["origin"])} if "origin" in rois.columns else {}),
    }


def joined_footprint(parts: pl.DataFrame) -> tuple[IntArray, IntArray, FloatArray]:
    """Union of the footprints; a pixel's weight is the sum of its weights in the parts by their shares."""
    weights: dict[tuple[int, int], float] = {}
    for share, (y, x, weight) in zip(
        shares(parts["weight"].to_list()), parts.select("pixel_y", "pixel_x", "weight").iter_rows(), strict=True
    ):
        for place, value in zip(zip(y, x, strict=True), weight, strict=True):
            weights[place] = weights.get(place, 0.0) + share * value
    y, x = np.array(sorted(weights)).T
    weight = np.array([weights[place] for place in sorted(weights)])
    return y, x, (weight / weight.sum()).astype(np.float32)


def joined_trace(fluorescence: pl.DataFrame, rois: pl.DataFrame, members: Members) -> dict[str, Any]:
    """Row of the table Fluorescence, without its number: traces are the mean of the parts' by their shares."""
    parts, weights = fluorescence[list(members)], rois["weight"][list(members)].to_list()
    share, (*_, union) = shares(weights), joined_footprint(rois[list(members)])
    row: dict[str, Any] = {}
    for name in parts.columns:
        if isinstance(parts.schema[name], pl.List):
            row[name] = (share @ np.array(parts[name].to_list(), float)).astype(np.float32).tolist()
        elif name == "fluorescence_noise":
            # Of a pixel, and of as many as the union has; those that both parts claim count once.
            pixel = parts[name].to_numpy() / np.array([(np.asarray(weight, float) ** 2).sum() for weight in weights])
            row[name] = float(share @ pixel * (union.astype(float) ** 2).sum())
        elif name == "neuropil_noise":
            # Neighbours share their surroundings: no less than of one.
            row[name] = float((share @ np.sqrt(parts[name].to_numpy())) ** 2)
        elif name != "roi":
            row[name] = parts[name][0]
    return row


def with_rows(table: pl.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A table with more rows of the same columns."""
    return pl.concat([table, pl.DataFrame(rows, schema=table.schema)]) if rows else table


def _claimed(rois: pl.DataFrame, members: Members) -> set[tuple[int, int]]:
    """Pixels of the members that another ROI claims too."""
    own = set(members)
    claimed: set[tuple[int, int]] = set()
    for position, (y, x) in enumerate(rois.select("pixel_y", "pixel_x").iter_rows()):
        if position not in own:
            claimed.update(zip(y, x, strict=True))
    return claimed
