"""Small movies whose motion and cells are known exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import ndimage
from scipy.ndimage import convolve1d, gaussian_filter
from scipy.signal import lfilter

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.movies.tables import UNUSABLE
from groundtrace.task import Task

TAPS = np.array([0.1, 1.0, 0.1]) / np.sqrt(1.02)
"""Filter of noise whose neighbours share a part."""


def acquisition(shape: tuple[int, ...], dtype: str = "uint16", **changes) -> Acquisition:
    frames, height, width = shape
    values = {
        "subject": "M01",
        "session": "001",
        "plane": 0,
        "planes": 1,
        "channels": 1,
        "functional_channel": 1,
        "frames": frames,
        "height": height,
        "width": width,
        "dtype": dtype,
        "frame_rate": 10.0,
        "indicator": "GCaMP6f",
        "saturation": int(np.iinfo(dtype).max),
        "sources": (SourceFile(name="movie.tif", sha256="0" * 64, frames=frames),),
    }
    return Acquisition(**{**values, **changes})


def task(movie: np.ndarray, scratch: Path, bad: Sequence[int] = (), threads: int = 1, **sheet: Any) -> Task:
    """Task of a backend that works on `movie`. bad: indices of frames. sheet: what it says other than usual."""
    flags = np.isin(np.arange(len(movie)), bad)
    return Task(acquisition(movie.shape, str(movie.dtype), **sheet), flags, scratch, threads)


def frames_table(count: int, **marked: tuple[int, ...]) -> pl.DataFrame:
    """marked: frames for which a column of UNUSABLE holds."""
    index = np.arange(count, dtype=np.int32)
    return pl.DataFrame(
        {
            "frame": index,
            "brightness": np.ones(count, np.float32),
            "saturated": np.zeros(count, np.float32),
            **{name: np.isin(index, marked.get(name, ())) for name in UNUSABLE},
            "segment": np.zeros(count, np.int32),
        }
    )


class Tissue:
    """A sum of Gaussian spots: its value is known at every fraction of a pixel, also beyond the field."""

    def __init__(self, height: int, width: int, seed: int = 0, brightness: float = 600.0):
        random = np.random.default_rng(seed)
        self.height, self.width = height, width
        count = height * width // 60
        self.y = random.uniform(-20, height + 20, count)
        self.x = random.uniform(-20, width + 20, count)
        self.sigma = random.choice([1.5, 2.5, 4.0], count)
        self.amplitude = brightness * random.uniform(0.2, 1.0, count)

    def image(self, y: float = 0.0, x: float = 0.0) -> np.ndarray:
        """The field when the tissue has moved by (y, x): down and right are positive."""
        image = np.zeros((self.height, self.width))
        for sigma in np.unique(self.sigma):
            of = self.sigma == sigma
            rows = np.exp(-((np.arange(self.height)[:, None] - self.y[of] - y) ** 2) / (2 * sigma**2))
            columns = np.exp(-((np.arange(self.width)[:, None] - self.x[of] - x) ** 2) / (2 * sigma**2))
            image += (rows * self.amplitude[of]) @ columns.T
        return image + 50


@dataclass(frozen=True)
class Moving:
    """A movie and where the tissue was in each frame, relative to the mean position."""

    movie: np.ndarray
    y: np.ndarray
    x: np.ndarray
    still: np.ndarray
    """(height, width), the tissue without noise at (0, 0)."""


def moving(
    shape: tuple[int, int, int] = (120, 128, 128),
    dtype: str = "uint16",
    whole: bool = True,
    amplitude: float = 4.0,
    noise: float = 1.0,
    seed: int = 0,
    offset: float = 0.0,
) -> Moving:
    """Tissue that moves as a whole. noise: of one photon, so that variance = noise * signal."""
    frames, height, width = shape
    random = np.random.default_rng(seed)
    tissue = Tissue(height, width, seed)
    walk = np.cumsum(random.normal(0, 1, (2, frames)), axis=1)
    walk -= walk.mean(axis=1, keepdims=True)
    walk *= amplitude / np.abs(walk).max()
    y, x = np.rint(walk) if whole else walk
    movie = np.empty(shape, dtype)
    for t in range(frames):
        signal = tissue.image(y[t], x[t])
        seen = noise * random.poisson(signal / noise) if noise else np.rint(signal)
        movie[t] = np.clip(seen + offset, np.iinfo(dtype).min, np.iinfo(dtype).max)
    return Moving(movie, y, x, tissue.image() + offset)


@dataclass(frozen=True)
class Cells:
    """A movie without motion, and its cells."""

    movie: np.ndarray
    y: np.ndarray
    x: np.ndarray
    activity: np.ndarray
    """(cells, frames) fluorescence above rest, relative to rest."""


def with_cells(
    shape: tuple[int, int, int] = (400, 128, 128),
    count: int = 12,
    dtype: str = "uint16",
    seed: int = 0,
    radius: float = 5.0,
    decay: float = 5.0,
    rate: float = 0.03,
    response: float | np.ndarray = 1.5,
) -> Cells:
    """Disks on a grid, each with its own transients.

    radius: px. decay: frames. rate: transients per frame. response: to each, relative to rest, of all cells or by cell.
    """
    frames, height, width = shape
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    grid = [(height * (i + 0.5) / side, width * (j + 0.5) / side) for i in range(side) for j in range(side)][:count]
    y, x = (np.array(grid) + random.uniform(-3, 3, (count, 2))).T
    spikes = random.random((count, frames)) < rate
    kernel = np.exp(-np.arange(round(6 * decay)) / decay)
    activity = np.reshape(response, (-1, 1)) * np.array([np.convolve(s, kernel)[:frames] for s in spikes])
    rows, columns = np.mgrid[:height, :width]
    away = np.array([np.hypot(rows - a, columns - b) - radius for a, b in zip(y, x, strict=True)])
    disks = 1 / (1 + np.exp(np.minimum(2 * away, 100)))
    rest = 100 + 150 * disks.sum(axis=0)
    moved = 150 * (activity.T @ disks.reshape(count, -1)).reshape(shape)
    return Cells(random.poisson(rest + moved).astype(dtype), y, x, activity)


def correlated(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard noise whose neighbours in y and x share a part."""
    noise = random.standard_normal(shape)
    for axis in (-2, -1):
        noise = convolve1d(noise, TAPS, axis=axis, mode="wrap")
    return noise


