"""No motion correction: the floor every backend is compared with."""

from pathlib import Path
from typing import Literal

import numpy as np

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import Movie
from groundtrace.io import release
from groundtrace.motion.base import MotionBackend, Registration

CHUNK_BYTES = 32 << 20
"""Of movie held at a time."""


class NoMotion(MotionBackend):
    """Keep the frames as acquired."""

    backend: Literal["none"] = "none"

    def run(
        self, movie: Movie, registered: Movie, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Registration:
        frames = len(movie)
        total = np.zeros(movie.shape[1:])
        size = max(1, CHUNK_BYTES // movie[0].nbytes)
        for start in range(0, frames, size):
            chunk = movie[start : start + size]
            registered[start : start + size] = chunk
            total += chunk.sum(axis=0, dtype=np.float64)
            release(movie, registered)
        zeros, blocks = np.zeros(frames, np.float32), np.zeros((frames, 0), np.float32)
        return Registration(zeros, zeros, zeros, blocks, blocks, (total / frames).astype(np.float32))
