"""The passes over a movie: estimate, refine, move."""

import itertools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.motion.base import Registration
from groundtrace.motion.moving import RIGID, Blocks, Displacement, as_integers, move_frames, move_movie
from groundtrace.motion.phase.blocks import SPACING, Fit, Grid
from groundtrace.motion.phase.filters import Excess
from groundtrace.motion.phase.kernels import measure_blocks
from groundtrace.motion.phase.smoothing import Modes, Prior, smooth_field
from groundtrace.motion.phase.stretches import Reader, Stretch, find_stretches
from groundtrace.motion.phase.template import SMOOTHING, SURE, Matcher, look_far, noise_floor, sample, without_noise
from groundtrace.notices import notice

BATCH_BYTES = 2 << 20
"""Size of the frames that one thread works on at a time; it changes no result."""
SHOWN = 0.3
"""A frame that shows less of the template than this, relative to those around it, is not trusted: its shift is what
its neighbours tell."""
NEAR = 6.0
"""A frame that is not sure to be where it was found is looked for only so many px from where its neighbours lie."""
AROUND = 5
"""Frames whose median must be better than chance: of a stretch in which nothing is found, some frames look found."""
CHANCE_FRAMES = 60
NEIGHBOURHOOD = 301
"""Frames among which a frame's brightness is judged."""
GAIN_FRAMES, GAINS = 60, (0.8, 1.5)
MOST_STEPS, NEAR_ENOUGH = 10, 0.12
"""Steps go on until those of a frame are shorter than this, px."""
NOISE_FRAMES = 100
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
    dark: BoolArray
    """(n_frames,) frames that show nothing, as ingest says."""
    borders: IntArray
    """First frames after gaps or borders of files."""


@dataclass(frozen=True)
class Estimate:
    """Displacements of all frames at some places."""

    field: FloatArray
    """(n_frames, places, 2) px."""
    error: FloatArray
    """(n_frames, 2) px, standard error of the mean over places."""


