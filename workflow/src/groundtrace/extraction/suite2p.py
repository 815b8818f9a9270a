"""Source detection and extraction of Suite2p 1.1.0."""

from pathlib import Path
from typing import ClassVar, Literal

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, Movie
from groundtrace.extraction.base import Extraction, ExtractionBackend


class Suite2pExtraction(ExtractionBackend):
    """Detection and extraction by Suite2p (Pachitariu et al. 2017)."""

    environment: ClassVar[str] = "suite2p"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "suite2p", "torch")
    backend: Literal["suite2p"] = "suite2p"

    def run(
        self, movie: Movie, bad_frames: BoolArray, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Extraction:
        raise NotImplementedError
