"""Displacements between blocks, and the one interpolation that moves raw pixels: the same for every motion backend."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tables import stack

EDGE = 1 + 1e-6
"""Where the field ends in normalised coordinates, with room for rounding."""


@dataclass(frozen=True)
class Blocks:
    """A regular grid of blocks, row by row: block (i, j) has its centre at (y[i], x[j]) px.

    Displacements are bilinear between centres and constant beyond the outermost.
    """

    y: FloatArray
    """(rows,) px; empty when motion is rigid."""
    x: FloatArray
    """(columns,) px."""

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
    if not blocks.count:
        return np.broadcast_to(rigid, (2, shifts.height, *np.shape(y))).astype(np.float32)
    above, left = _between(blocks.y, np.ravel(y)), _between(blocks.x, np.ravel(x))
    beyond = [
        np.einsum("pi,tij,pj->tp", above, blocks.grid(stack(shifts[name])), left, optimize=True)
        for name in ("block_y", "block_x")
    ]
    return (rigid + np.stack(beyond).reshape(2, -1, *np.shape(y))).astype(np.float32)


def _between(centres: FloatArray, places: FloatArray) -> FloatArray:
    """Weights (places, centres) of linear interpolation, constant beyond the outermost centres."""
    return np.stack([np.interp(places, centres, unit) for unit in np.eye(len(centres))], axis=1).astype(np.float32)


def move_frames(
    raw: IntArray,
    rigid: tuple[FloatArray, FloatArray],
    beyond: tuple[FloatArray, FloatArray],
    blocks: Blocks,
    fill: IntArray,
) -> IntArray:
    """moved[t, p] = raw[t, p + e(t, p)] for raw frames (n, height, width); pixels from outside the field are `fill`.

    rigid: y and x (n,) px. beyond: y and x (n, blocks) px. Whole pixels are copied, others bilinear and rounded.
    """
    whole = [np.rint(shift).astype(int) for shift in rigid]
    if not blocks.count and all(np.array_equal(a, b) for a, b in zip(whole, rigid, strict=True)):
        return _whole_pixels(raw, whole[0], whole[1], fill)
    height, width = fill.shape
    field = np.stack([np.broadcast_to(shift[:, None, None], (len(raw), 1, 1)) for shift in rigid], axis=1)
    if blocks.count:
        above, left = _between(blocks.y, np.arange(height)), _between(blocks.x, np.arange(width))
        field = field + np.stack([above @ blocks.grid(part) @ left.T for part in beyond], axis=1)
    return _bilinear(raw, field.astype(np.float32), fill)


def _whole_pixels(raw: IntArray, y: IntArray, x: IntArray, fill: IntArray) -> IntArray:
    height, width = fill.shape
    moved = np.repeat(fill[None], len(raw), axis=0)
    for frame, out, dy, dx in zip(raw, moved, y, x, strict=True):
        rows, columns = slice(max(0, -dy), min(height, height - dy)), slice(max(0, -dx), min(width, width - dx))
        out[rows, columns] = frame[max(0, dy) : min(height, height + dy), max(0, dx) : min(width, width + dx)]
    return moved


def _bilinear(raw: IntArray, field: FloatArray, fill: IntArray) -> IntArray:
    import torch
    from torch.nn import functional

    height, width = fill.shape
    displaced = torch.from_numpy(field)
    # grid_sample's coordinates: -1 and 1 are the centres of the first and last pixel.
    along_y = torch.linspace(-1, 1, height)[:, None] + displaced[:, 0] * (2 / (height - 1))
    along_x = torch.linspace(-1, 1, width) + displaced[:, 1] * (2 / (width - 1))
    grid = torch.stack((along_x.expand(-1, height, width), along_y.expand(-1, height, width)), dim=-1)
    pixels = torch.from_numpy(raw.astype(exact_float(raw.dtype)))[:, None]
    moved = functional.grid_sample(
        pixels, grid.to(pixels.dtype), mode="bilinear", padding_mode="border", align_corners=True
    )[:, 0]
    outside = ((along_y.abs() > EDGE) | (along_x.abs() > EDGE)).numpy()
    return np.where(outside, fill, as_integers(moved.numpy(), fill.dtype))


def exact_float(integer: np.dtype) -> type[np.floating]:
    """The float type that holds every value of `integer`."""
    return np.float32 if integer.itemsize <= 2 else np.float64


def as_integers(values: FloatArray, dtype: np.dtype) -> IntArray:
    """Nearest integers of `dtype`."""
    limits = np.iinfo(dtype)
    return np.rint(values).clip(limits.min, limits.max).astype(dtype)