def one_photon(
    frames: int, side: int, seed: int = 0, contrast: float = 0.03, background: float = 0.08, motion: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """A movie (frames, side, side) uint16 as a one-photon miniscope takes it, and its motion (frames, 2) px, rigid.

    Vessels of little contrast and blurred cells, lit unevenly, under light from out of focus that changes by
    `background` of the brightness, many times the photon noise.
    """
    random, size = np.random.default_rng(seed), side + 80
    vessels = -np.clip(gaussian_filter(random.standard_normal((size, size)), 4) * 14 - 0.5, 0, None)
    places, grid = random.uniform(0, size, (60, 2, 1)), np.arange(size)
    rows, columns = np.moveaxis(np.exp(-((grid - places) ** 2) / 32), 1, 0)
    spikes = random.random((60, frames)) < 0.01
    activity = np.asarray(lfilter([0.05], [1.0, -0.95], spikes))
    modes = gaussian_filter(random.standard_normal((12, size, size)), (0, 25, 25))
    light = gaussian_filter(random.standard_normal((12, frames)), (0, 8))
    modes, light = modes / modes.std(), background / np.sqrt(12) * light / light.std()
    walk = np.cumsum(random.normal(0, 0.25, (frames, 2)), axis=0)
    walk -= gaussian_filter(walk, (60, 0))
    walk *= motion / walk.std()
    middle = (np.arange(side) - side / 2) ** 2
    lamp = 1500 * np.exp(-(middle[:, None] + middle) / (0.98 * side**2))
    movie = np.empty((frames, side, side), np.uint16)
    for i, (y, x) in enumerate(40 - walk):
        scene = 1 + contrast * vessels / vessels.std() + (rows.T * activity[:, i]) @ columns
        scene += np.tensordot(light[:, i], modes, 1)
        seen = ndimage.shift(scene, (-y, -x), order=3, mode="nearest")[:side, :side]
        movie[i] = random.poisson(np.clip(seen * lamp, 0, None))
    return movie, walk
