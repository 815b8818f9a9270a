"""What a backend is told besides the movie it works on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, IntArray
from groundtrace.extraction.given.kinds import RoiFile


@dataclass(frozen=True)
class Task:
    """One plane, and what there is to work on it with."""

    acquisition: Acquisition
    bad_frames: BoolArray
    """(n_frames,) frames that are not to be learnt from: as ingest found them, after motion correction as that did."""
    scratch: Path
    """An empty folder that is deleted afterwards."""
    threads: int
    """They change no result."""
    rois: RoiFile | None = None
    """ROIs that the sheet gives for this plane (column `rois`), for backends that measure given ROIs."""
    segment: IntArray | None = None
    """(n_frames,) stretch without a gap or a border of files, across which nothing is to be filtered; None for one."""

    @property
    def borders(self) -> IntArray:
        """First frames of all such stretches but the first."""
        return np.zeros(0, np.int64) if self.segment is None else np.flatnonzero(np.diff(self.segment)) + 1
