"""The passes over a movie: estimate, refine, move."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.io import read_frames, write_frames
from groundtrace.motion.base import Registration
from groundtrace.motion.moving import RIGID, Blocks, as_integers, move_frames
from groundtrace.motion.phase.blocks import Fit, Grid
from groundtrace.motion.phase.kernels import measure_blocks
from groundtrace.motion.phase.scanning import scan_offset, straighten
from groundtrace.motion.phase.smoothing import Modes, Prior, smooth_field
from groundtrace.motion.phase.template import SMOOTHING, Matcher, first_template, noise_floor, sample

BATCH_BYTES = 2 << 20
"""Of frames that one thread works on at a time; it changes no result."""
SAMPLE_BYTES = 160 << 20
"""Most of the frames that the template is made from."""
SHOWN = 0.3
"""A frame that shows less of the template than this, relative to those around it, is not trusted: its shift is what
its neighbours tell."""
NEIGHBOURHOOD = 301
"""Frames among which a frame's brightness is judged."""
NEWTON_ROUNDS = 2
NOISE_FRAMES = 100
SCAN_ROUNDS = 2
LEAST_OFFSET = 0.05
"""px; a smaller offset of odd lines is left alone."""
WINDOW = 1.0
"""s; stretch from which the process noise of a frame is learnt."""
OUTPUT = (17, 9)
"""Most rows and columns of the grid of displacements that is written; its outermost points are the field's edges."""


@dataclass(frozen=True)
class Settings:
    bound: int
    """px, largest rigid shift."""
    reference_frames: int
    nonrigid: bool
    frame_rate: float
    """Hz."""


@dataclass(frozen=True)
class Estimate:
    """Displacements of all frames at some places."""

    field: FloatArray
    """(n_frames, places, 2) px."""
    error: FloatArray
    """(n_frames, 2) px, standard error of the mean over places."""


