"""Denoising by a running mean: what any other method has to beat."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from groundtrace.arrays import Movie
from groundtrace.denoising.base import Denoising, DenoisingBackend
from groundtrace.needs import Need
from groundtrace.task import Task


class Boxcar(DenoisingBackend):
    """Centred running mean over good frames; events become wider and lower, which the deviation does not know of."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "safetensors")
    need: ClassVar[Need] = Need(330, pixel=5500, gigabyte_seconds=12)

    backend: Literal["boxcar"] = "boxcar"
    frames: int = Field(default=5, ge=3, le=1001)
    """An odd number, the frame itself in the middle; fewer at the ends of the movie, at gaps and borders of files."""

    @field_validator("frames")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"{value} frames have no middle; an odd number is needed, {value + 1} say")
        return value

    def run(self, movie: Movie, denoised: Movie, deviation: Movie, task: Task) -> Denoising:
        from groundtrace.denoising.stretches import spans
        from groundtrace.denoising.tables import DenoisingCheck, TrainingCurve
        from groundtrace.movies.noise import mean_image, measure_noise
        from groundtrace.tables import empty

        good = np.flatnonzero(~task.bad_frames)
        mean = mean_image(movie, good)
        noise = measure_noise(movie, good, mean)
        before = np.searchsorted(good, np.arange(len(movie)))
        begin, end = spans(good, task.borders, np.arange(len(movie)))
        first = np.maximum(before - self.frames // 2, begin)
        # A bad frame has as many to each side, and no middle.
        after = np.minimum(before + ~task.bad_frames + self.frames // 2, end)
        # Whole numbers: adding and taking away leaves no trace.
        total, start, stop = np.zeros(movie.shape[1:], np.int64), 0, 0
        for t in range(len(movie)):
            for k in good[stop : after[t]]:
                total += movie[k]
            for k in good[start : first[t]]:
                total -= movie[k]
            start, stop = int(first[t]), int(after[t])
            value = total / (stop - start)
            denoised[t] = value
            deviation[t] = np.sqrt(noise.variance(value) / (stop - start))
        return Denoising(noise, mean.astype(np.float32), empty(TrainingCurve), empty(DenoisingCheck))
