"""Displacements between blocks, and the one interpolation that moves raw pixels: the same for every motion backend."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tables import stack


@dataclass(frozen=True)
class Blocks:
    """A regular grid of blocks, row by row: block (i, j) has its centre at (y[i], x[j]) px.

    Displacements are bilinear between centres and constant beyond the outermost.
    """

    y: FloatArray
    """(rows,) px; empty when motion is rigid."""
    x: FloatArray
    """(columns,) px."""
    scan_offset: float = 0.0
    """px; displacement along x of every second line of the raw frame, which is scanned backwards."""

    @property
    def count(self) -> int:
        return len(self.y) * len(self.x)

    def grid(self, values: FloatArray) -> FloatArray:
        """(frames, blocks) as (frames, rows, columns)."""
        return np.asarray(values).reshape(-1, len(self.y), len(self.x))


RIGID = Blocks(np.zeros(0, np.float32), np.zeros(0, np.float32))
"""No blocks."""


def estimated_displacement(shifts: pl.DataFrame, blocks: Blocks, y: FloatArray, x: FloatArray) -> FloatArray:
    """e(t, p) of the table Shifts at the places p = (y, x), px, of a registered frame: (2, n_frames, *y.shape).

    registered[t, p] = raw[t, p + e(t, p)].
    """
    rigid = shifts.select("y", "x").to_numpy().T
    rigid = rigid.reshape(2, -1, *(1,) * np.ndim(y))
    found = np.array(np.broadcast_to(rigid, (2, shifts.height, *np.shape(y))), np.float32)
    if blocks.count:
        found += _beyond(shifts, blocks, y, x)
    if blocks.scan_offset:
        found[1] += blocks.scan_offset * (np.rint(y + found[0]).astype(int) % 2)
    return found


def _beyond(shifts: pl.DataFrame, blocks: Blocks, y: FloatArray, x: FloatArray) -> FloatArray:
    """(2, n_frames, *y.shape) px, nonrigid."""
    above, left = _between(blocks.y, np.ravel(y)), _between(blocks.x, np.ravel(x))
    beyond = [
        np.einsum("pi,tij,pj->tp", above, blocks.grid(stack(shifts[name])), left, optimize=True)
        for name in ("block_y", "block_x")
    ]
    return np.stack(beyond).reshape(2, -1, *np.shape(y)).astype(np.float32)


def _between(centres: FloatArray, places: FloatArray) -> FloatArray:
    """Weights (places, centres) of linear interpolation, constant beyond the outermost centres."""
    return np.stack([np.interp(places, centres, unit) for unit in np.eye(len(centres))], axis=1).astype(np.float32)


def move_frames(
    raw: np.ndarray,
    rigid: tuple[FloatArray, FloatArray],
    beyond: tuple[FloatArray, FloatArray],
    blocks: Blocks,
    fill: np.ndarray,
) -> np.ndarray:
    """moved[t, p] = raw[t, p + e(t, p)] for raw frames (n, height, width); pixels from outside the field are `fill`.

    rigid: y and x (n,) px. beyond: y and x (n, blocks) px. Bilinear; integers are rounded.
    Frames are moved one by one: how many are given at once changes nothing.
    """
    # Compiled: slow to import, and the config imports this module.
    from groundtrace.motion.kernels import bilinear, bilinear_rigid

    moved, rounded = np.empty_like(raw), raw.dtype.kind != "f"
    if not blocks.count and not blocks.scan_offset:
        bilinear_rigid(raw, moved, np.stack(rigid, axis=1).astype(np.float64), fill, rounded)
        return moved
    if blocks.count:
        total = [r[:, None, None] + blocks.grid(b) for r, b in zip(rigid, beyond, strict=True)]
        places = blocks.y, blocks.x
    else:
        total = [np.asarray(r)[:, None, None] for r in rigid]
        places = np.zeros(1), np.zeros(1)
    grid = np.stack(total, axis=1).astype(np.float32)
    rows, columns = (_cells(centres, size) for centres, size in zip(places, fill.shape, strict=True))
    bilinear(raw, moved, grid, rows, columns, np.float32(blocks.scan_offset), fill, rounded)
    return moved


def _cells(centres: FloatArray, size: int) -> tuple[IntArray, IntArray, FloatArray, IntArray, IntArray]:
    """Of each pixel along an axis: the centres before and after it, the weight of the latter, and the last pixel of its
    cell (between the same two centres); and where cells start (cells + 1,)."""
    place = np.interp(np.arange(size), centres, np.arange(len(centres)))
    before = np.minimum(place.astype(np.int64), max(len(centres) - 2, 0))
    starts = np.append(np.flatnonzero(np.diff(before, prepend=-1)), size)
    ends = np.repeat(starts[1:] - 1, np.diff(starts))
    return before, np.minimum(before + 1, len(centres) - 1), (place - before).astype(np.float32), starts, ends


def exact_float(integer: np.dtype) -> type[np.floating]:
    """The float type that holds every value of `integer`."""
    return np.float32 if integer.itemsize <= 2 else np.float64


def as_integers(values: FloatArray, dtype: np.dtype) -> IntArray:
    """Nearest integers of `dtype`."""
    limits = np.iinfo(dtype)
    return np.rint(values).clip(limits.min, limits.max).astype(dtype)
