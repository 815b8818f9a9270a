"""Dendrites and axons: sources of any shape, those of one process joined, told from noise by the inverted movie."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from groundtrace.arrays import FloatArray
from groundtrace.extraction.transients import Sources

if TYPE_CHECKING:
    from groundtrace.extraction.scene import Scene
    from groundtrace.extraction.search import Survey
    from groundtrace.extraction.statistics import Statistics

CAUTION = 0.5
"""Decoys more than counted: one source above all decoys proves little."""
LEAST = 15.0
"""Energy, noise SD, of a process. Movies of mere photon noise (3 to 200 photons, 800 bins) gave up to 11 and, as counts
are skewed, fewer decoys than sources."""
REASON = "as much activity is found in the inverted movie"


@dataclass(frozen=True)
class ByDecoys:
    """The share of sources of at least an energy that noise does not explain, which gives decoys as often."""

    energy: FloatArray
    """Ascending, noise SD."""
    probable: FloatArray

    @classmethod
    def of(cls, sources: FloatArray, decoys: FloatArray) -> "ByDecoys":
        """Probabilities from the energies of sources and decoys."""
        energy = np.concatenate([sources, decoys, [0.0]])
        order = np.argsort(energy, kind="stable")
        source = (np.arange(len(energy)) < len(sources))[order]
        stronger, noise = np.cumsum(source[::-1])[::-1], np.cumsum(~source[::-1])[::-1]
        explained = np.minimum.accumulate((CAUTION + noise) / np.maximum(stronger, 1))
        return cls(energy[order], np.maximum(1 - explained, 0))

    def probability(self, statistics: "Statistics") -> FloatArray:
        """(n_rois,)"""
        return np.where(statistics.energy < LEAST, 0, np.interp(statistics.energy, self.energy, self.probable))

    def reasons(self, statistics: "Statistics") -> list[str]:
        """Why a ROI is not accepted."""
        return [REASON] * len(statistics)


class Processes(Sources):
    """Dendrites, axons and boutons by their transients; what they look like does not matter.

    `diameter_um` is the width of a process. Spike rates are inferred as for somata, which all ground truth is from.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "numba")

    backend: Literal["processes"] = "processes"
    min_probability: float = Field(default=0.9, ge=0, le=1)
    """ROIs whose activity noise explains with less than the rest are accepted."""
    list_from: float = Field(default=0, ge=0, le=1)
    """Sources that are less probable are left out of the tables altogether."""
    visible: bool = False
    """Also list cells of the mean image that do not fire; they are never accepted."""
    same_trace: float = Field(default=0.7, gt=0, le=1)
    """Sources whose traces correlate by more are one process ..."""
    largest_gap: float = Field(default=2.0, ge=0)
    """... when no more than so many widths lie between them."""

    kind: ClassVar[str] = "process"

    def judge(self, found: "Survey", scene: "Scene", pool: Executor) -> "tuple[Survey, ByDecoys]":
        from groundtrace.extraction.joining import joined
        from groundtrace.extraction.statistics import Statistics

        energies = (Statistics.of(rows).energy for rows in (found.statistics, found.decoy_statistics))
        return joined(found, scene, pool, self.same_trace, self.largest_gap), ByDecoys.of(*energies)
