"""What lies in one imaged plane: somata, neuropil and vessels, as images of spline coefficients (see `motion`).

Images are flat, (rows * columns,), over the field and its margin; brightness is relative to that of the neuropil.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.sparse import csc_array, diags_array

from groundtrace.arrays import FloatArray

SOMA_RADIUS = 5.9
"""µm, mouse cortex, as are the following."""
NUCLEUS_RADIUS = 3.8
NUCLEUS_BRIGHTNESS = 0.2
"""Of the cytoplasm's."""
EDGE = 0.5
"""µm; width of a soma's edge, blurred by the optics."""
SPACING = 9.0
"""µm; distance that neighbouring somata keep where there is room."""
BRIGHTNESS = (2.53, 0.4)
"""Shape and scale of the gamma distribution of the cells' resting brightness."""
NEUROPIL_SCALE = 25.0
"""µm; standard deviation of the Gaussian that describes how neuropil activity is correlated in space."""
NEUROPIL_MODES = 24
NEUROPIL_GLOBAL = 0.3
"""Share of the variance of the neuropil's activity that is common to the whole field."""
VESSELS = ((15.0, 0.3), (9.0, 1.0), (4.0, 8.0))
"""Diameter, µm, and length in the section, mm per mm²."""
VESSEL_TRANSMISSION = 0.35
"""Light that is left in the shadow of the widest vessel."""


@dataclass(frozen=True)
class Tissue:
    """One plane, field and margin."""

    shape: tuple[int, int]
    centers: FloatArray
    """(n_cells, 2) px."""
    footprints: csc_array
    """(pixels, n_cells) light of each cell at rest."""
    static: FloatArray
    """(pixels,) light of the neuropil at rest."""
    neuropil: FloatArray
    """(modes, pixels) light per unit of each mode's activity."""


def grow(
    random: np.random.Generator, shape: tuple[int, int], pixel_size: float, density: float, contamination: float
) -> Tissue:
    """Draw one plane of `shape` px. density: cells per mm². contamination: neuropil's light left at a soma."""
    centers = _places(random, shape, pixel_size, density)
    brightness = random.gamma(*BRIGHTNESS, size=len(centers))
    profiles, somata = _somata(random, centers, shape, pixel_size)
    light = _shadows(random, shape, pixel_size)
    texture = 1 + 0.2 * _smooth(random, shape, 15 / pixel_size) + 0.1 * _smooth(random, shape, 1.5 / pixel_size)
    static = light * np.maximum(texture, 0.2) * (1 - (1 - contamination) * somata)
    modes = np.stack([_smooth(random, shape, NEUROPIL_SCALE / np.sqrt(2) / pixel_size) for _ in range(NEUROPIL_MODES)])
    modes *= np.sqrt((1 - NEUROPIL_GLOBAL) / (modes**2).sum(axis=0))
    modes = np.concatenate([np.full((1, *shape), np.sqrt(NEUROPIL_GLOBAL)), modes])
    footprints = diags_array(light.ravel()) @ profiles @ diags_array(brightness)
    return Tissue(
        shape,
        centers,
        csc_array(footprints, dtype=np.float32),
        static.ravel().astype(np.float32),
        (modes * static).reshape(len(modes), -1).astype(np.float32),
    )


def _places(random: np.random.Generator, shape: tuple[int, int], pixel_size: float, density: float) -> FloatArray:
    """Cell centers, px, at random but not on top of each other where there is room: (n_cells, 2)."""
    count = random.poisson(density * shape[0] * shape[1] * (pixel_size / 1000) ** 2)
    centers = np.full((count, 2), np.inf)
    for cell in range(count):
        candidates = random.random((50, 2)) * shape
        distance = np.full(50, np.inf)
        for other in centers[:cell]:
            np.minimum(distance, np.hypot(*(candidates - other).T), out=distance)
        free = np.flatnonzero(distance * pixel_size > SPACING)
        centers[cell] = candidates[free[0] if len(free) else np.argmax(distance)]
    return centers


