"""What every denoising backend promises."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from groundtrace.arrays import FloatArray, Movie
from groundtrace.section import Backend
from groundtrace.task import Task

if TYPE_CHECKING:
    import polars as pl

    from groundtrace.movies.noise import NoiseModel


@dataclass(frozen=True)
class Denoising:
    """What a backend learnt of a movie while denoising it."""

    noise: "NoiseModel"
    mean: FloatArray
    """(Y, X) of the movie, detector units."""
    curve: "pl.DataFrame"
    """Table TrainingCurve; no rows when nothing was trained."""
    check: "pl.DataFrame"
    """Table DenoisingCheck; no rows when every frame is denoised with its own measurement."""
    weights: Mapping[str, FloatArray] = field(default_factory=dict)
    """Weights of what was trained, by name."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is needed to use the weights again."""


class DenoisingBackend(Backend):
    """Denoises a registered movie."""

    environment: ClassVar[str] = "network"

    @abstractmethod
    def run(self, movie: Movie, denoised: Movie, deviation: Movie, task: Task) -> Denoising:
        """Fill `denoised` and `deviation` (both (T, Y, X), floating point) from `movie` (T, Y, X, read-only).

        `denoised` is the expected brightness of each pixel, detector units, and `deviation` the standard deviation of
        what is not known of it. Predictions of a frame never use the task's bad frames. None of the three is held in
        memory as a whole.
        """
