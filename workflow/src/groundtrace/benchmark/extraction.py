"""Extraction against the true cells of a simulated plane: which were found, and how clean their traces are."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.extraction.base import Footprint
from groundtrace.spikes.comparing import correlation
from groundtrace.tables import stack
from groundtrace.traces.dff import DffParameters, compute_dff

MASK = 0.2
"""Pixels with more than this share of a footprint's largest weight are its mask."""
NEIGHBOURHOOD = 20.0
"""µm between the centres of cells that count as neighbours: less than two diameters."""


@dataclass(frozen=True)
class Pairs:
    """One-to-one pairs of cells and ROIs."""

    roi: IntArray
    """(n_cells,) position of the ROI of each cell; -1 for none."""
    iou: FloatArray
    """(n_cells,) intersection over union of the pair; 0 for none."""


def footprints(table: pl.DataFrame) -> list[Footprint]:
    """Pixels and weights of each ROI of a table Rois or TruthCells."""
    columns = (table[name] for name in ("pixel_y", "pixel_x", "weight"))
    return [(y.to_numpy(), x.to_numpy(), w.to_numpy()) for y, x, w in zip(*columns, strict=True)]


def placed(footprint: Footprint, offset: tuple[float, float], shape: tuple[int, int]) -> Footprint:
    """Where a registered movie shows a footprint of the tissue; registered[p] = tissue[p + offset], (y, x) px.

    A pixel at s is seen at s - offset: its weight is shared by the four pixels around. What leaves the field is lost.
    """
    rows, columns, weight = footprint
    if not len(rows):
        return footprint
    y, x = rows - offset[0], columns - offset[1]
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = y - top, x - left
    base = top.min(), left.min()
    patch = np.zeros((np.ptp(top) + 2, np.ptp(left) + 2))
    for row, share_y in ((0, 1 - down), (1, down)):
        for column, share_x in ((0, 1 - right), (1, right)):
            np.add.at(patch, (top - base[0] + row, left - base[1] + column), weight * share_y * share_x)
    y, x = np.nonzero(patch)
    light, y, x = patch[y, x], y + base[0], x + base[1]
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    return y[inside], x[inside], light[inside]


def mask(footprint: Footprint) -> Footprint:
    """The pixels of a footprint that count: those above MASK of its maximum."""
    rows, columns, weight = footprint
    chosen = weight > MASK * weight.max(initial=0)
    return rows[chosen], columns[chosen], weight[chosen]


def overlap_matrix(cells: list[Footprint], rois: list[Footprint], shape: tuple[int, int]) -> FloatArray:
    """Intersection over union of the masks of each cell and each ROI, (n_cells, n_rois)."""
    a, b = (_pixel_rows([mask(footprint) for footprint in some], shape) for some in (cells, rois))
    shared = (a @ b.T).toarray()
    union = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - shared
    return shared / np.maximum(union, 1)


def _pixel_rows(masks: list[Footprint], shape: tuple[int, int]) -> sparse.csr_array:
    ends = np.concatenate([[0], np.cumsum([len(rows) for rows, *_ in masks])]).astype(np.int64)
    pixels = [np.asarray(rows, np.int64) * shape[1] + columns for rows, columns, _ in masks]
    indices = np.concatenate([np.zeros(0, np.int64), *pixels])
    return sparse.csr_array((np.ones(len(indices)), indices, ends), shape=(len(masks), shape[0] * shape[1]))


def match(overlap: FloatArray, threshold: float) -> Pairs:
    """The one-to-one pairs of at least `threshold` whose overlaps (n_cells, n_rois) have the largest sum."""
    score = np.where(overlap >= threshold, overlap, 0)
    cell, roi = linear_sum_assignment(score, maximize=True)
    real = score[cell, roi] > 0
    found, iou = np.full(len(overlap), -1), np.zeros(len(overlap))
    found[cell[real]], iou[cell[real]] = roi[real], overlap[cell[real], roi[real]]
    return Pairs(found, iou)


def detection(pairs: Pairs, wanted: BoolArray, rois: int) -> dict[str, float | None]:
    """Precision, recall and F1 of `rois` ROIs among the `wanted` of the cells; None where nothing is counted.

    A ROI paired with another cell is neither hit nor false.
    """
    paired = pairs.roi >= 0
    hits, others = int((paired & wanted).sum()), int((paired & ~wanted).sum())
    counted, cells = rois - others, int(wanted.sum())
    return {
        "precision": hits / counted if counted else None,
        "recall": hits / cells if cells else None,
        "f1": 2 * hits / (counted + cells) if counted + cells else None,
    }


