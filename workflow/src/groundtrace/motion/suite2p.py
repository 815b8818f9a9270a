"""Rigid and nonrigid phase correlation of Suite2p 1.1.0."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import Movie
from groundtrace.motion.base import MotionBackend, Registration


class Suite2pMotion(MotionBackend):
    """Registration by Suite2p (Pachitariu et al. 2017)."""

    environment: ClassVar[str] = "suite2p"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "suite2p", "torch")
    backend: Literal["suite2p"] = "suite2p"

    def run(
        self, movie: Movie, registered: Movie, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Registration:
        raise NotImplementedError
