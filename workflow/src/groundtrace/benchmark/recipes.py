"""Whole recipes on a simulated plane, from raw movie to spike rate: what each true cell got."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.benchmark.extraction import (
    Pairs,
    agreement,
    detectable,
    footprints,
    match,
    median,
    overlap_matrix,
    placed,
    score_extraction,
    trace_quality,
)
from groundtrace.benchmark.motion import MotionScore, table_of
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.benchmark.tables import CellBenchmark, ExtractionBenchmark, RecipeBenchmark
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.spikes.comparing import smooth

FOUND = 0.3
"""IoU from which a cell counts as found."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What a recipe made of a plane: its tables, ROI by ROI."""

    rois: pl.DataFrame
    traces: pl.DataFrame
    spikes: pl.DataFrame

    def accepted(self) -> "Found":
        chosen = self.rois["accepted"]
        return Found(self.rois.filter(chosen), self.traces.filter(chosen), self.spikes.filter(chosen))


@dataclass(frozen=True)
class RecipeScore:
    """Rows of one recipe on one plane."""

    cells: pl.DataFrame
    """CellBenchmark."""
    extraction: pl.DataFrame
    """ExtractionBenchmark, accepted ROIs and all."""
    recipe: pl.DataFrame
    """RecipeBenchmark."""


def score_recipe(
    names: Mapping[str, str],
    conditions: Row,
    cells: pl.DataFrame,
    found: Found,
    motion: MotionScore,
    acquisition: Acquisition,
    parameters: RecordingBenchmark,
) -> RecipeScore:
    """Score a recipe against the rows of TruthCells of its plane.

    names: columns recipe, motion_method, denoise, extract and spikes. A cell's ROI is the accepted one it is paired
    with at an IoU of FOUND; a cell without one is missed, and its spikes count as not inferred at all.
    """
    shape = acquisition.height, acquisition.width
    truth = [placed(footprint, motion.offset, shape) for footprint in footprints(cells)]
    methods = {name: value for name, value in names.items() if name not in ("recipe", "spikes")}
    extraction = []
    for selection, chosen in (("all", found), ("accepted", found.accepted())):
        overlap = overlap_matrix(truth, footprints(chosen.rois), shape)
        pairs = match(overlap, FOUND)
        quality = trace_quality(pairs, cells, chosen.traces, acquisition)
        scores = score_extraction(cells, overlap, quality, parameters)
        residual = {"residual": motion.measures["residual"]}
        extraction.append({**conditions, **methods, "selection": selection, **scores, **residual})
    # Those of the accepted ROIs, which come last.
    per_cell = cell_rows(cells, chosen, pairs, quality, acquisition.frame_rate)
    rows = [{**conditions, **names, **row} for row in per_cell]
    summary = {**conditions, **names, **summarise(per_cell, detectable(cells, parameters).tolist())}
    return RecipeScore(
        table_of(CellBenchmark, rows),
        table_of(ExtractionBenchmark, extraction[::-1]),
        table_of(RecipeBenchmark, [summary]),
    )


def cell_rows(
    cells: pl.DataFrame, found: Found, pairs: Pairs, quality: dict[str, list[float | None]], frame_rate: float
) -> list[Row]:
    """Columns of CellBenchmark beyond conditions and names, one dict per cell."""
    rows = []
    for i, cell in enumerate(cells.select("roi", "kind", "depth", "detectability", "spikes", "spike_times").rows()):
        number, kind, depth, detectability, spikes, times = cell
        hit = pairs.roi[i] >= 0
        rate = found.spikes["rate"][int(pairs.roi[i])].to_numpy() if hit else None
        rows.append(
            {
                "cell": number,
                "kind": kind,
                "depth": depth,
                "detectability": detectability,
                "true_spikes": spikes,
                "roi": found.rois["roi"][int(pairs.roi[i])] if hit else None,
                "iou": float(pairs.iou[i]) if hit else None,
                "spike_correlation": spike_correlation(rate, np.asarray(times), frame_rate) if spikes else None,
                **{name: values[i] for name, values in quality.items()},
            }
        )
    return rows


def spike_correlation(rate: FloatArray | None, spike_times: FloatArray, frame_rate: float) -> float | None:
    """Pearson r of a rate (n_frames,) with true spikes (s from the first frame), both smoothed as for the metrics.

    Frames without a rate are left out, and what fell into them. 0 without a rate, or where the rate says nothing.
    """
    if rate is None:
        return 0.0
    true = spike_counts(spike_times, np.arange(len(rate)) / frame_rate, frame_rate) * frame_rate
    known = np.isfinite(rate)
    smoothed = (smooth(np.where(known, values, 0), frame_rate) for values in (rate, true))
    return agreement(*(values[known] for values in smoothed))


def summarise(rows: list[Row], wanted: list[bool]) -> Row:
    """Columns of RecipeBenchmark from the rows of all cells; counted are the wanted ones with spikes."""
    counted = [row for row, want in zip(rows, wanted, strict=True) if want and row["spike_correlation"] is not None]
    found = [row for row in counted if row["roi"] is not None]
    return {
        "cells": len(counted),
        "score": _mean([row["spike_correlation"] for row in counted]),
        "found": len(found) / len(counted) if counted else None,
        "found_correlation": _mean([row["spike_correlation"] for row in found]),
        "noise_level": median([row["noise_level"] for row in found]),
    }


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
