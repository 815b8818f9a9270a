"""Cells of one-photon movies: transients above light that is out of focus."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import PositiveFloat
from scipy.ndimage import gaussian_filter
from threadpoolctl import threadpool_limits

from groundtrace.arrays import Movie
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.scale import GUESS, SOMA
from groundtrace.extraction.transients import Transients
from groundtrace.movies.file import create_movie
from groundtrace.needs import Need
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.scene import Scene

CHUNK_BYTES = 16 << 20


class OnePhoton(Transients):
    """Cells are found by their transients in frames without what is smooth, and measured in the movie itself, against a
    ring around each."""

    need: ClassVar[Need] = Need(1000, pixel=1000, seconds=15, gigabyte_seconds=60)

    backend: Literal["one_photon"] = "one_photon"  # pyright: ignore[reportIncompatibleVariableOverride]
    background: PositiveFloat = 1.0
    """Standard deviation of the Gaussian by which frames are smoothed for their background, in cell diameters."""
    visible: bool = False
    """Also list cells of the mean image that do not fire; they are never accepted."""

    def run(self, movie: Movie, task: Task, measured: Movie | None = None) -> Extraction:
        """As of every extraction."""
        pixel = task.acquisition.pixel_size
        size = self.diameter(task.acquisition) or (SOMA / pixel if pixel else GUESS)
        with ThreadPoolExecutor(task.threads) as pool, threadpool_limits(1):
            sharp = flattened(movie, self.background * size, task.scratch / "sharp.npy", pool)
            noisy = sharp
            if measured is not None and measured is not movie:
                noisy = flattened(measured, self.background * size, task.scratch / "sharp_measured.npy", pool)
            found = super().run(sharp, task, noisy)
            if found.readout is None:
                return found
            fluorescence, neuropil = found.readout.measure(movie, pool)
        return replace(found, fluorescence=fluorescence, neuropil=neuropil)

    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        found = super().find(movie, scene, task)
        if found.survey is not None:
            images = found.survey.images
            noise = np.sqrt(np.maximum(scene.pixel_variance, 1e-12)).reshape(images["mean"].shape)
            images["peak_to_noise"] = ((images["maximum"] - images["mean"]) / noise).astype(np.float32)
        return found


def flattened(movie: Movie, sigma: float, path: Path, pool: ThreadPoolExecutor) -> Movie:
    """The movie (T, Y, X) without what is smooth over `sigma` px in each frame, written to `path`: around its mean
    level, in its own integer type. A few frames are held at a time."""
    flat, limits = create_movie(path, movie.shape, movie.dtype), np.iinfo(movie.dtype)
    level = np.float32(np.mean([movie[i].mean() for i in np.linspace(0, len(movie) - 1, 50, dtype=int)]))
    size = max(1, CHUNK_BYTES // (4 * movie[0].size))

    def work(start: int) -> None:
        frames = np.asarray(movie[start : start + size], np.float32)
        frames -= gaussian_filter(frames, sigma, axes=(1, 2), truncate=3)
        flat[start : start + size] = np.clip(np.rint(frames + level), limits.min, limits.max).astype(movie.dtype)

    list(pool.map(work, range(0, len(movie), size)))
    return flat