def neighbours_light(cells: pl.DataFrame, pixel_size: float) -> FloatArray:
    """Light of the cells around each cell over time, (n_cells, n_frames): Σ brightness × calcium within NEIGHBOURHOOD.

    cells: rows of TruthCells of one plane.
    """
    centre = np.array([[np.average(y, weights=w), np.average(x, weights=w)] for y, x, w in footprints(cells)])
    centre = centre.reshape(-1, 2) * pixel_size
    near = np.linalg.norm(centre[:, None] - centre[None], axis=2) <= NEIGHBOURHOOD
    np.fill_diagonal(near, False)
    return (near * cells["brightness"].to_numpy()) @ stack(cells["calcium"]).astype(np.float64)


def partial_correlation(trace: FloatArray, other: FloatArray, given: FloatArray) -> float | None:
    """Pearson r of `trace` with `other` beyond what `given` explains of both by least squares; all are (n_frames,).

    Over the frames in which both are finite; None when there are none, or nothing of one of them is left.
    """
    traces = np.stack([trace, other]).astype(np.float64)
    known = np.isfinite(traces).all(axis=0)
    if not known.any():
        return None
    traces, own = traces[:, known], np.asarray(given, np.float64)[known]
    traces -= traces.mean(axis=1, keepdims=True)
    own -= own.mean()
    power = own @ own
    left = traces - np.outer(traces @ own / power, own) if power > 0 else traces
    size, before = np.linalg.norm(left, axis=1), np.linalg.norm(traces, axis=1)
    if np.any(size <= 1e-6 * before):
        return None
    return float(np.clip(left[0] @ left[1] / size.prod(), -1, 1))


def trace_quality(
    pairs: Pairs, cells: pl.DataFrame, traces: pl.DataFrame, acquisition: Acquisition
) -> dict[str, list[float | None]]:
    """Per cell (None when it was not found), how true the trace of its ROI is.

    cells: rows of TruthCells of one plane; traces: the table Traces, in the order that `pairs` counts.
    trace_correlation: r of dF/F with true calcium, 0 where dF/F is unusable. crosstalk_neighbours: partial correlation
    of dF/F with the light of the cells around, given the cell's own calcium; negative when too much was subtracted.
    crosstalk_neuropil: the same with the dF/F of the neuropil that was measured around the ROI.
    """
    calcium, around = stack(cells["calcium"]), neighbours_light(cells, acquisition.pixel_size or 1.0)
    found = pairs.roi[pairs.roi >= 0]
    measured = traces[found]
    dff, neuropil = stack(measured["dff"]), stack(measured["neuropil"])
    neuropil = compute_dff(
        neuropil, np.zeros_like(neuropil), acquisition.frame_rate, acquisition.offset or 0.0, DffParameters()
    ).dff
    quality: dict[str, list[float | None]] = {
        name: [None] * len(cells)
        for name in ("trace_correlation", "crosstalk_neighbours", "crosstalk_neuropil", "noise_level")
    }
    for i, cell in enumerate(np.flatnonzero(pairs.roi >= 0)):
        quality["trace_correlation"][cell] = agreement(dff[i], calcium[cell])
        quality["crosstalk_neighbours"][cell] = partial_correlation(dff[i], around[cell], calcium[cell])
        quality["crosstalk_neuropil"][cell] = partial_correlation(dff[i], neuropil[i], calcium[cell])
        quality["noise_level"][cell] = measured["noise_level"][i]
    return quality


def agreement(found: FloatArray, true: FloatArray) -> float | None:
    """Pearson r over the frames in which `found` is finite; 0 where there are none, None when the truth is constant."""
    known = np.isfinite(found)
    r = correlation(np.asarray(found[known], np.float64), np.asarray(true[known], np.float64)) if known.any() else 0.0
    return r if np.isfinite(r) else None


def score_extraction(
    cells: pl.DataFrame, overlap: FloatArray, quality: dict[str, list[float | None]], parameters: RecordingBenchmark
) -> dict[str, float | int | None]:
    """Columns of ExtractionBenchmark beyond conditions, methods and selection, for ROIs whose IoU with the cells is
    `overlap` (n_cells, n_rois); quality: `trace_quality` of the pairs at an IoU of 0.3."""
    wanted, rois = detectable(cells, parameters), overlap.shape[1]
    row: dict[str, float | int | None] = {"cells": int(wanted.sum()), "rois": rois}
    for percent in (30, 50):
        scores = detection(match(overlap, percent / 100), wanted, rois)
        row |= {f"{name}_{percent}": value for name, value in scores.items()}
    pairs = match(overlap, 0.3)
    chosen = wanted & (pairs.roi >= 0)
    row["overlap"] = float(np.median(pairs.iou[chosen])) if chosen.any() else None
    for name, values in quality.items():
        row[name] = median([value for value, hit in zip(values, chosen, strict=True) if hit])
    return row


def detectable(cells: pl.DataFrame, parameters: RecordingBenchmark) -> BoolArray:
    """Somata that an extraction should find."""
    return ((cells["kind"] == "soma") & (cells["detectability"] >= parameters.detectability)).to_numpy()


def median(values: list[float | None]) -> float | None:
    """Median of the values that are known; None without any."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
