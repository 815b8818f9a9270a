"""No motion correction: the floor every backend is compared with."""

from typing import ClassVar, Literal

import numpy as np

from groundtrace.arrays import Movie
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import Displacement
from groundtrace.needs import Need
from groundtrace.task import Task

CHUNK_BYTES = 32 << 20
"""Size of the movie's part in memory at a time."""


class NoMotion(MotionBackend):
    """Keep the frames as acquired."""

    need: ClassVar[Need] = Need(400, pixel=200, gigabyte_seconds=20)

    backend: Literal["none"] = "none"

    def run(self, movie: Movie, registered: Movie, task: Task) -> Registration:
        frames = len(movie)
        total = np.zeros(movie.shape[1:])
        size = max(1, CHUNK_BYTES // movie[0].nbytes)
        for start in range(0, frames, size):
            chunk = movie[start : start + size]
            registered[start : start + size] = chunk
            total += chunk.sum(axis=0, dtype=np.float64)
        zeros = np.zeros(frames, np.float32)
        return Registration(Displacement.rigid(zeros, zeros), zeros, (total / frames).astype(np.float32))
