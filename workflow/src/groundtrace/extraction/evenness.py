"""Stretches of a recording, and a movie whose brightness steps between them as if it never had."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.traces.light import watch

BLOCKS, ROWS = 16, 64
"""Blocks of the field along each side whose brightness is followed, and rows, evenly spaced, that are read for it."""
SECONDS_PER_DECAY = 0.6
"""What a decay of the movie's activity counts for where steps are told from activity by how fast they are."""
QUIET = 20.0
"""Percentile of a block over a stretch by which stretches are compared."""
LOW, DIMMEST = 5.0, 0.4
"""Percentile over time of the brightness of the field, and the share of the usual light that it has at least. Where the
field is even and steps are large, neither its pixels nor their noise tell where zero lies."""
UNEVEN = 0.02
"""Change of brightness above dark from which a movie is made even."""
SURE = 0.03
"""Standard error of a slope up to which it tells gain from offset; else the offset is taken for the dark level's."""
ROUNDS = 10


@dataclass(frozen=True)
class Even:
    """A movie (T, Y, X) read as (frame - level) / gain, float32."""

    movie: Movie
    gain: FloatArray
    """(n_frames,) float32; its mean over time is about 1."""
    level: FloatArray
    """(n_frames,) float32, detector units."""
    steps: IntArray
    """First good frames of its stretches, by their place among the good ones."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.movie.shape

    def __len__(self) -> int:
        return len(self.movie)

    def __getitem__(self, which: IntArray) -> NDArray[Any]:
        """Frames by their numbers."""
        frames = self.movie[which].astype(np.float32)
        frames -= self.level[which, None, None]
        frames /= self.gain[which, None, None]
        return frames

    def __setitem__(self, which: Any, frames: Any) -> None:
        raise TypeError("an even movie is only read")


def stretches(borders: IntArray, count: int) -> list[slice]:
    """Parts of `count` frames that begin at each border."""
    return [slice(int(start), int(stop)) for start, stop in pairwise([0, *borders, count])]


def block_means(frames: NDArray[Any]) -> FloatArray:
    """(n, blocks) float32 brightness of blocks of frames (n, Y, X), from some of their rows."""
    some = frames[:, :: max(1, frames.shape[1] // ROWS)].astype(np.float32)
    rows, columns = (np.unique(np.linspace(0, side, BLOCKS, endpoint=False).astype(int)) for side in some.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(some, rows, axis=1), columns, axis=2)
    sizes = np.outer(np.diff([*rows, some.shape[1]]), np.diff([*columns, some.shape[2]]))
    return (sums / sizes).reshape(len(frames), -1).astype(np.float32)


def made_even(
    movie: Movie, good: IntArray, segment: IntArray, blocks: FloatArray, dark: float, decay: float
) -> Even | None:
    """`movie` at one brightness; None where its brightness does not step.

    good: numbers of the good frames. segment: their stretches without a gap or a border of files. blocks: (n_good,
    blocks) brightness, detector units. dark: detector units without light. decay: frames, of activity.
    """
    common = np.median(blocks, axis=1)
    usual, low = float(np.median(common)), float(np.percentile(common, LOW))
    dark = min(dark, (low - DIMMEST * usual) / (1 - DIMMEST))
    light = np.ascontiguousarray(blocks.T) - np.float32(dark)
    seen = watch([light], decay / SECONDS_PER_DECAY, np.zeros(len(good), bool), segment)
    parts = stretches(seen.steps, len(good))
    if len(parts) < 2:
        return None
    width = max(1, round(decay / 3))
    levels = np.stack([_quiet(light[:, part], width) for part in parts])
    usual = np.average(levels, axis=0, weights=[part.stop - part.start for part in parts])
    lit = usual > 0.1 * np.median(usual)
    found = [_line(usual[lit], level[lit]) for level in levels]
    uneven = [np.median(np.abs(level[lit] / usual[lit] - 1)) for level in levels]
    if max(uneven) < UNEVEN:
        return None
    gain, level = np.ones(len(movie), np.float32), np.zeros(len(movie), np.float32)
    for part, (slope, above) in zip(stretches(good[seen.steps], len(movie)), found, strict=True):
        gain[part], level[part] = slope, above + dark * (1 - slope)
    return Even(movie, gain, level, seen.steps)


def _quiet(light: FloatArray, width: int) -> FloatArray:
    """(blocks,) brightness of a stretch (blocks, n_frames) while little is active; width: frames, averaged."""
    frames = light.shape[1]
    edges = np.arange(max(1, frames // width)) * frames // max(1, frames // width)
    means = np.add.reduceat(light, edges, axis=1) / np.diff([*edges, frames])
    return np.percentile(means, QUIET, axis=1)


def _line(usual: FloatArray, level: FloatArray) -> tuple[float, float]:
    """Slope and value at no light of the line of a stretch's blocks on those of the whole; active ones weigh little."""
    ratio = float(np.median(level / usual))
    weight = np.ones_like(usual)
    slope, start, error = ratio, 0.0, np.inf
    for _ in range(ROUNDS):
        middle, height = np.average(usual, weights=weight), np.average(level, weights=weight)
        power = (weight * (usual - middle) ** 2).sum()
        if power <= 0:
            break
        slope = float((weight * (usual - middle) * (level - height)).sum() / power)
        start = float(height - slope * middle)
        rest = level - start - slope * usual
        scale = max(1.4826 * float(np.median(np.abs(rest))), 1e-9)
        error = scale / np.sqrt(power)
        weight = 1 / np.maximum(np.abs(rest) / scale, 1)
    return (slope, start) if error < SURE * ratio and slope > 0 else (ratio, 0.0)
