"""Light from out of focus, as one-photon excitation gives it: told at each place by rings around it, and taken out.

In CNMF-E (Zhou et al. 2018) the background of a pixel is a weighted sum of the pixels in a ring around it, with weights
of its own. Here it is a weighted sum of the means over a few rings, with the same weights in the whole field and a gain
for each pixel: frames pass one after the other, and few numbers are fitted.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import fft

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.movies.file import create_movie

RADII, WIDTH = (1.0, 1.4, 2.0), 0.23
"""Cell diameters; radii of the rings, the first beyond the cell itself, and the standard deviation of their profile."""
BLOCKS = 3
"""Blocks per cell diameter in which the background is followed: it is smooth."""
LEARNT = 1000
"""Good frames, evenly spread, that the weights are fitted to."""
RIDGE = 1e-4
"""Share of the rings' variance that is added to it: they are much alike."""
LARGEST_GAIN = 2.0
"""Where there is next to no background, a cell may look like much of it."""
ACTIVE = 3.0
"""Standard deviations from its background beyond which a block is a cell's activity, and does not count in rings."""
EDGE, SEGMENT, COMPARED = 0.1, 16, 300
"""Share of the field in which filled lines are looked for, px of a part of a line, and frames that are compared."""
CHUNK_BYTES = 8 << 20
DTYPE = np.float32


@dataclass(frozen=True)
class Rings:
    """Means of the blocks (n, height, width) of frames over rings around each."""

    kernels: np.ndarray
    """(rings, ...) complex64, their spectra."""
    margin: int
    """Blocks by which frames are mirrored beyond their edges."""
    padded: tuple[int, int]

    @classmethod
    def of(cls, shape: Sequence[int], diameter: float) -> "Rings":
        """shape: blocks of a frame. diameter: of a cell, in blocks."""
        margin = min(int(np.ceil((RADII[-1] + 2 * WIDTH) * diameter)), *shape)
        padded = shape[0] + 2 * margin, shape[1] + 2 * margin
        y, x = (np.minimum(np.arange(size), size - np.arange(size)) for size in padded)
        away = np.hypot(y[:, None], x) / diameter
        rings = np.exp([-((away - radius) ** 2) / (2 * WIDTH**2) for radius in RADII])
        rings /= rings.sum(axis=(1, 2), keepdims=True)
        return cls(np.asarray(fft.rfft2(rings, axes=(1, 2)), np.complex64), margin, padded)

    def weighted(self, weights: FloatArray) -> "Rings":
        """The sum of the rings times their weights (rings,), as one."""
        return replace(self, kernels=np.tensordot(weights, self.kernels, 1)[None].astype(np.complex64))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """(n, rings, height, width)"""
        edge, (height, width) = self.margin, blocks.shape[1:]
        wide = np.pad(blocks, ((0, 0), (edge, edge), (edge, edge)), mode="symmetric")
        spectrum = np.asarray(fft.rfft2(wide, axes=(1, 2)))[:, None] * self.kernels
        means = np.asarray(fft.irfft2(spectrum, s=self.padded, axes=(2, 3)))
        return means[:, :, edge : edge + height, edge : edge + width]


@dataclass(frozen=True)
class Background:
    """What is known of a movie's background."""

    inner: tuple[slice, slice]
    """The part of the field that no frame lacks."""
    mean: FloatArray
    """(Y, X) of that part."""
    side: int
    """px of a block."""
    around: Rings
    """One, by which a block's background is told."""
    limit: FloatArray
    """(blocks, blocks) how far a block is from its background at rest."""
    gain: FloatArray
    """(Y, X) how much of the background of its block a pixel shows: a vessel in front of it shows less."""

    def changes(self, frames: IntArray) -> FloatArray:
        """(n, Y, X) float32, inner part of frames less its mean."""
        return frames[(slice(None), *self.inner)].astype(DTYPE) - self.mean

    def told(self, changes: FloatArray) -> FloatArray:
        """(n, Y, X) float32, the background's change in each pixel."""
        blocks = blocked(changes, self.side)
        first = self.around(blocks)[:, 0]
        quiet = np.clip(blocks, first - self.limit, first + self.limit)
        return self.gain * spread(self.around(quiet)[:, 0], self.side, changes.shape[1:])


def without_background(
    movie: Movie, bad_frames: BoolArray, diameter: float, path: Path, pool: Executor
) -> tuple[Movie, FloatArray]:
    """The movie (T, Y, X) without the changes of its background, written to `path` in its own integer type, and the
    mean (Y, X) of its good frames, which stays.

    Lines at the edges that some frames lack, because the field moved, have the mean throughout.

    diameter: px, of a cell.
    """
    good = np.flatnonzero(~bad_frames)
    known, mean = learn(movie, good, diameter, pool), _mean(movie, good, pool)
    flat, limits = create_movie(path, movie.shape, movie.dtype), np.iinfo(movie.dtype)
    still = np.rint(mean).astype(movie.dtype)

    def work(part: slice) -> None:
        frames = movie[part]
        even = np.broadcast_to(still, frames.shape).copy()
        changes = known.changes(frames)
        values = known.mean + changes - known.told(changes)
        even[(slice(None), *known.inner)] = np.clip(np.rint(values), limits.min, limits.max)
        flat[part] = even

    list(pool.map(work, _parts(movie, len(movie))))
    return flat, mean


