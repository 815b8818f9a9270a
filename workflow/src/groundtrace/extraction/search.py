"""Sources of a scene: seeds of high energy, fitted by one footprint and one trace each, then all together.

The scene is worked on in tiles; each keeps the sources whose centre lies in its core, so that memory is bounded and
nothing depends on the number of threads.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.merging import inside, merged
from groundtrace.extraction.scene import SEED, Scene, taps
from groundtrace.extraction.statistics import NAMES, SHAPE, Images, measure, shape

REACH = 0.85
"""Cell diameters that a footprint reaches from its centre at most."""
SOFT = (0.06, 0.18)
"""Cell diameters (at least 0.7 px); how much a clear and a noisy footprint are smoothed before the outline is drawn."""
CHANCE = 5.0
"""Standard deviations of what noise alone gives, above its mean, from which an energy is a seed ..."""
LEAST = 5.0
"""... and an energy, noise SD, that it takes in any case."""
LONE = 6.0
"""Noise SD of a lone event, smoothed in time, that is a seed."""
NARROWEST = 0.9
"""Noise of the matched movie, in that of independent pixels, that is believed at least."""
SWEEPS = 2

Patch = tuple[slice, slice]


@dataclass(frozen=True)
class Survey:
    """What a scene holds."""

    footprints: list[Footprint]
    statistics: FloatArray
    """(n, n_statistics)"""
    images: dict[str, FloatArray]
    """(Y, X) float32 each: mean, maximum and deviation (detector units), correlation with the neighbouring pixels, and
    energy, the root of the sum of squares of active bins, and peak to noise, the largest value (noise SD)."""
    decoys: list[Footprint]
    """Footprints that the same search finds in the inverted movie."""
    decoy_statistics: FloatArray
    """(n, n_statistics) in the inverted movie."""


def survey(scene: Scene, pool: Executor, given: list[Footprint] | None = None, most: int = 0) -> Survey:
    """Find the sources of a scene, `most` of a field, or measure those that are `given`, in their order."""
    tiles = list(scene.tiles())
    parts = list(pool.map(lambda tile: _tile(scene, tile[0], tile[1], given, most), tiles))
    images = {name: np.empty(scene.shape, np.float32) for name in parts[0].images}
    for (core, _), part in zip(tiles, parts, strict=True):
        for name, image in part.images.items():
            images[name][core] = image
    found = [source for part in parts for source in part.footprints]
    statistics = np.concatenate([part.statistics for part in parts])
    if given is not None:
        place = np.concatenate([_in_core(given, core) for core, _ in tiles])
        found, statistics = given, statistics[np.argsort(place, kind="stable")]
        # Tiles see only a part of a ROI that is far larger than a cell.
        for row, source in zip(statistics, given, strict=True):
            row[SHAPE] = shape(source, scene.diameter, scene.shape)
    elif len(found) > most:
        kept = np.sort(np.argsort(-statistics[:, NAMES.index("energy")], kind="stable")[:most])
        found, statistics = [found[n] for n in kept], statistics[kept]
    decoys = [source for part in parts for source in part.decoys]
    return Survey(found, statistics, images, decoys, np.concatenate([part.decoy_statistics for part in parts]))


def least_energy(bins: int) -> float:
    """Energy above which a place is no noise: by the moments of squares of normal numbers above three."""
    expected, squared = 0.01480, 0.1757
    return max(LEAST, float(np.sqrt(expected * bins + CHANCE * np.sqrt(squared * bins))))


class Search(NamedTuple):
    """What the search of one tile, and its compiled loops, are told."""

    scale: FloatArray
    """(h, w) factor of the matched movie to unit noise."""
    skew: FloatArray
    """(h, w) skewness of that noise."""
    memory: float
    """Share of a transient that is left after a bin."""
    seed: FloatArray
    """Kernel that the movie was matched with, along one axis."""
    soft: FloatArray
    wide: FloatArray
    """Kernels that a clear and a noisy footprint are smoothed with before the outline is drawn."""
    reach: int
    """px that a footprint reaches from its centre at most."""
    least: float
    """Energy of a seed."""
    lone: float
    """Energy over the height of a lone event that is as sure."""
    room: int
    """Sources for which there is room in the tile."""

    @classmethod
    def of(cls, scene: Scene, patch: Patch, smooth: FloatArray) -> "Search":
        from groundtrace.extraction.scene_kernels import negative_width

        soft, wide = (_unit(taps(max(0.7, part * scene.diameter))) for part in SOFT)
        spread, least = SEED * scene.diameter, least_energy(smooth.shape[2])
        width = gaussian_filter(negative_width(smooth), spread)
        scale = (1 / np.maximum(width, NARROWEST)).astype(np.float32)
        # The filter sums the skewness of many pixels.
        skew = (gaussian_filter(scene.skew[patch], spread) * (scene.seed**3).sum() ** 2).astype(np.float32)
        reach = max(3, round(REACH * scene.diameter))
        room = int(4 * smooth.shape[0] * smooth.shape[1] / scene.diameter**2) + 8
        return cls(scale, skew, scene.memory, scene.seed, soft, wide, reach, least, least / LONE, room)


def energy_of(smooth: FloatArray, search: Search, sign: int = 1) -> FloatArray:
    """(h, w)"""
    from groundtrace.extraction.search_kernels import energy

    out = np.empty(smooth.shape[:2], np.float32)
    energy(smooth, search, sign, (0, 0), np.ones(out.shape, bool), out)
    return out


def _tile(scene: Scene, core: Patch, patch: Patch, given: list[Footprint] | None, most: int) -> Survey:
    """The part of a survey that lies in the core of a tile."""
    rows, columns = patch
    z, smooth = scene.patch(rows.start, rows.stop, columns.start, columns.stop)
    search = Search.of(scene, patch, smooth)
    energy = energy_of(smooth, search)
    images = _pictures(scene, patch, z) | {"energy": energy}
    origin = (rows.start, columns.start)
    decoys: list[Footprint] = []
    if given is None:
        sources = _sources(search, z, smooth, energy, scene.noise[patch], most)
        found, decoys = (_of_core(each, core, origin) for each in sources)
    else:
        found = [_within(_moved(given[n], (-origin[0], -origin[1])), z.shape) for n in _in_core(given, core)]
    del smooth
    parts = Images(scene.mean[patch], scene.noise[patch], scene.skew[patch])
    statistics = measure(z, parts, scene.diameter, found)
    np.negative(z, out=z)
    decoy_statistics = measure(z, parts, scene.diameter, decoys)
    inner = tuple(slice(c.start - p.start, c.stop - p.start) for c, p in zip(core, patch, strict=True))
    return Survey(
        [_moved(source, origin) for source in found],
        statistics,
        {name: image[inner] for name, image in images.items()},
        [_moved(source, origin) for source in decoys],
        decoy_statistics,
    )


def _sources(
    search: Search, z: FloatArray, smooth: FloatArray, energy: FloatArray, noise: FloatArray, most: int
) -> tuple[list[Footprint], list[Footprint]]:
    """Sources of z, which is left as it was, and of the inverted z. smooth is used up."""
    from groundtrace.extraction.search_kernels import add, peel, refine

    inverted = peel(z.copy(), smooth.copy(), energy_of(smooth, search, -1), search, -1, most)
    windows, footprints, traces, *_ = peel(z, smooth, energy.copy(), search, 1, most)
    for _ in range(SWEEPS):
        refine(z, search, windows, footprints, traces)
        windows, footprints, traces = merged(z, windows, footprints, traces, search.reach / REACH)
    for window, weight, trace in zip(windows, footprints, traces, strict=True):
        h, w = inside(z, window, weight.shape[0])
        add(z, window[0], window[1], weight[:h, :w], trace)
    return _sparse(windows, footprints, noise), _sparse(inverted[0], inverted[1], noise)


def _pictures(scene: Scene, patch: Patch, z: FloatArray) -> dict[str, FloatArray]:
    """(h, w) float32 images for the eye."""
    from groundtrace.extraction.scene_kernels import tile_images

    deviation, highest, correlation = list(np.empty((3, *z.shape[:2]), np.float32))
    tile_images(z, scene.memory, deviation, highest, correlation)
    mean, noise = scene.mean[patch], scene.noise[patch]
    images = {"mean": mean, "maximum": mean + noise * highest, "deviation": noise * deviation}
    images |= {"correlation": correlation, "peak_to_noise": highest}
    return {name: np.asarray(image, np.float32) for name, image in images.items()}


def _unit(kernel: FloatArray) -> FloatArray:
    return kernel / kernel.sum()


def centre(footprint: Footprint) -> tuple[float, float]:
    """(y, x) px, weighted."""
    y, x, weight = footprint
    return float(np.average(y, weights=weight)), float(np.average(x, weights=weight))


def _in_core(sources: list[Footprint], core: Patch) -> list[int]:
    """Which sources have their centre in the core."""
    places = [centre(source) for source in sources]
    return [n for n, at in enumerate(places) if all(s.start <= v < s.stop for s, v in zip(core, at, strict=True))]


def _of_core(sources: list[Footprint], core: Patch, origin: tuple[int, int]) -> list[Footprint]:
    """Those, in coordinates of a patch that begins at `origin`, whose centre lies in the core."""
    rows, columns = (slice(span.start - start, span.stop - start) for span, start in zip(core, origin, strict=True))
    return [sources[n] for n in _in_core(sources, (rows, columns))]


def _moved(source: Footprint, by: tuple[int, int]) -> Footprint:
    return source[0] + np.int32(by[0]), source[1] + np.int32(by[1]), source[2]


def _within(source: Footprint, shape: tuple[int, ...]) -> Footprint:
    """The part inside a patch: another backend's ROI may be far larger than a cell."""
    y, x, weight = source
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    return y[inside], x[inside], weight[inside]


def _sparse(windows: IntArray, footprints: FloatArray, noise: FloatArray) -> list[Footprint]:
    """Rows, columns and weights (detector units, sum 1) of sources in units of noise."""
    found = []
    for (top, left), weight in zip(windows, footprints, strict=True):
        y, x = np.nonzero(weight > 0)
        if len(y):
            light = weight[y, x] * noise[y + top, x + left]
            rows, columns = (y + top).astype(np.int32), (x + left).astype(np.int32)
            found.append((rows, columns, (light / light.sum()).astype(np.float32)))
    return found
