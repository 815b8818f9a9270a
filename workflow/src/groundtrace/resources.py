"""What a job needs: memory and time from the size of its movie, by a model of a few measured numbers.

They come from benchmarks/resources.py; docs/results.md has what is predicted beside what was measured. Nothing here changes
a result.
"""

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.base import ExtractionBackend
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation

FIELD = 512 * 512
"""px, of a recording that nobody has opened yet."""
FRAME_RATE = 30.0
"""Hz, likewise."""
PIXELS_PER_ROI = 300
"""Before extraction has counted them."""
SNAKEMAKE = 300
"""MB; on a cluster Snakemake itself runs twice around every job."""
STARTUP = 5
"""Minutes: a node that wakes up, packages read from a slow file system, compilation."""
SLOWER = 4.0
"""Time limit over processor time: older processors, shared disks, and no gain by a second thread."""
MORE_MEMORY, MORE_TIME = 1.5, 2.0
"""Times as much at each retry."""


@dataclass(frozen=True)
class Size:
    """Of what a job works on."""

    frames: float
    pixels: int
    """Of a frame."""
    frame_rate: float = FRAME_RATE
    table: float | None = None
    """MB on the disk of the table of fluorescence; None when it is not there yet."""

    @property
    def gigabytes(self) -> float:
        """Of the movie."""
        return 2e-9 * self.frames * self.pixels

    @property
    def traces(self) -> float:
        """MB of fluorescence and neuropil of all ROIs."""
        return 8e-6 * self.frames * self.pixels / PIXELS_PER_ROI if self.table is None else self.table


class Need(NamedTuple):
    """Of a rule, or of a rule with one of its methods."""

    base: float
    """MB of resident memory: Python and what is imported."""
    pixel: float = 0
    """Bytes per pixel of each frame that is held: one, or the bins of Suite2p's detection."""
    gigabyte: float = 0
    """MB per GB of movie."""
    trace: float = 0
    """MB per MB of traces."""
    seconds: float = 3
    """CPU s: the imports."""
    gigabyte_seconds: float = 0
    """CPU s per GB of movie."""
    trace_seconds: float = 0
    """CPU s per MB of traces."""

    def megabytes(self, size: Size, held: float = 1) -> float:
        """Peak of resident memory."""
        held_size = 1e-6 * self.pixel * size.pixels * held
        return self.base + held_size + self.gigabyte * size.gigabytes + self.trace * size.traces

    def cpu_seconds(self, size: Size) -> float:
        return self.seconds + self.gigabyte_seconds * size.gigabytes + self.trace_seconds * size.traces


NEEDS: dict[str, Need] = {}


def need_of(rule: str, backend: str | None = None) -> Need:
    return NEEDS[rule if backend is None else f"{rule}/{backend}"]


def megabytes(need: Need, size: Size, attempt: int, held: float = 1) -> int:
    """`mem_mb` of a job."""
    return math.ceil((need.megabytes(size, held) + SNAKEMAKE) * MORE_MEMORY ** (attempt - 1))


def minutes(need: Need, size: Size, attempt: int) -> int:
    """`runtime` of a job."""
    return math.ceil((STARTUP + SLOWER * need.cpu_seconds(size) / 60) * MORE_TIME ** (attempt - 1))


def held_frames(method: object, size: Size, indicator: str) -> float:
    """Frames that a method holds at a time."""
    if not isinstance(method, Suite2pExtraction):
        return 1
    return size.frames / method.bin_size(math.ceil(size.frames), size.frame_rate, indicator)
