"""A registered movie in units of its noise: what ROIs are found in and judged by.

Nothing here depends on what the sheet says of frame rate and indicator: a slip there must not decide which cells exist.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import BackendError
from groundtrace.extraction.decay import activity_decay
from groundtrace.extraction.evenness import block_means, made_even, stretches
from groundtrace.movies.file import create_movie

FEWEST_FRAMES = 20
"""Good frames; with fewer neither noise nor activity can be told."""
MOST_BINS, FEWEST_BINS = (1500, 6000), 400
"""More than 1,500 only where so few would be longer than a transient."""
FEW_BINS = 200
"""With fewer, cells are missed because the movie is short."""
DECAYS_PER_BIN = 0.3
"""Bins much shorter than a transient keep its shape; the time filter of the search collects the rest."""
TILE_VALUES = 24_000_000
"""Values in a patch: pixels times bins. Each thread keeps four such arrays of float32."""
MARGIN = 1.5
"""Cell diameters by which the tiles that a scene is worked on in overlap."""
CHUNK = 256
"""Frames read at a time."""
SEED = 0.28
"""Cell diameters; standard deviation of the spatial filter matched to a cell."""
SURROUNDINGS = 0.9
"""Cell diameters; standard deviation of the light around a place that is taken for its background."""
COARSE = 0.45
"""Cell diameters; side of the blocks in which the background is followed."""
OUTLIER = 3.0
"""Robust standard deviations above its surroundings from which a coarse pixel is activity, not background."""
LONE_PHOTON = 0.7
"""A single photon in a bin of a dark pixel makes no event: the noise is at least this part of it."""
CLASSES = 24
"""Classes of brightness in which the noise of a pixel is measured."""
BLOCK = 240
"""Bins over which the resting level of a pixel is taken."""
LOW, LOWER, BEYOND = 0.35, 0.10, 0.4299
"""Two quantiles, and how much of their distance the mean of a normal distribution lies above the first."""
DRIFT = 0.3
"""Share of a pixel's light by which its resting level may rise above the lowest; what rises further is
activity that lasts."""
SAMPLES = 64
"""Bins that a quantile is taken from, at least."""


def taps(sigma: float) -> FloatArray:
    """Gaussian of unit power, float32."""
    reach = int(np.ceil(2.5 * sigma))
    values = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return (values / np.sqrt((values**2).sum())).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """Bins of the good frames in a file, and what turns them into units of noise."""

    binned: Movie
    """(bins, Y, X) float32, a file, detector units."""
    mean: FloatArray
    """(Y, X) float32 of the good frames, detector units."""
    light: FloatArray
    """(Y, X) float32, mean above dark, detector units."""
    noise: FloatArray
    """(Y, X) float32, standard deviation of a bin, detector units."""
    noisier: FloatArray
    """(bins,) float32, how much noisier each is: shorter, or from a stretch of another brightness."""
    field: FloatArray
    """(bins, a, b) float32, relative brightness of the surroundings less 1, on a grid of `coarse` px."""
    coarse: int
    size: int
    """Frames per bin."""
    decay: float
    """Frames, of the movie's activity."""
    photon: float
    """Detector units of one photon; 0 when brightness does not tell the noise."""
    diameter: float
    """px, of a cell."""

    def at(self, diameter: float) -> "Scene":
        """The same movie with its background followed at the size of such cells. diameter: px."""
        coarse = max(2, round(COARSE * diameter))
        field = surroundings(self.binned, self.mean, self.light, coarse, SURROUNDINGS * diameter / coarse)
        return replace(self, field=field, coarse=coarse, diameter=diameter)

    @property
    def shape(self) -> tuple[int, int]:
        return self.mean.shape[0], self.mean.shape[1]

    @property
    def memory(self) -> float:
        """Share of a transient that is left a bin later."""
        return float(np.exp(-self.size / self.decay))

    @property
    def seed(self) -> FloatArray:
        """Gaussian of unit power, float32: the filter that is matched to a cell, along one axis."""
        return taps(SEED * self.diameter)

    @property
    def skew(self) -> FloatArray:
        """(Y, X) skewness of a pixel's noise in a bin, by the photons that it counts."""
        return np.minimum(self.photon / (self.size * self.noise), 1 / LONE_PHOTON)

    @property
    def pixel_variance(self) -> FloatArray:
        """(Y, X) of a frame's noise, detector units squared."""
        return self.size * np.square(self.noise, dtype=np.float64)

    @property
    def dark(self) -> float:
        """Brightness without light, detector units."""
        return float((self.mean - self.light).mean())

    def patch(self, y0: int, y1: int, x0: int, x1: int) -> tuple[FloatArray, FloatArray]:
        """(y1 - y0, x1 - x0, bins) float32: deviation from rest and surroundings in units of the noise, and the same
        matched in space with a cell.

        The quantile that stands for rest lies lower than it should where noise is skewed, as that of few photons. The
        noise of the matched movie is not, and tells how much.
        """
        from groundtrace.extraction.scene_kernels import in_noise_units, lower, matched

        here = (slice(y0, y1), slice(x0, x1))
        block = self.binned[:, y0:y1, x0:x1]
        rows = _places(np.arange(y0, y1), self.coarse, self.field.shape[1])
        columns = _places(np.arange(x0, x1), self.coarse, self.field.shape[2])
        out = np.empty((y1 - y0, x1 - x0, len(block)), np.float32)
        images = (np.ascontiguousarray(image[here]) for image in (self.mean, self.light, 1 / self.noise))
        mean, light, inverse = images
        in_noise_units(block, mean, light, self.field, rows, columns, inverse, 1 / self.noisier, out)
        del block
        lower(out, _drifting(resting(out), DRIFT * (light * inverse)))
        smooth = matched(out, self.seed)
        level = _drifting(resting(smooth), np.float32(1))
        lower(smooth, level)
        # A field of one level is seen through the filter as so many times that level.
        level /= self.seed.sum() ** 2
        lower(out, level)
        return out, smooth

    def advice(self, otherwise: str) -> str:
        """What to do where nothing is found: in a short movie that is the cause, whatever the size of cells."""
        bins = len(self.binned)
        if bins >= FEW_BINS:
            return otherwise
        return f"{bins} binned frames are too few to tell activity from noise: record longer, or join files in one row"

    def tiles(self, values: int | None = None) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
        """(core, patch) of tiles: cores cover the field once, patches of `values` reach MARGIN further."""
        margin = round(MARGIN * self.diameter)
        core = max(64, round(5 * self.diameter), int(np.sqrt((values or TILE_VALUES) / len(self.binned))) - 2 * margin)
        spans = []
        for length in self.shape:
            edges = np.linspace(0, length, max(1, -(-length // core)) + 1).astype(int).tolist()
            spans.append(
                [(slice(a, b), slice(max(0, a - margin), min(length, b + margin))) for a, b in pairwise(edges)]
            )
        for rows, tall in spans[0]:
            for columns, wide in spans[1]:
                yield (rows, columns), (tall, wide)


def observe(
    movie: Movie, bad_frames: BoolArray, diameter: float, scratch: Path, pool: Executor, segment: IntArray | None = None
) -> Scene:
    """Bin a movie (T, Y, X) into a file in `scratch`. diameter: px.

    segment: (T,) stretch without a gap or a border of files. No bin reaches from one into another, nor across a step of
    brightness, which is divided out.
    """
    good = np.flatnonzero(~bad_frames)
    if len(good) < FEWEST_FRAMES:
        raise BackendError(
            f"extraction: {len(good)} good frames are too few to find cells in; {FEWEST_FRAMES} are needed: look "
            "at the bad frames, record longer, or leave the session out"
        )
    segment = np.zeros(len(good), int) if segment is None else segment[good]
    borders, steps = np.flatnonzero(np.diff(segment)) + 1, np.zeros(0, int)
    found = moments_of(movie, good, borders, pool)
    mean, variance = found.mean, noise_by_brightness(found.mean, found.variance)
    decay = activity_decay(movie, good, mean, variance)
    if even := made_even(movie, good, segment, found.blocks, _dark(mean, variance), decay):
        movie, steps = even, even.steps
        borders = np.union1d(borders, steps)
        found = moments_of(movie, good, borders, pool)
        mean, variance = found.mean, noise_by_brightness(found.mean, found.variance)
        decay = activity_decay(movie, good, mean, variance)
    light = mean - _dark(mean, variance)
    size = bin_size(len(good), decay)
    bins = bins_of(borders, len(good), size)
    binned = _binned(movie, good, bins, scratch, pool)
    photon = _photon(mean, variance)
    noise = np.maximum(np.sqrt(variance / size), LONE_PHOTON * photon / size)
    shorter = np.sqrt(size / np.diff(bins, axis=1)[:, 0])
    noisier = (shorter * found.noisier(steps)[bins[:, 0]]).astype(np.float32)
    mean, light, noise = (image.astype(np.float32) for image in (mean, light, noise))
    nowhere = np.zeros((0, 0, 0))
    return Scene(binned, mean, light, noise, noisier, nowhere, 1, size, decay, photon, diameter).at(diameter)


def bin_size(good_frames: int, decay: float) -> int:
    """Frames per bin: a part of the decay, fewer in a short movie, more in a very long one."""
    wanted = min(round(DECAYS_PER_BIN * decay), good_frames // FEWEST_BINS)
    most = int(np.clip(good_frames / decay, *MOST_BINS))
    return max(1, wanted, -(-good_frames // most))


def _photon(mean: FloatArray, variance: FloatArray) -> float:
    """Detector units of one photon, excess noise included: slope of the variance on the mean; 0 when there is none."""
    return max(float(np.polyfit(mean.ravel(), variance.ravel(), 1)[0]), 0.0) if np.ptp(mean) > 0 else 0.0


@dataclass(frozen=True)
class Moments:
    """What one pass over the good frames tells."""

    mean: FloatArray
    """(Y, X) detector units."""
    variance: FloatArray
    """(Y, X) of the noise of a frame, by second differences, detector units squared."""
    borders: IntArray
    """First good frames of stretches whose differences are looked at apart ..."""
    power: FloatArray
    """(stretches,) ... the sums over the field of their squared second differences ..."""
    count: IntArray
    """(stretches,) ... and the frames that these are of."""
    blocks: FloatArray
    """(n_good, blocks) brightness, detector units."""

    def noisier(self, steps: IntArray) -> FloatArray:
        """(n_good,) noise between steps of brightness, which are among the borders, over that of the whole."""
        first = np.searchsorted([0, *self.borders], [0, *steps])
        power, count = (np.add.reduceat(values, first) for values in (self.power, self.count))
        usual = power.sum() / max(count.sum(), 1)
        ratio = np.where((power > 0) & (count > 0), power / np.maximum(count, 1) / max(usual, 1e-12), 1)
        return np.repeat(np.sqrt(ratio) if len(steps) else np.ones(1), np.diff([0, *steps, len(self.blocks)]))


def moments_of(movie: Movie, good: IntArray, borders: IntArray, pool: Executor) -> Moments:
    """Mean and noise of the good frames; no difference is taken across the borders (among good frames)."""
    from groundtrace.extraction.scene_kernels import moments

    follows = np.zeros(len(good), bool)
    follows[2:] = good[2:] - good[:-2] == 2
    for border in borders:
        follows[border : border + 2] = False
    blocks = np.empty((len(good), block_means(movie[good[:1]]).shape[1]), np.float32)

    def part(span: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
        start, stop = span
        rows = np.concatenate([np.maximum(np.arange(start - 2, start), 0), np.arange(start, stop)])
        frames = movie[good[rows]]
        blocks[start:stop] = block_means(frames[2:])
        total, difference = (np.zeros(movie.shape[1:], np.float32) for _ in range(2))
        moments(frames, follows[rows], total, difference)
        return total + (len(rows) - 2) * frames[0].astype(float), difference

    total, difference = np.zeros(movie.shape[1:]), np.zeros(movie.shape[1:])
    own = stretches(borders, len(good))
    spans = [(n, k, min(k + CHUNK, s.stop)) for n, s in enumerate(own) for k in range(s.start, s.stop, CHUNK)]
    power = np.zeros(len(own))
    for (stretch, *_), (one, other) in zip(spans, pool.map(part, [span[1:] for span in spans]), strict=True):
        total += one
        difference += other
        power[stretch] += other.sum(dtype=np.float64)
    count = np.array([int(follows[each].sum()) for each in own])
    variance = difference / (6 * max(int(count.sum()), 1))
    return Moments(total / len(good), variance, borders, power, count, blocks)


def noise_by_brightness(mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Variance (Y, X) expected of a pixel's noise: the median of the pixels of its brightness, never falling with it.

    A pixel's own second differences hold its activity too; most pixels of its brightness are quiet.
    """
    order = np.argsort(mean, axis=None, kind="stable")
    parts = np.array_split(order, min(CLASSES, max(1, order.size // 64)))
    level = np.array([mean.flat[part].mean() for part in parts])
    found = np.maximum.accumulate([np.median(variance.flat[part]) for part in parts])
    # Beyond the brightest class noise goes on growing with the light.
    slope = float(np.polyfit(level, found, 1)[0]) if np.ptp(level) > 0 else 0.0
    found = np.maximum(np.interp(mean, level, found), max(1e-3 * float(found[-1]), 1e-6))
    return found + slope * np.maximum(mean - level[-1], 0)


def _dark(mean: FloatArray, variance: FloatArray) -> float:
    """Brightness without light: where the line of variance and mean reaches zero, never above the darkest pixels."""
    low = float(np.quantile(mean, 0.001))
    if not np.ptp(mean) > 0:
        return low - 1
    slope, start = np.polyfit(mean.ravel(), variance.ravel(), 1)
    dark = -start / slope if slope > 0 else low
    spread = float(np.median(mean)) - low
    return float(np.clip(dark, low - 3 * spread - 1, low - 1e-3 * max(spread, 1e-6)))


def bins_of(borders: IntArray, count: int, size: int) -> IntArray:
    """(bins, 2) first and last good frame, the latter not included, of bins that lie between the borders.

    What is left at the end of a stretch is left out; a stretch shorter than a bin is one.
    """
    bins = []
    for own in stretches(borders, count):
        edges = np.arange(own.start, own.stop + 1, size) if own.stop - own.start >= size else [own.start, own.stop]
        bins.extend(pairwise(edges))
    return np.array(bins)


def _binned(movie: Movie, good: IntArray, bins: IntArray, scratch: Path, pool: Executor) -> Movie:
    """(bins, Y, X) float32, a file: means over `bins` of good frames."""
    from groundtrace.extraction.scene_kernels import bin_frames

    out = create_movie(scratch / "binned.npy", (len(bins), *movie.shape[1:]), "float32")
    step = max(1, CHUNK // int(np.diff(bins, axis=1).max()))

    def fill(start: int) -> None:
        part = bins[start : start + step]
        values = np.empty((len(part), *movie.shape[1:]), np.float32)
        first = part[0, 0]
        bin_frames(movie[good[first : part[-1, 1]]], part - first, values)
        out[start : start + step] = values

    list(pool.map(fill, range(0, len(bins), step)))
    return out


def surroundings(binned: Movie, mean: FloatArray, light: FloatArray, coarse: int, sigma: float) -> FloatArray:
    """(bins, a, b) float32: smooth relative change of the light around each coarse pixel of `coarse` px.

    sigma: coarse px. Activity of cells stands out from it and is left out, bin by bin.
    """
    from groundtrace.extraction.scene_kernels import coarse_means, spread

    def coarsened(images: FloatArray, ground: FloatArray) -> FloatArray:
        out = np.empty((len(images), *(-(-length // coarse) for length in mean.shape)), np.float32)
        coarse_means(images, ground, coarse, out)
        return out

    kernel = taps(sigma)
    base = np.maximum(coarsened(light[None], np.zeros_like(light)), 1e-6)
    around = spread(base, kernel)
    step = max(1, len(binned) // SAMPLES)
    sample = np.concatenate([coarsened(binned[k : k + 1], mean) for k in range(0, len(binned), step)])
    scale = 1.4826 * np.median(np.abs(sample - spread(sample, kernel) / around * base), axis=0) + 1e-6
    field = np.empty((len(binned), base.shape[1] + 1, base.shape[2] + 1), np.float32)
    for start in range(0, len(binned), CHUNK):
        low = coarsened(binned[start : start + CHUNK], mean)
        found = spread(low, kernel) / around
        for _ in range(2):
            quiet = (low - found * base < OUTLIER * scale).astype(np.float32)
            found = spread(low * quiet, kernel) / np.maximum(spread(base * quiet, kernel), 1e-3 * base)
        field[start : start + CHUNK] = np.pad(found, ((0, 0), (0, 1), (0, 1)), mode="edge")
    return field


def resting(z: FloatArray) -> FloatArray:
    """(h, w, blocks) float32 resting level of each pixel of z (h, w, bins), by its lower values in blocks of BLOCK."""
    bins = z.shape[2]
    blocks = max(1, round(bins / BLOCK))
    levels = []
    for k in range(blocks):
        start, stop = k * bins // blocks, (k + 1) * bins // blocks
        values = np.sort(z[..., start : stop : max(1, (stop - start) // SAMPLES)])
        low, lower = (values[..., int(part * (values.shape[2] - 1) + 0.5)] for part in (LOW, LOWER))
        levels.append(low + np.float32(BEYOND) * (low - lower))
    return np.stack(levels, axis=-1)


def _drifting(level: FloatArray, most: FloatArray | np.float32) -> FloatArray:
    """Levels (h, w, blocks) no further above the lowest of their pixel than `most`, (h, w) or for all."""
    return np.minimum(level, level.min(axis=2, keepdims=True) + np.asarray(most)[..., None])


def _places(pixels: IntArray, coarse: int, count: int) -> FloatArray:
    """(n, 2) left grid point and share of the right one; `count` grid points, the last a repeat."""
    at = np.clip((pixels + 0.5) / coarse - 0.5, 0, count - 2)
    left = np.floor(at)
    return np.column_stack([left, at - left]).astype(np.float32)
