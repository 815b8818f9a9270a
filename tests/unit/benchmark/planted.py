"""A small simulated plane made by hand: its truth, and what perfect methods would find in it."""

import numpy as np
import polars as pl
import pyarrow as pa

from groundtrace.benchmark.recipes import Found
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.motion.moving import Blocks
from groundtrace.motion.tables import Shifts
from groundtrace.simulation.tables import TruthCells, TruthShifts
from groundtrace.tables import list_column, ragged
from tests.tables import example

SHAPE = (80, 96)
RATE = 10.0


def true_shifts(y, x, nodes=None, rows=None, z=None, moving=(), dropped=()) -> pl.DataFrame:
    """TruthShifts of one plane; nodes: (n, 2, side²), rows: (n, 2, height), px."""
    n = len(y)
    nodes = np.zeros((n, 2, 0)) if nodes is None else nodes
    rows = np.zeros((n, 2, SHAPE[0])) if rows is None else rows
    return example(
        TruthShifts,
        plane=0,
        y=np.asarray(y),
        x=np.asarray(x),
        z=0.0 if z is None else np.asarray(z),
        row_y=rows[:, 0],
        row_x=rows[:, 1],
        node_y=nodes[:, 0],
        node_x=nodes[:, 1],
        moving=np.isin(np.arange(n), moving),
        dropped=np.isin(np.arange(n), dropped),
    )


def found_shifts(y, x, block_y=None, block_x=None, bad=()) -> pl.DataFrame:
    """Shifts of one plane; blocks: (n, n_blocks) px."""
    blocks = {} if block_y is None else {"block_y": np.asarray(block_y), "block_x": np.asarray(block_x)}
    marked = np.isin(np.arange(len(y)), bad)
    return example(Shifts, y=np.asarray(y), x=np.asarray(x), bad=marked, reason=np.where(marked, "jump", ""), **blocks)


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
    footprints = [ellipse(y, x, 3, 8) for y, x in PLACES]
    times = [np.sort(generator.uniform(0, frames / RATE, 30)) for _ in PLACES]
    kernel = np.exp(-np.arange(30) / 5)
    grid = np.arange(frames) / RATE
    calcium = [np.convolve(spike_counts(t, grid, RATE), kernel)[:frames] for t in times]
    return example(
        TruthCells,
        pixel_y=[y for y, *_ in footprints],
        pixel_x=[x for _, x, _ in footprints],
        weight=[w for *_, w in footprints],
        plane=0,
        kind="soma",
        depth=0.0,
        brightness=100.0,
        detectability=20.0,
        rate=0.75,
        spikes=30,
        spike_times=times,
        loading=np.zeros((len(PLACES), 1)),
        calcium=np.array(calcium),
    ).with_columns(**columns)


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
