"""Scenes of made-up movies, and footprints."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from groundtrace.extraction.base import Footprint
from groundtrace.extraction.scene import Scene, observe


def scene_of(movie: np.ndarray, folder: Path, diameter: float = 10.0) -> Scene:
    with ThreadPoolExecutor(1) as pool:
        return observe(movie, np.zeros(len(movie), bool), diameter, folder, pool)


def disk_image(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return (np.hypot(rows - y, columns - x) <= radius).astype(float)


def footprint(image: np.ndarray) -> Footprint:
    y, x = np.nonzero(image)
    return y.astype(np.int32), x.astype(np.int32), (image[y, x] / image.sum()).astype(np.float32)


def iou(one: Footprint, other: Footprint) -> float:
    a, b = (set(zip(y.tolist(), x.tolist(), strict=True)) for y, x, _ in (one, other))
    return len(a & b) / len(a | b)
