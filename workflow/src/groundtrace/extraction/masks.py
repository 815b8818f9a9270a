"""ROIs of one's own: drawn by hand, or found by another program, in this recording or another of the same field."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar, Literal
from warnings import warn

import numpy as np

from groundtrace.arrays import Movie
from groundtrace.errors import InputError
from groundtrace.extraction.base import Extraction, ExtractionBackend, Given
from groundtrace.needs import Need
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.scene import Scene


class Masks(ExtractionBackend):
    """The ROIs that the sheet's column `rois` names, measured without each other's light; all are accepted."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "numba", "h5py", "roifile", "tifffile")
    need: ClassVar[Need] = Need(1150, pixel=220, trace=3, seconds=10, gigabyte_seconds=5)

    backend: Literal["masks"] = "masks"

    @property
    def reads_indicator(self) -> bool:
        return False

    @property
    def reads_rois(self) -> bool:
        return True

    def decides(self) -> bool:
        return True

    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        from groundtrace.extraction.demixing import demixed
        from groundtrace.extraction.given.placing import placed
        from groundtrace.extraction.given.rois import read_rois

        if task.rois is None:
            raise InputError(
                f"{task.acquisition.key}: the extraction backend masks measures given ROIs; fill the column rois "
                "of the sheet"
            )
        path = task.rois.path
        given = placed(path, read_rois(path, task.rois.plane, task.rois.planes), scene.mean, scene.diameter)
        for sentence in given.notes:
            warn(f"{path}: {sentence}", stacklevel=2)
        rois, sure = given.footprints, np.ones(len(given.footprints), bool)
        with ThreadPoolExecutor(task.threads) as pool:
            weighting = demixed(rois, sure, scene.pixel_variance, scene.diameter)
            fluorescence, neuropil = weighting.measure(movie, pool)
        return Extraction(
            pixel_y=[y for y, _, _ in rois],
            pixel_x=[x for _, x, _ in rois],
            weight=[weight for *_, weight in rois],
            classifier_probability=None,
            accepted=sure,
            fluorescence=fluorescence,
            neuropil=neuropil,
            readout=weighting,
            kind="given",
            given=Given(path.name, given.names, given.shift, given.likeness, given.notes),
        )
