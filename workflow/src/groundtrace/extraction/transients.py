"""Cells by their transients: sources of a movie in units of its noise, judged by what cells look like."""

from abc import abstractmethod
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from groundtrace.arrays import Movie
from groundtrace.extraction.base import Extraction, ExtractionBackend
from groundtrace.needs import Need
from groundtrace.notices import notice
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.base import Judge
    from groundtrace.extraction.scene import Scene
    from groundtrace.extraction.search import Survey

BELIEVED = 0.3
"""Probability from which a ROI takes light from those it overlaps, and pixels from their neuropil."""


class Sources(ExtractionBackend):
    """Sources found by their energy above the noise, fitted together, and measured without each other's light."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "numba")
    need: ClassVar[Need] = Need(1000, pixel=1000, seconds=12, gigabyte_seconds=14)

    max_rois: PositiveInt = 5000
    """Most sources to look for."""
    list_from: float = Field(default=0.05, ge=0, le=1)
    """Sources that are less probable cells are left out of the tables altogether: neuropil, boutons, noise."""
    visible: bool = True
    """Also list cells of the mean image that do not fire; they are never accepted."""

    kind: ClassVar[str] = "active"

    @property
    def reads_indicator(self) -> bool:
        return False

    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        from dataclasses import replace

        from groundtrace.extraction.demixing import demixed
        from groundtrace.extraction.search import survey
        from groundtrace.extraction.statistics import Statistics
        from groundtrace.extraction.visible import visible_cells

        acquisition = task.acquisition
        with ThreadPoolExecutor(task.threads) as pool:
            found, judge = self.judge(survey(scene, pool, most=self.max_rois), scene, pool)
            probability = judge.probability(Statistics.of(found.statistics))
            kept = np.flatnonzero(probability >= self.list_from)
            active = [found.footprints[n] for n in kept]
            cells = [found.footprints[n] for n in np.flatnonzero(probability >= self.min_probability)]
            silent = visible_cells(scene.mean, scene.dark, cells, scene.diameter) if self.visible else []
            rois = active + silent
            if not rois:
                look = "look at the energy image, and set diameter_um or diameter_px to their size"
                notice(
                    "no_roi",
                    f"no ROI found in {acquisition.key} plane {acquisition.plane}; if there should be cells, "
                    f"{scene.advice(look)}",
                )
            believed = np.concatenate([probability[kept] >= BELIEVED, np.ones(len(silent), bool)])
            weighting = demixed(rois, believed, scene.pixel_variance, scene.diameter) if rois else None
            empty = np.zeros((2, 0, len(movie)), np.float32)
            fluorescence, neuropil = weighting.measure(movie, pool) if weighting else empty
        return Extraction(
            pixel_y=[y for y, _, _ in rois],
            pixel_x=[x for _, x, _ in rois],
            weight=[weight for *_, weight in rois],
            classifier_probability=None,
            accepted=np.zeros(len(rois), bool),
            fluorescence=fluorescence,
            neuropil=neuropil,
            readout=weighting,
            visible=np.arange(len(rois)) >= len(active),
            survey=replace(found, footprints=active, statistics=found.statistics[kept]),
            judge=judge,
            kind=self.kind,
        )

    @abstractmethod
    def judge(self, found: "Survey", scene: "Scene", pool: Executor) -> "tuple[Survey, Judge]":
        """The sources that become ROIs, and what tells how probable they are."""


class Transients(Sources):
    """Cells: sources that look like somata."""

    backend: Literal["transients"] = "transients"

    def judge(self, found: "Survey", scene: "Scene", pool: Executor) -> "tuple[Survey, Judge]":
        from groundtrace.extraction.acceptance import acceptance

        return found, acceptance()
