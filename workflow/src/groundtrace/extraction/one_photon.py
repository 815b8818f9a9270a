"""Cells of one-photon movies: transients in the movie without the light that is out of focus."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from groundtrace.arrays import Movie
from groundtrace.errors import BackendError
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.transients import Transients
from groundtrace.needs import Need
from groundtrace.task import Task


class OnePhoton(Transients):
    """For one-photon movies: the background of each place is told by rings around it and taken out, then cells are
    found by their transients and measured. dF/F is relative to all light, that of the background too."""

    need: ClassVar[Need] = Need(1000, pixel=1000, seconds=15, gigabyte_seconds=60)

    backend: Literal["one_photon"] = "one_photon"  # pyright: ignore[reportIncompatibleVariableOverride]
    visible: bool = False
    """Also list cells of the mean image that do not fire; they are never accepted."""

    @property
    def takes_background(self) -> bool:
        return True

    def run(self, movie: Movie, task: Task, measured: Movie | None = None) -> Extraction:
        from threadpoolctl import threadpool_limits

        from groundtrace.extraction.rings import without_background
        from groundtrace.extraction.scale import GUESS, SOMA

        if measured is not None and measured is not movie:
            raise BackendError(
                f"{task.acquisition.key}: the extraction backend one_photon takes the background out of the registered "
                "movie, so that the noise of its traces is not known after denoising; use denoise: none in its recipe"
            )
        pixel = task.acquisition.pixel_size
        diameter = self.diameter(task.acquisition) or (SOMA / pixel if pixel else GUESS)
        with ThreadPoolExecutor(task.threads) as pool, threadpool_limits(1):
            flat, mean = without_background(movie, task.bad_frames, diameter, task.scratch / "flat.npy", pool)
        found = super().run(flat, task)
        assert found.judgement is not None
        images = found.judgement.images | {"mean": mean.astype(np.float32)}
        # Most light of the surroundings is background, which is no light of the cell's: only its changes are to be
        # taken from F, or next to nothing is left to divide by.
        around = found.neuropil
        changes = around - around.mean(axis=1, keepdims=True) + np.float32(task.acquisition.offset or 0)
        # No weighting of the registered movie's pixels gives these traces.
        judged = replace(found.judgement, images=images)
        return replace(found, neuropil=changes, readout=None, judgement=judged)
