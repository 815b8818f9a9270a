"""What every motion backend promises."""

from abc import abstractmethod
from dataclasses import dataclass, replace

from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.motion.moving import Displacement, move_movie
from groundtrace.movies.file import create_movie
from groundtrace.section import Backend
from groundtrace.task import Task


@dataclass(frozen=True)
class Registration:
    """Where the tissue was in each frame, and how that was found."""

    shift: Displacement
    correlation: FloatArray
    """(n_frames,) peak of the registration correlation, the backend's own scale; 0 when it has none."""
    template: FloatArray
    """(height, width) float32, the image frames were registered to, detector units."""
    y_error: FloatArray | None = None
    """(n_frames,) px, standard error of the rigid displacement; None when the backend knows none."""
    x_error: FloatArray | None = None
    """(n_frames,) px."""
    lost: BoolArray | None = None
    """(n_frames,) frames that the backend could not follow; None when it does not know."""


class MotionBackend(Backend):
    """Registers a movie to a template."""

    @abstractmethod
    def run(self, movie: Movie, registered: Movie, task: Task) -> Registration:
        """Fill `registered` (same shape and integer type as `movie`) and return the displacements.

        `movie` is read-only and never held in memory as a whole. Raises BackendError when the movie cannot be
        registered.
        """

    def register(self, reference: Movie, movie: Movie, registered: Movie, task: Task) -> Registration:
        """Fill `registered` with `movie`, moved as `run` finds it for `reference`, another channel or the same movie.

        The template returned is then the mean of the moved frames.
        """
        if reference is movie:
            return self.run(movie, registered, task)
        own, working = task.scratch / "reference.npy", task.scratch / "backend"
        working.mkdir()
        moved = create_movie(own, reference.shape, reference.dtype)
        found = self.run(reference, moved, replace(task, scratch=working))
        own.unlink()
        return replace(found, template=move_movie(movie, registered, found.shift))