def learn(movie: Movie, good: IntArray, diameter: float, pool: Executor) -> Background:
    """Fit the background of a movie to some of its good frames. diameter: px, of a cell."""
    chosen = spaced(good, LEARNT)
    inner, side = complete(movie, chosen), max(1, round(diameter / BLOCKS))
    mean = _mean(movie, chosen, pool)[inner].astype(DTYPE)
    light = blocked(mean[None], side)[0]
    rings, none = Rings.of(light.shape, diameter / side), np.zeros_like(light)
    known = Background(inner, mean, side, rings, none, np.ones_like(mean))
    parts = [chosen[part] for part in _parts(movie, len(chosen))]

    def weighed(frames: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        seen = blocked(known.changes(movie[frames]), side)
        around = rings(seen)
        products = np.einsum("nkyx,nlyx->klyx", around, around), np.einsum("nkyx,nyx->kyx", around, seen)
        return *products, np.square(seen).sum(axis=0)

    gram, product, power = _summed(pool.map(weighed, parts))
    weights = _solved(gram, product, power)
    explained = 2 * np.tensordot(weights, product, 1) - np.einsum("k,klyx,l->yx", weights, gram, weights)
    noise = np.sqrt(np.maximum(power - explained, 0) / len(chosen))
    # Most blocks are at rest, and noise is that of their light.
    light = np.sqrt(light - light.min() + 1)
    limit = ACTIVE * light * np.median(noise / light)
    resting = replace(known, around=rings.weighted(weights), limit=limit.astype(DTYPE))

    def compared(frames: IntArray) -> tuple[FloatArray, FloatArray]:
        changes = resting.changes(movie[frames])
        told = resting.told(changes)
        return (changes * told).sum(axis=0), np.square(told).sum(axis=0)

    product, power = _summed(pool.map(compared, parts))
    return replace(resting, gain=np.clip(product / np.maximum(power, 1e-9), 0, LARGEST_GAIN).astype(DTYPE))


def _summed(parts: Iterator[tuple[FloatArray, ...]]) -> list[FloatArray]:
    """Sums of what each part gives, float64, in their order."""
    total: list[FloatArray] = [np.asarray(first, np.float64) for first in next(parts)]
    for part in parts:
        total = [so_far + one for so_far, one in zip(total, part, strict=True)]
    return total


def _solved(gram: FloatArray, product: FloatArray, power: FloatArray) -> FloatArray:
    """(rings,) weights by least squares over the blocks of the field, in which each block counts the same: a bright
    cell says nothing of the background."""
    each = 1 / np.maximum(power, 1e-9)
    gram, product = (gram * each).mean(axis=(2, 3)), (product * each).mean(axis=(1, 2))
    return np.linalg.solve(gram + RIDGE * np.trace(gram) * np.eye(len(gram)) + 1e-9 * np.eye(len(gram)), product)


def complete(movie: Movie, frames: IntArray) -> tuple[slice, slice]:
    """The part of the field that no frame lacks: what registration fills in is the same in several frames."""
    chosen = spaced(frames, COMPARED)
    found = []
    for axis, size in enumerate(movie.shape[1:]):
        most = max(1, round(EDGE * size))
        bands = slice(0, most), slice(size - most, size)
        first, last = (_lines(movie, chosen, axis, band) for band in bands)
        found.append(slice(_lacking(first), size - _lacking(last[::-1])))
    return found[0], found[1]


def _lines(movie: Movie, frames: IntArray, axis: int, band: slice) -> IntArray:
    """(lines, frames, px) of a band along an edge."""
    return np.stack([np.moveaxis(movie[frame], axis, 0)[band] for frame in frames.tolist()], axis=1)


def _lacking(lines: IntArray) -> int:
    """How many lines from the edge on are repeated in part."""
    whole = [not _repeated(line) for line in lines]
    return whole.index(True) if any(whole) else len(lines)


def _repeated(line: IntArray) -> bool:
    """Whether some part of a line (frames, px) is the same in two frames."""
    starts = range(0, line.shape[1] - SEGMENT + 1, SEGMENT)
    return any(len(np.unique(line[:, start : start + SEGMENT], axis=0)) < len(line) for start in starts)


def spaced(frames: IntArray, most: int) -> IntArray:
    """At most so many of the frames, evenly spaced."""
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int))]


def _mean(movie: Movie, frames: IntArray, pool: Executor) -> FloatArray:
    """(Y, X)"""
    parts = pool.map(lambda part: movie[frames[part]].sum(axis=0, dtype=np.float64), _parts(movie, len(frames)))
    return sum(parts, np.zeros(movie.shape[1:])) / len(frames)


def _parts(movie: Movie, count: int) -> list[slice]:
    size = max(1, CHUNK_BYTES // (4 * movie.shape[1] * movie.shape[2]))
    return [slice(start, start + size) for start in range(0, count, size)]


def blocked(images: FloatArray, side: int) -> FloatArray:
    """(n, a, b) means of images (n, Y, X) over blocks; the last are filled up with the edge."""
    height, width = (-size % side for size in images.shape[1:])
    filled = np.pad(images, ((0, 0), (0, height), (0, width)), mode="edge")
    rows, columns = filled.shape[1] // side, filled.shape[2] // side
    return filled.reshape(len(images), rows, side, columns, side).mean(axis=(2, 4))


def spread(blocks: FloatArray, side: int, shape: Sequence[int]) -> FloatArray:
    """(n, Y, X) of `shape`, interpolated linearly between the centres of blocks (n, a, b)."""
    for axis, size in ((1, shape[0]), (2, shape[1])):
        at = np.clip((np.arange(size) + 0.5) / side - 0.5, 0, max(blocks.shape[axis] - 1, 0))
        left = np.minimum(at.astype(int), max(blocks.shape[axis] - 2, 0))
        right = np.minimum(left + 1, blocks.shape[axis] - 1)
        share = (at - left).astype(DTYPE).reshape((-1, 1) if axis == 1 else -1)
        blocks = np.take(blocks, left, axis) * (1 - share) + np.take(blocks, right, axis) * share
    return blocks
