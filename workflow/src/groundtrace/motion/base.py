"""What every motion backend promises."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray, Movie
from groundtrace.io import create_movie
from groundtrace.motion.moving import RIGID, Blocks, move_movie
from groundtrace.section import Backend


@dataclass(frozen=True)
class Registration:
    """Where the tissue was in each frame: registered[t, p] = raw[t, p + (y, x)]."""

    y: FloatArray
    """(n_frames,) rigid displacement of the frame's content, px, positive down."""
    x: FloatArray
    """(n_frames,) px, positive right."""
    correlation: FloatArray
    """(n_frames,) peak of the registration correlation, the backend's own scale."""
    block_y: FloatArray
    """(n_frames, n_blocks) nonrigid displacement beyond `y`, px; n_blocks = 0 when rigid."""
    block_x: FloatArray
    """(n_frames, n_blocks) px."""
    template: FloatArray
    """(height, width) the image frames were registered to, detector units."""
    blocks: Blocks = RIGID
    """Where the blocks are."""
    y_error: FloatArray | None = None
    """(n_frames,) px, standard error of `y`; None when the backend knows none."""
    x_error: FloatArray | None = None
    """(n_frames,) px."""


class MotionBackend(Backend):
    """Registers a movie to a template."""

    @abstractmethod
    def run(
        self, movie: Movie, registered: Movie, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Registration:
        """Fill `registered` (same shape and integer type as `movie`) and return the displacements.

        `movie` is read-only and never held in memory as a whole; `scratch` is an empty folder that is deleted
        afterwards. Raises BackendError when the movie cannot be registered.
        """

    def register(
        self, reference: Movie, movie: Movie, registered: Movie, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Registration:
        """Fill `registered` with `movie`, moved as `run` finds it for `reference`, another channel or the same movie.

        The template returned is then the mean of the moved frames.
        """
        if reference is movie:
            return self.run(movie, registered, acquisition, scratch, threads)
        own, working = scratch / "reference.npy", scratch / "backend"
        working.mkdir()
        found = self.run(reference, create_movie(own, reference.shape, reference.dtype), acquisition, working, threads)
        own.unlink()
        rigid, beyond = (found.y, found.x), (found.block_y, found.block_x)
        template = move_movie(movie, registered, rigid, beyond, found.blocks)
        return replace(found, template=template)
