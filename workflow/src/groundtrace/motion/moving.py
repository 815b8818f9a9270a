"""Where tissue was, and the one interpolation that moves raw pixels there: the same for every motion backend."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from groundtrace.arrays import FloatArray, IntArray, Movie

if TYPE_CHECKING:
    import polars as pl

BATCH_BYTES = 4 << 20
"""Size of the frames that are moved at a time; it changes no result."""
MEAN_FRAMES = 300


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


@dataclass(frozen=True)
class Displacement:
    """Where the tissue was in each frame: registered[t, p] = raw[t, p + e(t, p)].

    e is (y, x) and, between the centres of blocks, (block_y, block_x) more.
    """

    y: FloatArray
    """(n_frames,) rigid displacement of the frame's content, px, positive down."""
    x: FloatArray
    """(n_frames,) px, positive right."""
    block_y: FloatArray
    """(n_frames, n_blocks) nonrigid displacement beyond `y`, px; n_blocks = 0 when rigid."""
    block_x: FloatArray
    """(n_frames, n_blocks) px."""
    blocks: Blocks = RIGID
    """Where the blocks are."""

    @classmethod
    def rigid(cls, y: FloatArray, x: FloatArray, blocks: Blocks = RIGID) -> Self:
        """Displacement of whole frames. y, x: (n_frames,) px. blocks: none, where odd lines are displaced."""
        none = np.zeros((len(y), 0), np.float32)
        return cls(y, x, none, none, blocks)

    @classmethod
    def of(cls, shifts: "pl.DataFrame", blocks: Blocks) -> Self:
        """From the table Shifts."""
        from groundtrace.tables import stack

        y, x = shifts["y"].to_numpy(), shifts["x"].to_numpy()
        return (
            cls(y, x, stack(shifts["block_y"]), stack(shifts["block_x"]), blocks)
            if blocks.count
            else cls.rigid(y, x, blocks)
        )

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, part: slice) -> "Displacement":
        """Displacement of some of the frames."""
        return Displacement(self.y[part], self.x[part], self.block_y[part], self.block_x[part], self.blocks)

    def single(self) -> "Displacement":
        """In single precision, as it is written."""
        y, x, block_y, block_x = (np.asarray(part, np.float32) for part in (self.y, self.x, self.block_y, self.block_x))
        return Displacement(y, x, block_y, block_x, self.blocks)

    def at(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """e(t, p) at the places p = (y, x), px, of registered frames: (2, n_frames, *y.shape)."""
        rigid = np.stack([self.y, self.x]).reshape(2, -1, *(1,) * np.ndim(y))
        found = np.array(np.broadcast_to(rigid, (2, len(self), *np.shape(y))), np.float32)
        if self.blocks.count:
            found += self._beyond(y, x)
        if self.blocks.scan_offset:
            found[1] += self.blocks.scan_offset * (np.rint(y + found[0]).astype(int) % 2)
        return found

    def _beyond(self, y: FloatArray, x: FloatArray) -> FloatArray:
        """(2, n_frames, *y.shape) px, nonrigid."""
        above, left = _between(self.blocks.y, np.ravel(y)), _between(self.blocks.x, np.ravel(x))
        beyond = [
            np.einsum("pi,tij,pj->tp", above, self.blocks.grid(part), left, optimize=True)
            for part in (self.block_y, self.block_x)
        ]
        return np.stack(beyond).reshape(2, -1, *np.shape(y)).astype(np.float32)


def _between(centres: FloatArray, places: FloatArray) -> FloatArray:
    """Weights (places, centres) of linear interpolation, constant beyond the outermost centres."""
    return np.stack([np.interp(places, centres, unit) for unit in np.eye(len(centres))], axis=1).astype(np.float32)


def move_frames(raw: np.ndarray, displacement: Displacement, fill: np.ndarray) -> np.ndarray:
    """moved[t, p] = raw[t, p + e(t, p)] for raw frames (n, height, width); pixels from outside the field are `fill`.

    displacement: of these frames. fill: (height, width). Bilinear; integers are rounded.
    Frames are moved one by one: how many are given at once changes nothing.
    """
    # Compiled: slow to import, and the config imports this module.
    from groundtrace.motion.kernels import bilinear, bilinear_rigid

    moved, rounded = np.empty_like(raw), raw.dtype.kind != "f"
    blocks, rigid = displacement.blocks, (displacement.y, displacement.x)
    if not blocks.count and not blocks.scan_offset:
        bilinear_rigid(raw, moved, np.stack(rigid, axis=1).astype(np.float64), fill, rounded)
        return moved
    if blocks.count:
        beyond = displacement.block_y, displacement.block_x
        total = [r[:, None, None] + blocks.grid(b) for r, b in zip(rigid, beyond, strict=True)]
        places = blocks.y, blocks.x
    else:
        total = [np.asarray(r)[:, None, None] for r in rigid]
        places = np.zeros(1), np.zeros(1)
    grid = np.stack(total, axis=1).astype(np.float32)
    rows, columns = (_cells(centres, size) for centres, size in zip(places, fill.shape, strict=True))
    bilinear(raw, moved, grid, rows, columns, np.float32(blocks.scan_offset), fill, rounded)
    return moved


def move_movie(movie: Movie, registered: Movie, displacement: Displacement) -> FloatArray:
    """Fill `registered` with `movie` moved by known displacements (see `move_frames`), and return the mean (Y, X) of
    MEAN_FRAMES of its frames, which fills what lies outside the field."""
    total, seen = np.zeros(movie.shape[1:]), np.zeros(movie.shape[1:])
    outside = np.full(movie.shape[1:], np.nan, np.float32)

    def moved(part: slice, fill: np.ndarray) -> np.ndarray:
        return move_frames(movie[part].astype(fill.dtype, copy=False), displacement[part], fill)

    for i in np.linspace(0, len(movie), min(MEAN_FRAMES, len(movie)), endpoint=False, dtype=int):
        values = moved(slice(i, i + 1), outside)[0]
        inside = np.isfinite(values)
        total[inside] += values[inside]
        seen += inside
    mean = np.where(seen > 0, total / np.maximum(seen, 1), total.sum() / max(seen.sum(), 1)).astype(np.float32)
    fill, size = as_integers(mean, movie.dtype), max(1, BATCH_BYTES // movie[0].nbytes)
    for start in range(0, len(movie), size):
        part = slice(start, min(start + size, len(movie)))
        registered[part] = moved(part, fill)
    return mean


def _cells(centres: FloatArray, size: int) -> tuple[IntArray, IntArray, FloatArray, IntArray, IntArray]:
    """Cells between neighbouring centres. For each pixel along an axis: the centres before and after it, the weight of
    the latter, and the last pixel of its cell; and where cells start (cells + 1,)."""
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
