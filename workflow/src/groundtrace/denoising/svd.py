"""Denoising by the strongest components of the movie as a whole."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.denoising.base import Denoising, DenoisingBackend


class Svd(DenoisingBackend):
    """Truncated singular value decomposition of the movie in units of its noise.

    What is weaker than the strongest component of noise alone is left out, and with it weak and rare activity; the
    deviation does not know of it.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "safetensors")

    backend: Literal["svd"] = "svd"
    components: PositiveInt | None = None
    """To keep; without it, those stronger than noise of this size, shape and correlation can be, at most 200."""
    seed: int = Field(default=0, ge=0)
    """Of the random projection that the components are found with."""

    def run(
        self,
        movie: Movie,
        denoised: FloatArray,
        deviation: FloatArray,
        bad_frames: BoolArray,
        acquisition: Acquisition,
        threads: int,
    ) -> Denoising:
        from threadpoolctl import threadpool_limits

        from groundtrace.denoising.decomposition import decompose, reconstruct
        from groundtrace.tables import DenoisingCheck, TrainingCurve, empty

        with threadpool_limits(1):
            found = decompose(movie, bad_frames, self.components, self.seed, threads)
            reconstruct(found, denoised, deviation, threads)
        tables = empty(TrainingCurve), empty(DenoisingCheck)
        print(f"{found.count} components of the movie are kept")
        return Denoising(found.noise, found.mean, *tables, about={"components": found.count})
