"""Registration close to what the photons allow: a matched filter, then weighted least squares block by block, then a
smoother over space and time; and the error of every shift."""

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Literal

from pydantic import Field
from threadpoolctl import threadpool_limits

from groundtrace.arrays import Movie
from groundtrace.errors import InputError
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.needs import Need
from groundtrace.task import Task


class Phase(MotionBackend):
    """Matched filter, weighted least squares and a space-time smoother; every shift with its standard error.

    A frame is moved once, from its raw pixels: whole pixels where the displacement is whole, bilinear elsewhere.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "numba")
    need: ClassVar[Need] = Need(460, pixel=2900, gigabyte=32, seconds=10, gigabyte_seconds=10)

    backend: Literal["phase"] = "phase"
    nonrigid: bool = True
    """Also follow smooth displacements beyond the rigid one, and the motion while a frame is scanned."""
    max_shift: float = Field(default=0.1, gt=0, le=0.5)
    """Largest rigid shift that is looked for, fraction of the field's shorter side; a frame that is clearly seen
    farther away, up to 0.4 of it, is followed."""
    reference_frames: int = Field(default=1000, ge=20)
    """Frames, evenly spread, from which the final template is made: the noise of the template is an error of every
    shift."""

    def run(self, movie: Movie, registered: Movie, task: Task) -> Registration:
        from groundtrace.motion.phase.registration import Settings, register

        bound = round(self.max_shift * min(movie.shape[1:]))
        if bound < 1:
            raise InputError(
                f"max_shift {self.max_shift} of a field of {movie.shape[1]} x {movie.shape[2]} px is less than one "
                "pixel; raise it"
            )
        rate = task.acquisition.frame_rate
        settings = Settings(bound, self.reference_frames, self.nonrigid, rate, task.bad_frames, task.borders)
        with threadpool_limits(1), ThreadPoolExecutor(task.threads) as pool:
            return register(movie, registered, settings, pool)
