"""Memory and time that a job needs: a model of a few measured numbers over the size of its movie.

The numbers come from measurements/resources.py; docs/results.md has what is predicted beside what was measured. Nothing
here changes a result.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

FRAME_RATE = 30.0
"""Hz, of a recording that has not been opened yet."""
PIXELS_PER_ROI = 200
"""Pixels of the field for each ROI, until extraction has counted the ROIs."""


@dataclass(frozen=True)
class Size:
    """Size of what a job works on."""

    frames: float
    pixels: int
    """Pixels of a frame."""
    frame_rate: float = FRAME_RATE
    table: float | None = None
    """MB, the table of fluorescence; None when it is not there yet."""

    @property
    def gigabytes(self) -> float:
        """Size of the movie; pixels have 2 bytes."""
        return 2e-9 * self.frames * self.pixels

    @property
    def traces(self) -> float:
        """MB of fluorescence and neuropil of all ROIs."""
        return 8e-6 * self.frames * self.pixels / PIXELS_PER_ROI if self.table is None else self.table

    def with_table(self, path: str) -> "Size":
        """The same with the size of the table of fluorescence, if it is there."""
        file = Path(path)
        return replace(self, table=file.stat().st_size / 1e6) if file.exists() else self


class Need(NamedTuple):
    """Memory and time that a rule, or one of its methods, needs."""

    base: float
    """MB of resident memory: Python and what is imported."""
    pixel: float = 0
    """Bytes per pixel of each frame that is held (`Backend.held_frames`)."""
    gigabyte: float = 0
    """MB per GB of movie."""
    frame: float = 0
    """kB per frame of the movie, whatever its size."""
    trace: float = 0
    """MB per MB of traces."""
    seconds: float = 3
    """CPU s: the imports."""
    gigabyte_seconds: float = 0
    """CPU s per GB of movie."""
    trace_seconds: float = 0
    """CPU s per MB of traces."""

    def megabytes(self, size: Size, held: float = 1) -> float:
        """Peak of the resident memory."""
        frames = 1e-6 * self.pixel * size.pixels * held + 1e-3 * self.frame * size.frames
        return self.base + frames + self.gigabyte * size.gigabytes + self.trace * size.traces

    def cpu_seconds(self, size: Size) -> float:
        return self.seconds + self.gigabyte_seconds * size.gigabytes + self.trace_seconds * size.traces
