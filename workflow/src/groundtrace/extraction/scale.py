"""How large cells are in a movie: by the config, by the pixel size, or by what the movie itself shows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.extraction.scene import Scene
from groundtrace.extraction.search import Patch, Search, centre, energy_of

SOMA = 12.0
"""µm, of a cell body where nothing else is known: mouse cortex."""
GUESS = 12.0
"""px, to begin with where the pixel size is not known."""
SEEDS = 60
"""Strongest sources of a field that are asked for their size."""
PART_VALUES = 6_000_000
"""Pixels times bins of a part of the field."""
WINDOW = 2.0
"""Diameters, half the side of the window that they are seen in."""
CLEAR = 6.0
"""Brightness of a footprint over the noise of its pixels, from which its size can be told."""
EDGE = 0.35
"""Share of a source's brightness at which it ends."""
LARGE = 0.8
"""Quantile of the sizes, by energy, that is a cell's: dendrites and boutons are smaller."""
FEWEST = 4
"""Sources that have to be clear."""
DOUBT = 1.6
"""How much smaller cells must look than the pixel size says for the movie to be believed."""

Source = Literal["config", "pixel size", "movie", "assumed"]


@dataclass(frozen=True)
class Diameter:
    """Diameter of a cell, px."""

    value: float
    source: Source
    seen: float | None
    """The diameter that the movie shows; None when it shows too little."""


def choose(given: float | None, pixel_size: float | None, seen: float | None) -> Diameter:
    """given: px, by the config. pixel_size: µm. seen: px, by the movie."""
    if given is not None:
        return Diameter(given, "config", seen)
    if pixel_size is None:
        return Diameter(seen, "movie", seen) if seen else Diameter(GUESS, "assumed", None)
    usual = SOMA / pixel_size
    # Smaller cells there are, in flies say; what looks larger is neuropil.
    if seen and seen < usual / DOUBT:
        return Diameter(seen, "movie", seen)
    return Diameter(usual, "pixel size", seen)


def seen_diameter(scene: Scene, parts: int) -> float | None:
    """Diameter, px, of the larger of the strongest sources in so many parts of the field; None with too few."""
    every = list(scene.tiles(PART_VALUES))
    chosen = np.unique(np.linspace(0, len(every) - 1, min(parts, len(every))).round().astype(int))
    found = [pair for k in chosen for pair in _of_tile(scene, *every[k])]
    found = sorted(found, reverse=True)[:SEEDS]
    if len(found) < FEWEST:
        return None
    strength, sizes = np.array(found).T
    order = np.argsort(sizes)
    share = np.cumsum(np.sqrt(strength[order]))
    return float(sizes[order][np.searchsorted(share, LARGE * share[-1])])


def _of_tile(scene: Scene, core: Patch, patch: Patch) -> list[tuple[float, float]]:
    """(energy, diameter) of the clear sources whose centre lies in the core of a tile."""
    from groundtrace.extraction.search_kernels import peel, project

    rows, columns = patch
    z, smooth = scene.patch(rows.start, rows.stop, columns.start, columns.stop)
    whole = z.copy()
    search = Search.of(scene, patch, smooth)
    windows, footprints, _, seeds = peel(z, smooth, energy_of(smooth, search), search, 1, SEEDS)
    found = []
    for (top, left), weight, energy in zip(windows, footprints, seeds, strict=True):
        y, x = np.nonzero(weight > 0)
        middle = centre((y + top, x + left, weight[y, x]))
        if all(span.start <= at + part.start < span.stop for span, at, part in zip(core, middle, patch, strict=True)):
            trace = project(whole, top, left, weight[: z.shape[0] - top, : z.shape[1] - left])
            noise = 1 / float(np.sqrt(np.square(weight).sum()))
            size = _size(scene, whole, trace, noise, (round(middle[0]), round(middle[1])))
            if size is not None:
                found.append((float(energy), size))
    return found


def _size(scene: Scene, z: FloatArray, trace: FloatArray, noise: float, place: tuple[int, int]) -> float | None:
    """Diameter, px, of what is active with a trace at a place of z (Y, X, bins); None when it is not clear."""
    from groundtrace.extraction.outline_kernels import blurred, connected, filled
    from groundtrace.extraction.search_kernels import activity, regress

    bins, values = activity(trace, np.float32(noise), np.float32(scene.memory))
    if not len(bins):
        return None
    reach = round(WINDOW * scene.diameter)
    y0, x0 = (max(0, at - reach) for at in place)
    height, width = (min(side, at + reach + 1) for side, at in zip(z.shape, place, strict=False))
    image = regress(z, y0, x0, height - y0, width - x0, bins, values)
    image = blurred(image, np.array([0.25, 0.5, 0.25], np.float32))
    y, x = place[0] - y0, place[1] - x0
    level = float(np.quantile(image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3], 0.9))
    if level * np.sqrt(np.square(values).sum()) < CLEAR:
        return None
    lit = np.argwhere(image > EDGE * level)
    y, x = lit[np.argmin(np.square(lit - (y, x)).sum(axis=1))]
    piece = filled(connected(image > EDGE * level, int(y), int(x)))
    # What fills its window ends nowhere: neuropil.
    if piece[0].all() or piece[-1].all() or piece[:, 0].all() or piece[:, -1].all() or piece.mean() > 0.4:
        return None
    return float(2 * np.sqrt(piece.sum() / np.pi))
