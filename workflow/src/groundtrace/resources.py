"""What a job needs: memory and time from the size of its movie, by a model of a few measured numbers.

They come from benchmarks/resources.py; docs/results.md has what is predicted beside what was measured. Nothing here
changes a result.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.section import Backend
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation

FIELD = 512 * 512
"""px, of a recording that has not been opened yet."""
FRAME_RATE = 30.0
"""Hz, likewise."""
PIXELS_PER_ROI = 200
"""Until extraction has counted them."""
SNAKEMAKE = 300
"""MB; on a cluster Snakemake itself runs around every job."""
STARTUP = 5
"""Minutes: a node that wakes up, packages read from a slow file system, code that is compiled at its first use."""
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
    """MB, the table of fluorescence; None when it is not there yet."""

    @property
    def gigabytes(self) -> float:
        """Of the movie; pixels have 2 bytes."""
        return 2e-9 * self.frames * self.pixels

    @property
    def traces(self) -> float:
        """MB of fluorescence and neuropil of all ROIs."""
        return 8e-6 * self.frames * self.pixels / PIXELS_PER_ROI if self.table is None else self.table

    def with_table(self, path: str) -> "Size":
        """The same with the size of the table of fluorescence, if it is there."""
        file = Path(path)
        return replace(self, table=file.stat().st_size / 1e6) if file.exists() else self


def simulated(parameters: Simulation, session: Session, planes: int = 1) -> Size:
    """Of one plane of a simulated session, or of several together."""
    pixels = parameters.height * parameters.width
    return Size(parameters.frames * planes, pixels, session.frame_rate or FRAME_RATE)


def recorded(session: Session, acquisition: str) -> Size:
    """Of one plane of a real session: as ingest found it; before that by the size of the raw files.

    Compressed files hold more than their size says. Only ingest is judged by it, which needs the same memory for every
    movie; all other jobs are judged again when ingest is done.
    """
    file = Path(acquisition)
    if file.exists():
        known = _ingested(file, file.stat().st_mtime_ns)
        return Size(known.frames, known.height * known.width, known.frame_rate)
    # Frozen models are hashable, which type checkers do not see.
    frames = _raw_bytes(session) / (2 * FIELD * session.planes * session.channels)  # pyright: ignore[reportArgumentType]
    return Size(frames, FIELD, session.frame_rate or FRAME_RATE)


@cache
def _ingested(file: Path, _changed: int) -> Acquisition:
    return Acquisition.read(file)


@cache
def _raw_bytes(session: Session) -> int:
    found = [part for path in session.files() for part in (path.rglob("*") if path.is_dir() else [path])]
    return sum(path.stat().st_size for path in found)


class Need(NamedTuple):
    """Of a rule, or of one of its methods."""

    base: float
    """MB of resident memory: Python and what is imported."""
    pixel: float = 0
    """Bytes per pixel of each frame that is held (`held_frames`)."""
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


NEEDS = {
    "simulate": Need(375, gigabyte=62, gigabyte_seconds=77),
    "clean_movie": Need(375, gigabyte=62, gigabyte_seconds=77),
    "ingest": Need(460, pixel=180, gigabyte_seconds=4.2),
    "motion/none": Need(400, pixel=200, gigabyte_seconds=20),
    "motion/phase": Need(460, pixel=2900, gigabyte=32, seconds=10, gigabyte_seconds=10),
    "motion/suite2p": Need(1160, pixel=3000, seconds=10, gigabyte_seconds=100),
    "motion/normcorre": Need(800, pixel=3000, seconds=10, gigabyte_seconds=250),
    "denoise/none": Need(300),
    "denoise/boxcar": Need(330, pixel=5500, gigabyte_seconds=12),
    "denoise/svd": Need(330, pixel=9000, seconds=5, gigabyte_seconds=150),
    "denoise/network": Need(1600, pixel=7000, seconds=120, gigabyte_seconds=550),
    "extract/suite2p": Need(1150, pixel=18.5, seconds=10, gigabyte_seconds=9.5),
    "extract/cnmf": Need(1000, gigabyte=2500, seconds=10, gigabyte_seconds=500),
    "extract/cnmfe": Need(1000, gigabyte=2500, seconds=10, gigabyte_seconds=500),
    "extract/onacid": Need(1000, gigabyte=2500, seconds=10, gigabyte_seconds=250),
    "oracle": Need(1150, pixel=220, trace=3, seconds=10, gigabyte_seconds=5),
    "dff": Need(305, pixel=200, trace=2.4, trace_seconds=0.14),
    "dff/smoothed": Need(390, pixel=200, frame=6, trace=3.5, seconds=8, trace_seconds=14),
    "spikes/network": Need(980, trace=3.7, seconds=7, trace_seconds=0.35),
    "spikes/cascade": Need(980, trace=3.7, seconds=7, trace_seconds=1),
    "spikes/oasis": Need(310, trace=5, trace_seconds=0.1),
    "spikes/convex": Need(310, trace=5, trace_seconds=5),
    "session_report": Need(430, pixel=100, trace=3.2, seconds=4.5, trace_seconds=0.06),
    "realism_statistics": Need(310, pixel=800, trace=2.6, gigabyte_seconds=6),
    "benchmark_motion": Need(250, pixel=60, frame=18, seconds=2.5),
    "benchmark_recipe": Need(275, pixel=60, frame=13, trace=3),
    "benchmark_denoised_movie": Need(300, pixel=4000, seconds=5, gigabyte_seconds=60),
    "benchmark_denoising": Need(980, pixel=60, trace=40, seconds=10, trace_seconds=4),
}
"""By rule, or rule/backend."""


def held_frames(method: Backend | None, size: Size, indicator: str) -> float:
    """Frames that a method holds at a time: Suite2p's detection holds a binned movie."""
    if not isinstance(method, Suite2pExtraction):
        return 1
    return size.frames / method.bin_size(math.ceil(size.frames), size.frame_rate, indicator)


def mem_mb(need: Need, size: Size, held: float, attempt: int) -> int:
    """Memory to ask for, MB."""
    return math.ceil((need.megabytes(size, held) + SNAKEMAKE) * MORE_MEMORY ** (attempt - 1))


def runtime(need: Need, size: Size, attempt: int) -> int:
    """Time limit to ask for, minutes."""
    return math.ceil((STARTUP + SLOWER * need.cpu_seconds(size) / 60) * MORE_TIME ** (attempt - 1))
