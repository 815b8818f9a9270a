"""Denoising by the strongest components of the movie as a whole."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from groundtrace.arrays import Movie
from groundtrace.denoising.base import Denoising, DenoisingBackend
from groundtrace.needs import Need
from groundtrace.task import Task


class Svd(DenoisingBackend):
    """Truncated singular value decomposition of the movie in units of its noise.

    What is weaker than the strongest component of noise alone is left out, and with it weak and rare activity; the
    deviation does not know of it.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "safetensors")
    need: ClassVar[Need] = Need(330, pixel=9000, seconds=5, gigabyte_seconds=150)

    backend: Literal["svd"] = "svd"
    components: PositiveInt | None = None
    """Components to keep; by default those stronger than the movie's noise can make them, at most 200."""
    seed: int = Field(default=0, ge=0)
    """Seed of the random projection that the components are found with."""

    def run(self, movie: Movie, denoised: Movie, deviation: Movie, task: Task) -> Denoising:
        from threadpoolctl import threadpool_limits

        from groundtrace.denoising.decomposition import decompose, reconstruct
        from groundtrace.denoising.tables import DenoisingCheck, TrainingCurve
        from groundtrace.tables import empty

        with threadpool_limits(1):
            found = decompose(movie, task.bad_frames, self.components, self.seed, task.threads)
            reconstruct(found, denoised, deviation, task.threads)
        tables = empty(TrainingCurve), empty(DenoisingCheck)
        print(f"{found.count} components of the movie are kept")
        return Denoising(found.noise, found.mean, *tables, about={"components": found.count})
