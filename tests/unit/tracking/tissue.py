"""Sessions of a field that are drawn, not simulated: rings of many sizes on a cloudy ground."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import FloatArray
from groundtrace.tracking.field import Visit

SIZE, DIAMETER = 160, 10.0
MIDDLE = (SIZE - 1) / 2


def places(seed: int, cells: int = 60) -> np.ndarray:
    """(cells, 2) px, a cell apart."""
    random, found = np.random.default_rng(seed), np.zeros((0, 2))
    while len(found) < cells:
        new = random.uniform(6, SIZE - 7, 2)
        if not len(found) or np.hypot(*(found - new).T).min() > DIAMETER:
            found = np.vstack([found, new])
    return found


def turned(where: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return MIDDLE + (where - MIDDLE) @ matrix.T + shift


def visit(key: str, where: np.ndarray, seed: int) -> Visit:
    """A session in which cells are at `where`; seed: of its noise."""
    random, mean, footprints, kept = np.random.default_rng(seed), np.full((SIZE, SIZE), 100.0), [], []
    grid = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij"), axis=-1)
    for roi, place in enumerate(where):
        away = np.hypot(*np.moveaxis(grid - place, -1, 0))
        light = np.clip(DIAMETER / 2 + 0.5 - away, 0, 1) * (0.4 + 0.6 * (away > 2))
        if light.sum() < 40:
            continue
        mean += 40 * light
        y, x = np.nonzero(light > 0.1)
        footprints.append((y, x, light[y, x] / light[y, x].sum()))
        kept.append(roi)
    seen: FloatArray = gaussian_filter(mean, 0.7) + random.normal(0, 3, mean.shape)
    return Visit(key, {"mean": seen}, np.array(kept, np.int32), footprints, DIAMETER)


def permuted(visits: list[Visit], order: list[int]) -> list[Visit]:
    return [replace(visits[k]) for k in order]
