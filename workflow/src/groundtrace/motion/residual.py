"""How much motion a registration left, px, from the raw frames: errors that follow a frame's own noise count, too.

Where the tissue is in a block of a frame is measured twice, from two halves of its pixels: m = u + noise, with
independent noise. Against the displacement e that the backend found, d = m - e; the mean product of both halves' d is
free of their noise S. What it lacks is the part of the backend's error that was fitted to this very noise, and for
which every measure on the same frames is blind: E(e - u)² = E d d' + 2 E(e · noise). A share κ of the noise enters e,
none in a movie that was left alone and all of it in a least-squares fit. It is the regression of e on m, mode by mode
in space and time: E(e · noise) = Σ κ S.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.motion.moving import Displacement, move_frames
from groundtrace.motion.phase.blocks import Fit, Grid
from groundtrace.motion.phase.filters import Excess, Limits
from groundtrace.motion.phase.registration import measured_from
from groundtrace.motion.phase.smoothing import Prior
from groundtrace.motion.phase.stretches import Reader
from groundtrace.motion.phase.template import CLEARLY, SMOOTHING, SURE, Matcher, noise_floor, rest, without_noise

WINDOWS, WINDOW_FRAMES = 12, 32
"""Stretches, evenly spread, on which residual motion is measured, and the frames of each."""
TEMPLATE_FRAMES = 300
SIDES, TILE = (32, 64), 16
"""px, about, of a block, the first in which displacements are clear, and of the tiles that are in its one and other
half in turn: a cell is in one half."""
CLEAR = 0.2
"""px², error variance of a half."""
NOISE_FRAMES = 100
REACH = 0.2
"""How far from where it was found the tissue is looked for, as a fraction of the field."""
ASTRAY = 2.0
"""px; from which a frame counts as found elsewhere."""
BANDS = 8
"""Bands of temporal frequency over which κ is averaged."""


@dataclass(frozen=True)
class Residual:
    """Motion that is left in registered frames, px."""

    motion: float | None
    """Root mean square over field and good frames; None when the movie does not tell."""
    worst: float | None
    """95th percentile over stretches of the same."""


def residual_motion(movie: Movie, found: Displacement, good: BoolArray) -> Residual:
    """movie: raw, (T, Y, X). found: how a backend moved it. good: (T,) frames that count."""
    windows = _windows(good)
    if not len(windows):
        return Residual(None, None)
    # A frame in the template would be found where it was put: its noise lies there, too.
    others = np.setdiff1d(np.flatnonzero(good), windows)
    ruler = _Ruler.of(movie, found, others)
    halves, own = ruler.measure(movie, found, windows.ravel())
    shape = (*windows.shape, *ruler.grid_shape, 2)
    first, second, e = (values.reshape(shape) for values in (*halves, own))
    left = [half - e for half in (first, second)]
    left = [half - np.median(half, axis=(0, 1)) for half in left]
    fitted = _fitted((first + second) / 2, e, (first - second) / 2)
    square = (left[0] * left[1]).sum(axis=-1).mean(axis=(1, 2, 3))
    root = np.sqrt(np.maximum(square + 2 * fitted, 0))
    return Residual(float(np.sqrt(max(square.mean() + 2 * fitted, 0))), float(np.percentile(root, 95)))


def _windows(good: BoolArray) -> IntArray:
    """(windows, frames) numbers of consecutive good frames."""
    indices = np.flatnonzero(good)
    length = min(WINDOW_FRAMES, len(indices) // 2)
    if length < 4:
        return np.zeros((0, 0), int)
    count = int(np.clip(len(indices) // (2 * length), 1, WINDOWS))
    starts = np.linspace(0, len(indices) - length, count, dtype=int)
    return indices[starts[:, None] + np.arange(length)]


def _fitted(m: FloatArray, e: FloatArray, apart: FloatArray) -> float:
    """E(e · noise) px², the sum of both axes: (windows, frames, rows, columns, 2) displacements, and half of the
    difference between the halves."""
    axes = (1, 2, 3)
    m, e, apart = (np.asarray(fft.dctn(v - v.mean(axis=(0, 1)), axes=axes, norm="ortho")) for v in (m, e, apart))
    fitted, frames = 0.0, m.shape[1]
    for band in np.array_split(np.arange(frames), min(BANDS, frames)):
        em, mm, noise = ((a[:, band] * b[:, band]).mean(axis=(0, 1, 4)) for a, b in ((e, m), (m, m), (apart, apart)))
        fitted += len(band) / frames * float((em / np.maximum(mm, 1e-12) * noise).mean())
    return 2 * fitted


@dataclass(frozen=True)
class _Ruler:
    """Measures where tissue is, in raw frames, against the mean of registered ones."""

    reader: Reader
    matcher: Matcher
    fits: list[Fit]
    prior: Prior

    @classmethod
    def of(cls, movie: Movie, found: Displacement, which: IntArray) -> "_Ruler":
        """which: frames for the mean."""
        indices = which[np.linspace(0, len(which), min(TEMPLATE_FRAMES, len(which)), endpoint=False, dtype=int)]
        raw, shape = movie[indices], movie.shape[1:]
        reach = round(REACH * min(shape))
        limits = Limits.of(raw, reach // 2)
        background = Excess.of(rest(limits(raw), np.zeros((len(raw), 2), int))).background
        reader = Reader(movie, limits, background, found.blocks.scan_offset)
        frames = reader.ready(raw).astype(np.float32)
        moved = move_frames(frames, _straight(found, indices), np.full(shape, np.nan, np.float32))
        seen = np.isfinite(moved)
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen.any(axis=0), np.where(seen, moved, 0).sum(axis=0) / count, np.nanmean(moved))
        noise = np.where(seen, moved - mean, 0).astype(np.float32)
        variance = noise_floor((noise**2).sum(axis=0) / count)
        mean = mean.astype(np.float32)
        excess, template = Excess.of(noise), without_noise(mean, variance, len(indices))
        fits = _halves(template, variance, Grid.over(shape, SIDES[0]), noise, excess)
        if np.median([fit.error for fit in fits]) > CLEAR:
            fits = _halves(template, variance, Grid.over(shape, SIDES[1]), noise, excess)
        matcher = Matcher.of(gaussian_filter(mean, SMOOTHING), variance, reach, excess)
        return cls(reader, matcher, fits, Prior())

    @property
    def grid_shape(self) -> tuple[int, int]:
        grid = self.fits[0].grid
        return len(grid.edges_y) - 1, len(grid.edges_x) - 1

    def measure(
        self, movie: Movie, found: Displacement, which: IntArray
    ) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
        """Displacements (n, blocks, 2) px of frames `which` from either half of the pixels, and those found."""
        places = self.fits[0].grid.places()
        own = np.moveaxis(_straight(found, which).at(*places.T), 0, 2).astype(np.float64)
        halves = [np.empty_like(own) for _ in self.fits]
        for start in range(0, len(which), 16):
            part = slice(start, start + 16)
            frames = self.reader.at(which[part])
            begin = own[part].copy()
            shifts, share = self.matcher.locate(frames)
            away = shifts - begin.mean(axis=1)
            astray = (np.hypot(*away.T) > ASTRAY) & (share > SURE * np.median(share))
            for frame in np.flatnonzero(astray):
                _, (here,) = self.matcher.locate(frames[frame : frame + 1], begin[frame].mean(axis=0), ASTRAY)
                # A bright transient that lies upon another cell is no reason to look there.
                astray[frame] = share[frame] > CLEARLY * here
            begin[astray] += away[astray][:, None]
            for half, fit in zip(halves, self.fits, strict=True):
                half[part] = measured_from(frames, fit, self.prior, begin)
        return (halves[0], halves[1]), own


def _straight(found: Displacement, which: IntArray) -> Displacement:
    """Displacements of frames whose odd lines have been moved back."""
    blocks = replace(found.blocks, scan_offset=0.0)
    return Displacement(found.y[which], found.x[which], found.block_y[which], found.block_x[which], blocks)


def _halves(template: FloatArray, variance: FloatArray, grid: Grid, noise: FloatArray, excess: Excess) -> list[Fit]:
    """Fits of either half of the pixels of each block, tiles in turn."""
    row, column = np.indices(grid.shape) // TILE
    first = (row + column) % 2 == 0
    noise = noise[:: max(1, len(noise) // NOISE_FRAMES)]
    with ThreadPoolExecutor(1) as pool:
        return [Fit.of(template, variance, grid, noise, pool, excess, half) for half in (first, ~first)]