def register(movie: Movie, registered: Movie, settings: Settings, pool: Executor) -> Registration:
    """Fill `registered` and return the displacements; the same whatever the number of threads."""
    indices = sample(movie, min(settings.reference_frames, max(50, SAMPLE_BYTES // movie[0].nbytes)))
    frames, template, variance, offset = _begin(np.stack([movie[i] for i in indices]), settings, pool)
    work, grid = _Passes(movie, settings, pool, offset), Grid.over(template.shape)
    shifts, share = work.locate(Matcher.of(gaussian_filter(template, SMOOTHING), variance, settings.bound))
    usual = median_filter(share, min(NEIGHBOURHOOD, len(share)), mode="nearest")
    trusted, brightness = share > SHOWN * np.maximum(usual, 1e-3), np.maximum(usual, 0.05)

    fit = Fit.of(template, variance, grid, _noise(frames, shifts[indices], template), pool)
    start = np.repeat(shifts[:, None], len(grid.bounds), axis=1)
    first = work.smooth(work.measure(fit, start, brightness, NEWTON_ROUNDS), fit, trusted, brightness, grid.places())

    template, variance = _sharpen(frames, first.field[indices], grid, pool)
    fit = Fit.of(template, variance, grid, _noise(frames, first.field[indices].mean(axis=1), template), pool)
    measured = work.measure(fit, first.field, brightness, 0)
    if settings.nonrigid:
        blocks, wanted = _output(template.shape, offset)
        found = work.smooth(measured, fit, trusted, brightness, wanted)
        rigid = _field_mean(found.field, blocks)
        beyond = found.field - rigid[:, None]
    else:
        blocks = Blocks(RIGID.y, RIGID.x, offset)
        found = work.smooth(measured, fit, trusted, brightness, grid.places()[:1])
        rigid, beyond = found.field[:, 0], np.zeros((len(movie), 0, 2))
    work.move(registered, rigid, beyond, blocks, as_integers(template, movie.dtype))
    (y, x), error = rigid.T.astype(np.float32), found.error.T.astype(np.float32)
    block_y, block_x = np.moveaxis(beyond, 2, 0).astype(np.float32)
    return Registration(y, x, share.astype(np.float32), block_y, block_x, template, blocks, *error)


def _begin(raw: IntArray, settings: Settings, pool: Executor) -> tuple[np.ndarray, FloatArray, FloatArray, float]:
    """Sampled frames with straight lines, their template and variance (height, width), and the offset of odd lines."""
    template, variance, whole = first_template(raw, settings.bound, pool)
    offset = scan_offset(raw, whole)
    if abs(offset) < LEAST_OFFSET:
        return raw, template, variance, 0.0
    frames = straighten(raw, offset)
    # Lines mix when the tissue moves across them, which makes the offset look smaller.
    for _ in range(SCAN_ROUNDS):
        template, variance, whole = first_template(frames, settings.bound, pool)
        offset += scan_offset(frames, whole)
        frames = straighten(raw, offset)
    return frames, template, variance, offset


def _output(shape: tuple[int, ...], offset: float) -> tuple[Blocks, FloatArray]:
    """Where displacements are written, and the same as places (n, 2) px."""
    counts = [int(np.clip(round(size / 32) + 1, 2, most)) for size, most in zip(shape, OUTPUT, strict=True)]
    y, x = (np.linspace(0, size - 1, count, dtype=np.float32) for size, count in zip(shape, counts, strict=True))
    return Blocks(y, x, offset), np.stack([part.ravel() for part in np.meshgrid(y, x, indexing="ij")], axis=1)


def _field_mean(field: FloatArray, blocks: Blocks) -> FloatArray:
    """Mean over the field (n_frames, 2) of displacements on a grid whose outermost points are its edges."""
    y, x = (np.where(np.isin(np.arange(len(c)), (0, len(c) - 1)), 0.5, 1.0) for c in (blocks.y, blocks.x))
    weight = np.outer(y, x).ravel()
    return np.einsum("p,tpa->ta", weight / weight.sum(), field)


def _noise(frames: np.ndarray, shifts: FloatArray, template: FloatArray) -> FloatArray:
    """What is left of frames, moved by whole pixels, without their mean: (n, height, width) float32."""
    every = max(1, len(frames) // NOISE_FRAMES)
    frames, (y, x) = frames[::every], np.rint(shifts[::every]).T
    none = np.zeros((len(frames), 0))
    moved = move_frames(frames, (y, x), (none, none), RIGID, template.astype(frames.dtype)).astype(np.float32)
    moved -= moved.mean(axis=0)
    return moved


def _sharpen(frames: np.ndarray, field: FloatArray, grid: Grid, pool: Executor) -> tuple[FloatArray, FloatArray]:
    """Mean and variance (height, width) of the sampled frames, moved to where they were found."""
    blocks, none = Blocks(*grid.centres), np.zeros(len(frames))
    outside = np.full(grid.shape, np.nan, np.float32)

    def work(start: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        part = slice(start, start + 16)
        # Not rounded, and what lies outside is no number.
        values = move_frames(
            frames[part].astype(np.float32),
            (none[part], none[part]),
            (field[part, :, 0], field[part, :, 1]),
            blocks,
            outside,
        )
        inside = np.isfinite(values)
        values[~inside] = 0
        return values.sum(axis=0), np.einsum("tyx,tyx->yx", values, values), inside.sum(axis=0)

    total, squares, seen = np.zeros((3, *grid.shape))
    for parts in pool.map(work, range(0, len(frames), 16)):
        for whole, part in zip((total, squares, seen), parts, strict=True):
            whole += part
    known = seen > 1
    mean = np.where(known, total / np.maximum(seen, 1), total.sum() / max(seen.sum(), 1))
    variance = np.where(known, squares / np.maximum(seen, 1) - mean**2, np.nan)
    variance = np.where(known, variance, np.nanmedian(variance))
    return mean.astype(np.float32), noise_floor(variance)


class _Passes:
    """Loops over the movie, batches side by side; each frame is worked on alone."""

    def __init__(self, movie: Movie, settings: Settings, pool: Executor, scan_offset: float):
        self.movie, self.settings, self.pool, self.scan_offset = movie, settings, pool, scan_offset
        self.prior = Prior.of(settings.nonrigid)

    def _each(self, work: Callable[[slice, IntArray], None]) -> None:
        size = max(1, BATCH_BYTES // self.movie[0].nbytes)

        def run(start: int) -> None:
            part = slice(start, min(start + size, len(self.movie)))
            work(part, read_frames(self.movie, part))

        list(self.pool.map(run, range(0, len(self.movie), size)))

    def locate(self, matcher: Matcher) -> tuple[FloatArray, FloatArray]:
        shifts, share = np.empty((len(self.movie), 2)), np.empty(len(self.movie))

        def work(part: slice, frames: IntArray) -> None:
            shifts[part], share[part] = matcher.locate(straighten(frames, self.scan_offset))

        self._each(work)
        return shifts, share

    def measure(self, fit: Fit, start: FloatArray, brightness: FloatArray, rounds: int) -> FloatArray:
        """(n_frames, blocks, 2) px, measured after `rounds` of steps to where each frame's blocks then lie together."""
        measured = np.empty_like(start)
        shrink = [self.prior.shrinkage(fit.grid.places(), error, fit.grid.shape).T for error in fit.error]

        def work(part: slice, frames: IntArray) -> None:
            straight, at = straighten(frames, self.scan_offset), start[part]
            for left in range(rounds, -1, -1):
                measure_blocks(straight, fit.model, at, brightness[part], measured[part])
                if left:
                    away = measured[part] - start[part]
                    at = start[part] + np.stack([away[..., axis] @ shrink[axis] for axis in (0, 1)], axis=2)

        self._each(work)
        return measured

    def smooth(
        self, measured: FloatArray, fit: Fit, trusted: BoolArray, brightness: FloatArray, wanted: FloatArray
    ) -> Estimate:
        window = max(5, round(WINDOW * self.settings.frame_rate)) | 1
        field, error = np.empty((len(measured), len(wanted), 2)), np.empty((len(measured), 2))

        def work(axis: int) -> None:
            modes = Modes.of(self.prior, fit.grid.places(), fit.error[axis], fit.grid.shape, wanted)
            field[..., axis], variance = smooth_field(measured[..., axis], modes, trusted, brightness, window)
            error[:, axis] = np.sqrt(variance)

        list(self.pool.map(work, (0, 1)))
        return Estimate(field, error)

    def move(self, registered: Movie, rigid: FloatArray, beyond: FloatArray, blocks: Blocks, fill: IntArray) -> None:
        def work(part: slice, frames: IntArray) -> None:
            shift, more = rigid[part], beyond[part]
            moved = move_frames(frames, (shift[:, 0], shift[:, 1]), (more[..., 0], more[..., 1]), blocks, fill)
            write_frames(registered, part, moved)

        self._each(work)