def register(movie: Movie, registered: Movie, settings: Settings, pool: Executor) -> Registration:
    """Fill `registered` and return the displacements; the same whatever the number of threads."""
    stretches, reader = find_stretches(movie, settings.bound, pool)
    offset = reader.offset
    work, grid = _Passes(reader, settings, pool), Grid.over(movie.shape[1:])
    shifts, share = work.locate(stretches)
    usual = median_filter(share, min(NEIGHBOURHOOD, len(share)), mode="nearest")
    usual = np.maximum(usual, 0.7 * np.median(share))
    held = _held_out(stretches, settings.dark)
    usually = float(np.median(share[held]))
    chance, anywhere = work.locate_again(stretches, shifts, share, usual)
    if usually < anywhere:
        return _left_alone(movie, registered, stretches, share, settings)
    trusted, brightness = _trusted(share, usual, chance), np.maximum(usual, 0.05)

    start = np.repeat(shifts[:, None], len(grid.bounds), axis=1)
    measured, error = work.measure(stretches, grid, start, brightness)
    first = work.smooth(measured, grid, error, trusted, brightness, grid.places()).field

    first -= _warp(first, trusted)
    sharp = [work.sharpen(stretch, grid, first) for stretch in stretches]
    measured, error = work.measure(sharp, grid, first, brightness)
    if settings.nonrigid:
        blocks, wanted = _output(grid.shape, offset)
        found = work.smooth(measured, grid, error, trusted, brightness, wanted)
        rigid = _field_mean(found.field, blocks)
        beyond = found.field - rigid[:, None]
    else:
        blocks = Blocks(RIGID.y, RIGID.x, offset)
        found = work.smooth(measured, grid, error, trusted, brightness, grid.places()[:1])
        rigid, beyond = found.field[:, 0], np.zeros((len(movie), 0, 2))
    lost = ~trusted | _astray(rigid - shifts, stretches)
    # Where the tissue is in these frames is not known, only how far away it was looked for.
    found.error[lost] = np.maximum(found.error[lost], settings.bound)
    (y, x), (block_y, block_x) = rigid.T, np.moveaxis(beyond, 2, 0)
    shift = Displacement(y, x, block_y, block_x, blocks)
    template = work.move(registered, shift, sharp[len(sharp) // 2].template)
    y_error, x_error = found.error.T.astype(np.float32)
    return Registration(shift.single(), share.astype(np.float32), template, y_error, x_error, lost)


def _held_out(stretches: list[Stretch], dark: BoolArray) -> BoolArray:
    """(n_frames,) frames that are not in the first templates: those are found again even where nothing is seen."""
    held = ~dark
    held[np.concatenate([stretch.indices for stretch in stretches])] = False
    return held if held.any() else ~dark if not dark.all() else ~held


def _left_alone(
    movie: Movie, registered: Movie, stretches: list[Stretch], share: FloatArray, settings: Settings
) -> Registration:
    """The movie as it was recorded: what cannot be followed is not made worse."""
    notice(
        "left_as_recorded",
        f"phase finds most frames on their mean no better than chance (within {settings.bound} px), and leaves the "
        "movie as it was recorded; look whether the mean image shows structure that stays, and try the motion method "
        "suite2p, or another channel (motion_channel)",
    )
    for start in range(0, len(movie), 64):
        registered[start : start + 64] = movie[start : start + 64]
    still, unknown = np.zeros(len(movie), np.float32), np.full(len(movie), settings.bound, np.float32)
    template = stretches[len(stretches) // 2].template
    return Registration(Displacement.rigid(still, still), share.astype(np.float32), template, unknown, unknown)


def _astray(away: FloatArray, stretches: list[Stretch]) -> BoolArray:
    """Frames that ended far from where they were found: away (n_frames, 2) px, but for what links their stretch."""
    astray = np.zeros(len(away), bool)
    for stretch in stretches:
        own = away[stretch.part] - np.median(away[stretch.part], axis=0)
        astray[stretch.part] = np.hypot(*own.T) > NEAR
    return astray


def _trusted(share: FloatArray, usual: FloatArray, chance: FloatArray) -> BoolArray:
    """Frames that were found: they show more of the template than SHOWN of what is usual, and than chance does.

    chance: median and 95th percentile (2, n_frames) of what they show of a template that is not there.
    """
    around = median_filter(share, min(AROUND, len(share)), mode="nearest")
    return (share > SHOWN * np.maximum(usual, 1e-3)) & (share > chance[0]) & (around > chance[1])


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


def _warp(field: FloatArray, trusted: BoolArray) -> FloatArray:
    """Mean displacement (places, 2) px of each place beyond that of the field: of the first template, not of tissue."""
    mean = field[trusted].mean(axis=0) if trusted.any() else field.mean(axis=0)
    return mean - mean.mean(axis=0)


def _noise(frames: np.ndarray, shifts: FloatArray, template: FloatArray) -> FloatArray:
    """What is left of frames, moved by whole pixels, without their mean: (n, height, width) float32."""
    every = max(1, len(frames) // NOISE_FRAMES)
    frames, (y, x) = frames[::every], np.rint(shifts[::every]).T
    moved = move_frames(frames, Displacement.rigid(y, x), template.astype(frames.dtype)).astype(np.float32)
    moved -= moved.mean(axis=0)
    return moved


class _Passes:
    """Loops over the movie, batches side by side; each frame is worked on alone."""

    def __init__(self, reader: Reader, settings: Settings, pool: Executor):
        self.reader, self.movie, self.settings, self.pool = reader, reader.movie, settings, pool
        self.prior = Prior.of(settings.nonrigid)

    def _each(self, work: Callable[[slice, IntArray], None], part: slice | None = None) -> None:
        size = max(1, BATCH_BYTES // self.movie[0].nbytes)
        begin, end = (part.start, part.stop) if part else (0, len(self.movie))

        def run(start: int) -> None:
            batch = slice(start, min(start + size, end))
            work(batch, self.movie[batch])

        list(self.pool.map(run, range(begin, end, size)))

    def locate(self, stretches: list[Stretch]) -> tuple[FloatArray, FloatArray]:
        """Shifts (n_frames, 2) px on the template of each frame's stretch, and how much of it is there (n_frames,)."""
        shifts, share = np.empty((len(self.movie), 2)), np.empty(len(self.movie))
        for stretch in stretches:
            matcher = self._matcher(stretch)

            def work(part: slice, frames: IntArray, matcher: Matcher = matcher) -> None:
                shifts[part], share[part] = matcher.locate(self.reader.ready(frames))

            self._each(work, stretch.part)
        return shifts, share

    def locate_again(
        self, stretches: list[Stretch], shifts: FloatArray, share: FloatArray, usual: FloatArray
    ) -> tuple[FloatArray, float]:
        """Look for frames that show little of the template far away, then only near where the sure ones around lie.

        Returns median and 95th percentile (2, n_frames) of what such a search finds of a template that is not there,
        and the latter where it is looked for anywhere.
        """
        sure, every = share > SURE * usual, np.arange(len(shifts))
        for stretch in stretches:
            matcher = self._matcher(stretch)
            for i in every[stretch.part][~sure[stretch.part]]:
                one = slice(i, i + 1)
                look_far(matcher, self.reader.at(every[one]), shifts[one], share[one], sure[one], float(usual[i]))
        if not sure.any():
            sure[share.argmax()] = True
        expected = np.stack([np.interp(every, every[sure], shifts[sure, axis]) for axis in (0, 1)], axis=1)
        by_chance = []
        for stretch in stretches:
            matcher, part = self._matcher(stretch), every[stretch.part]
            for i in part[~sure[part]]:
                frame = self.reader.at(every[i : i + 1])
                shifts[i], share[i] = (found[0] for found in matcher.locate(frame, expected[i], NEAR))
            for i in part[:: max(1, len(part) * len(stretches) // CHANCE_FRAMES)]:
                frame, other = self.reader.at(every[i : i + 1]), matcher.mirrored
                looks = other.locate(frame), other.locate(frame, expected[i], NEAR)
                by_chance.append([found[0] for _, found in looks])
        anywhere, near = np.percentile(by_chance, (50, 95), axis=0).T
        return np.where(sure, anywhere[:, None], near[:, None]), float(anywhere[1])

    def _matcher(self, stretch: Stretch) -> Matcher:
        template = gaussian_filter(stretch.template, SMOOTHING)
        return Matcher.of(template, stretch.variance, self.settings.bound, stretch.excess)

    def measure(
        self, stretches: list[Stretch], grid: Grid, start: FloatArray, brightness: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Displacements (n_frames, blocks, 2) px from the middle stretch's template, and their variance (2, blocks).

        Each frame is measured on its stretch's template, beginning at `start`, and each template on the one before.
        """
        measured, error, links = np.empty_like(start), np.zeros((2, len(grid.bounds))), np.zeros((1, *start.shape[1:]))
        for stretch, following in itertools.zip_longest(stretches, stretches[1:]):
            frames, part = self.reader.at(stretch.indices), stretch.part
            noise = _noise(frames, start[stretch.indices].mean(axis=1), stretch.template)
            template = without_noise(stretch.template, stretch.variance, stretch.frames)
            excess = Excess.of(noise) if self.reader.background else None
            fit = Fit.of(template, stretch.variance, grid, noise, self.pool, excess)
            shrink = [self.prior.shrinkage(grid.places(), own, grid.shape).T for own in fit.error]
            some = slice(None, None, max(1, len(frames) // GAIN_FRAMES))
            which = stretch.indices[some]
            fit = fit.scaled(_gain(frames[some], fit, shrink, start[which], brightness[which]))

            def work(batch: slice, frames: IntArray, fit: Fit = fit, shrink: list = shrink) -> None:
                straight = self.reader.ready(frames)
                measured[batch] = _steps(straight, fit, shrink, start[batch], brightness[batch])

            self._each(work, part)
            measured[part] += links[-1]
            error += fit.error * (part.stop - part.start) / len(measured)
            if following:
                links = np.concatenate([links, links[-1:] + self._link(stretch, following.template, fit, shrink)])
        for stretch in stretches:
            measured[stretch.part] -= links[len(links) // 2]
        return measured, error

    def _link(self, stretch: Stretch, image: FloatArray, fit: Fit, shrink: list[FloatArray]) -> FloatArray:
        """Displacement (1, blocks, 2) px of a later template."""
        matcher = self._matcher(stretch)
        shift, share = matcher.locate(image[None])
        look_far(matcher, image[None], shift, share, np.zeros(1, bool), 1.0, in_view=True)
        start = np.repeat(shift[:, None], len(fit.grid.bounds), axis=1)
        found = _steps(image[None], fit, shrink, start, np.ones(1))
        return start + _together(found - start, shrink)

    def smooth(
        self,
        measured: FloatArray,
        grid: Grid,
        variance: FloatArray,
        trusted: BoolArray,
        brightness: FloatArray,
        wanted: FloatArray,
    ) -> Estimate:
        window = max(5, round(WINDOW * self.settings.frame_rate)) | 1
        field, error = np.empty((len(measured), len(wanted), 2)), np.empty((len(measured), 2))
        begins = np.isin(np.arange(len(measured)), [0, *self.settings.borders])

        def work(axis: int) -> None:
            modes = Modes.of(self.prior, grid.places(), variance[axis], grid.shape, wanted)
            field[..., axis], squares = smooth_field(measured[..., axis], modes, trusted, brightness, begins, window)
            error[:, axis] = np.sqrt(squares)

        list(self.pool.map(work, (0, 1)))
        return Estimate(field, error)

    def sharpen(self, stretch: Stretch, grid: Grid, field: FloatArray) -> Stretch:
        """The stretch with mean and variance of some of its frames, moved to where they were found."""
        indices, none = sample(self.movie, stretch.part, self.settings.reference_frames), np.zeros(16)
        blocks, outside = Blocks(*grid.centres), np.full(grid.shape, np.nan, np.float32)
        # Sums are of differences from this: an offset of the detector may be large.
        level = float(np.rint(stretch.template.mean()))

        def work(start: int) -> tuple[FloatArray, FloatArray, FloatArray]:
            part = indices[start : start + 16]
            frames = (self.reader.at(part) - level).astype(np.float32)
            rigid, (y, x) = none[: len(part)], np.moveaxis(field[part], 2, 0)
            # Not rounded, and what lies outside is no number.
            values = move_frames(frames, Displacement(rigid, rigid, y, x, blocks), outside)
            inside = np.isfinite(values)
            values[~inside] = 0
            return values.sum(axis=0), np.einsum("tyx,tyx->yx", values, values), inside.sum(axis=0)

        total, squares, seen = np.zeros((3, *grid.shape))
        for parts in self.pool.map(work, range(0, len(indices), 16)):
            for whole, part in zip((total, squares, seen), parts, strict=True):
                whole += part
        known = seen > 1
        mean = np.where(known, total / np.maximum(seen, 1), total.sum() / max(seen.sum(), 1))
        variance = np.where(known, squares / np.maximum(seen, 1) - mean**2, np.nan)
        variance = np.where(known, variance, np.nanmedian(variance))
        return replace(
            stretch, template=(mean + level).astype(np.float32), frames=len(indices), variance=noise_floor(variance)
        )

    def move(self, registered: Movie, displacement: Displacement, template: FloatArray) -> FloatArray:
        """Fill `registered`, and return the template, with the background if that was taken out."""
        if self.reader.background:
            return move_movie(self.movie, registered, displacement)
        fill = as_integers(template, self.movie.dtype)

        def work(part: slice, frames: IntArray) -> None:
            registered[part] = move_frames(frames, displacement[part], fill)

        self._each(work)
        return template


def _steps(
    frames: np.ndarray, fit: Fit, shrink: list[FloatArray], start: FloatArray, brightness: FloatArray
) -> FloatArray:
    """Displacements of each frame's blocks (n, blocks, 2) px, measured from where the blocks then lie together."""
    measured, at, going = np.empty_like(start), start, np.arange(len(frames))
    for _ in range(MOST_STEPS):
        measure_blocks(frames, going, fit.model, at, brightness, measured)
        then = start + _together(measured - start, shrink)
        going = going[np.abs(then - at)[going].max(axis=(1, 2)) > NEAR_ENOUGH]
        if not len(going):
            break
        at = then
    return measured


def measured_from(frames: np.ndarray, fit: Fit, prior: Prior, start: FloatArray) -> FloatArray:
    """Displacements of each frame's blocks (n, blocks, 2) px, measured alone, beginning at `start`."""
    shrink = [prior.shrinkage(fit.grid.places(), own, fit.grid.shape).T for own in fit.error]
    return _steps(frames, fit, shrink, start, np.ones(len(frames)))


def _gain(
    frames: np.ndarray, fit: Fit, shrink: list[FloatArray], start: FloatArray, brightness: FloatArray
) -> FloatArray:
    """Factor by which steps along y and x are too long, because a mean of moved frames is less sharp than a frame.

    From both sides a block must be found at the same place.
    """
    at, gain = start + _together(_steps(frames, fit, shrink, start, brightness) - start, shrink), np.empty(2)
    for axis in (0, 1):
        sides = np.empty((2, *at.shape))
        for side, found in zip((-SPACING, SPACING), sides, strict=True):
            beside = at.copy()
            beside[..., axis] += side
            measure_blocks(frames, np.arange(len(frames)), fit.model, beside, brightness, found)
        apart = np.median(sides[1, ..., axis] - sides[0, ..., axis], axis=0)
        gain[axis] = 1 - np.average(apart, weights=1 / fit.error[axis]) / (2 * SPACING)
    return np.clip(gain, *GAINS)


def _together(away: FloatArray, shrink: list[FloatArray]) -> FloatArray:
    """Posterior mean of displacements (n, blocks, 2) px of blocks that move alike."""
    return np.stack([away[..., axis] @ shrink[axis] for axis in (0, 1)], axis=2)
