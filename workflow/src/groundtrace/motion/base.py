"""What every motion backend promises."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray, Movie
from groundtrace.motion.moving import RIGID, Blocks
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
