"""A small simulated plane made by hand: its truth, and what perfect methods would find in it."""

import numpy as np
import polars as pl
import pyarrow as pa

from groundtrace.benchmark.recipes import Found
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.motion.moving import Blocks
from groundtrace.simulation.tables import TruthCells, TruthShifts
from groundtrace.tables import Shifts, list_column, ragged, validate

SHAPE = (80, 96)
RATE = 10.0


def true_shifts(y, x, nodes=None, rows=None, z=None, moving=(), dropped=()) -> pl.DataFrame:
    """TruthShifts of one plane; nodes: (n, 2, side²), rows: (n, 2, height), px."""
    n = len(y)
    nodes = np.zeros((n, 2, 0)) if nodes is None else nodes
    rows = np.zeros((n, 2, SHAPE[0])) if rows is None else rows
    table = pl.DataFrame(
        {
            "plane": np.zeros(n, np.int32),
            "frame": np.arange(n, dtype=np.int32),
            "y": np.asarray(y, np.float32),
            "x": np.asarray(x, np.float32),
            "z": np.zeros(n, np.float32) if z is None else np.asarray(z, np.float32),
            "row_y": list_column(rows[:, 0].astype(np.float32)),
            "row_x": list_column(rows[:, 1].astype(np.float32)),
            "node_y": list_column(nodes[:, 0].astype(np.float32)),
            "node_x": list_column(nodes[:, 1].astype(np.float32)),
            "moving": np.isin(np.arange(n), moving),
            "dropped": np.isin(np.arange(n), dropped),
        }
    )
    return validate(TruthShifts, table)


def found_shifts(y, x, block_y=None, block_x=None, bad=()) -> pl.DataFrame:
    """Shifts of one plane; blocks: (n, n_blocks) px."""
    n = len(y)
    empty = np.zeros((n, 0))
    table = pl.DataFrame(
        {
            "frame": np.arange(n, dtype=np.int32),
            "y": np.asarray(y, np.float32),
            "x": np.asarray(x, np.float32),
            "y_error": pl.Series([None] * n, dtype=pl.Float32),
            "x_error": pl.Series([None] * n, dtype=pl.Float32),
            "correlation": np.ones(n, np.float32),
            "block_y": list_column(np.asarray(empty if block_y is None else block_y, np.float32)),
            "block_x": list_column(np.asarray(empty if block_x is None else block_x, np.float32)),
            "template_correlation": np.ones(n, np.float32),
            "bad": np.isin(np.arange(n), bad),
            "reason": ["jump" if frame in bad else "" for frame in range(n)],
        }
    )
    return validate(Shifts, table)


def corners() -> Blocks:
    """Blocks at the corners of the field."""
    return Blocks(np.array([0, SHAPE[0] - 1], float), np.array([0, SHAPE[1] - 1], float))


def ellipse(y: float, x: float, height: float, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and weights of a bright ellipse whose rim is dim."""
    rows, columns = np.indices(SHAPE)
    distance = np.hypot((rows - y) / height, (columns - x) / width)
    inside = np.nonzero(distance < 1)
    weight = np.clip(2 * (1 - distance[inside]), 0, 1).astype(np.float32)
    return inside[0].astype(np.int32), inside[1].astype(np.int32), weight / weight.sum()


PLACES = [(15, 15), (15, 45), (15, 75), (40, 30), (40, 64), (64, 20), (64, 50), (64, 80)]


def cells(frames: int = 400, seed: int = 0, **columns) -> pl.DataFrame:
    """TruthCells of eight cells, wider than high and far from each other; `columns` replace some."""
    generator = np.random.default_rng(seed)
    n = len(PLACES)
    footprints = [ellipse(y, x, 3, 8) for y, x in PLACES]
    times = [np.sort(generator.uniform(0, frames / RATE, 30)) for _ in range(n)]
    kernel = np.exp(-np.arange(30) / 5)
    grid = np.arange(frames) / RATE
    calcium = [np.convolve(spike_counts(t, grid, RATE), kernel)[:frames] for t in times]
    table = pl.DataFrame(
        {
            "plane": np.zeros(n, np.int32),
            "roi": np.arange(n, dtype=np.int32),
            "kind": ["soma"] * n,
            "depth": np.zeros(n, np.float32),
            "pixel_y": ragged([y for y, *_ in footprints], pa.int32()),
            "pixel_x": ragged([x for _, x, _ in footprints], pa.int32()),
            "weight": ragged([w for *_, w in footprints], pa.float32()),
            "brightness": np.full(n, 100, np.float32),
            "detectability": np.full(n, 20, np.float32),
            "rate": np.full(n, 0.75, np.float32),
            "spikes": np.full(n, 30, np.int32),
            "spike_times": ragged(times, pa.float64()),
            "loading": list_column(np.zeros((n, 1), np.float32)),
            "calcium": list_column(np.array(calcium, np.float32)),
        }
    )
    return validate(TruthCells, table.with_columns(**columns))


def perfect(truth: pl.DataFrame) -> Found:
    """What an extraction and an inference without any fault find: footprints, calcium as dF/F, spikes as rates."""
    calcium = np.array(truth["calcium"].to_list(), np.float32)
    grid = np.arange(calcium.shape[1]) / RATE
    neuropil = np.random.default_rng(9).normal(100, 3, calcium.shape).astype(np.float32)
    count = len(truth)
    extraction = Extraction(
        [y.to_numpy() for y in truth["pixel_y"]],
        [x.to_numpy() for x in truth["pixel_x"]],
        [w.to_numpy() for w in truth["weight"]],
        np.ones(count, np.float32),
        np.ones(count, bool),
        100 * (1 + calcium),
        neuropil,
    )
    rates = [spike_counts(np.asarray(times), grid, RATE) * RATE for times in truth["spike_times"]]
    traces = fluorescence_table(extraction).with_columns(dff=list_column(calcium), noise_level=pl.lit(2.0, pl.Float32))
    spikes = pl.DataFrame({"roi": truth["roi"], "rate": list_column(np.array(rates, np.float32))})
    return Found(describe(extraction, SHAPE), traces, spikes)


def without(found: Found, roi: int) -> Found:
    """One ROI less."""
    return Found(*(table.filter(pl.col("roi") != roi) for table in (found.rois, found.traces, found.spikes)))


def transposed(table: pl.DataFrame, roi: int) -> pl.DataFrame:
    """A footprint with its sides exchanged, about its own centre."""
    row = table.row(roi, named=True)
    y, x = np.array(row["pixel_y"]), np.array(row["pixel_x"])
    centre = (y.min() + y.max()) // 2, (x.min() + x.max()) // 2
    new = {"pixel_y": centre[0] + x - centre[1], "pixel_x": centre[1] + y - centre[0]}
    return table.with_columns(
        ragged([values if i == roi else old.to_numpy() for i, old in enumerate(table[name])], pa.int32()).alias(name)
        for name, values in new.items()
    )