def _somata(
    random: np.random.Generator, centers: FloatArray, shape: tuple[int, int], pixel_size: float
) -> tuple[csc_array, FloatArray]:
    """Rings of the somata, 1 in the cytoplasm, (pixels, n_cells); share of each pixel that is soma, `shape`."""
    count = len(centers)
    # The plane cuts each soma at a random height; what it shows is a smaller disk around a smaller nucleus.
    size = 1 + 0.08 * random.standard_normal(count)
    height = random.uniform(-0.6, 0.6, count) * SOMA_RADIUS
    radius = np.sqrt((size * SOMA_RADIUS) ** 2 - height**2)
    nucleus = np.sqrt(np.maximum((size * NUCLEUS_RADIUS) ** 2 - height**2, 0))
    axis, elongation = random.uniform(0, np.pi, count), random.uniform(1, 1.15, count)
    pixels, weights, somata = [], [], np.zeros(shape)
    for cell, (y, x) in enumerate(centers):
        reach = int(np.ceil((radius[cell] * elongation[cell] + 6 * EDGE) / pixel_size))
        rows = np.arange(max(int(y) - reach, 0), min(int(y) + reach + 2, shape[0]))[:, None]
        columns = np.arange(max(int(x) - reach, 0), min(int(x) + reach + 2, shape[1]))
        dy, dx = (rows - y) * pixel_size, (columns - x) * pixel_size
        along = (np.cos(axis[cell]) * dx + np.sin(axis[cell]) * dy) / elongation[cell]
        across = (np.cos(axis[cell]) * dy - np.sin(axis[cell]) * dx) * elongation[cell]
        distance = np.hypot(along, across)
        disk = _inside(distance, radius[cell])
        ring = disk - (1 - NUCLEUS_BRIGHTNESS) * _inside(distance, nucleus[cell]) * (nucleus[cell] > 0)
        somata[rows, columns] = np.maximum(somata[rows, columns], disk)
        pixels.append((rows * shape[1] + columns)[ring > 1e-3])
        weights.append(ring[ring > 1e-3])
    bounds = np.concatenate([[0], np.cumsum([len(part) for part in pixels])]).astype(np.int64)
    parts = (np.concatenate(weights), np.concatenate(pixels), bounds) if count else ([], [], bounds)
    return csc_array(parts, shape=(shape[0] * shape[1], count)), somata


def _inside(distance: FloatArray, radius: float) -> FloatArray:
    """1 inside, 0 outside, with a soft edge."""
    return 1 / (1 + np.exp(np.minimum((distance - radius) / (EDGE / 2), 50)))


def _shadows(random: np.random.Generator, shape: tuple[int, int], pixel_size: float) -> FloatArray:
    """Light left by the vessels above and in the plane, 0 to 1: `shape`."""
    light = np.ones(shape)
    area = shape[0] * shape[1] * (pixel_size / 1000) ** 2
    span = float(np.hypot(*shape))
    for diameter, length in VESSELS:
        # A vessel crosses the image on a wavy line; its number follows from the length that is wanted.
        for _ in range(random.poisson(1000 * length * area / (0.7 * span * pixel_size))):
            path = np.ones(shape, dtype=bool)
            start, heading = random.random(2) * shape, random.uniform(0, np.pi)
            along = np.arange(-span, span, 0.5)
            wave = 0.05 * span * np.sin(along / span * random.uniform(3, 9) + random.uniform(0, 6))
            rows = start[0] + along * np.sin(heading) + wave * np.cos(heading)
            columns = start[1] + along * np.cos(heading) - wave * np.sin(heading)
            seen = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
            path[rows[seen].astype(int), columns[seen].astype(int)] = False
            if not seen.any():
                continue
            distance = distance_transform_edt(path, sampling=pixel_size)
            depth = (1 - VESSEL_TRANSMISSION) * diameter / VESSELS[0][0]
            light *= 1 - depth * _inside(np.asarray(distance), diameter / 2)
    return light


def _smooth(random: np.random.Generator, shape: tuple[int, int], scale: float) -> FloatArray:
    """Gaussian random field of mean 0 and variance about 1, smoothed with a Gaussian of `scale` px: `shape`."""
    field = gaussian_filter(random.standard_normal(shape), scale, mode="wrap")
    # Smoothed white noise keeps 1 / (4 pi scale²) of its variance.
    return 2 * np.sqrt(np.pi) * max(scale, 0.5) * field
