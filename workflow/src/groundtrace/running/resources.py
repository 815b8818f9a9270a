"""What a job asks for: memory and time from the size of its movie (`groundtrace.needs`)."""

import math
from functools import cache
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.needs import FRAME_RATE, Need, Size
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation

FIELD = 512 * 512
"""px, of a recording that has not been opened yet."""
SNAKEMAKE = 300
"""MB; on a cluster Snakemake itself runs around every job."""
STARTUP = 5
"""Minutes: a node that wakes up, packages read from a slow file system, code that is compiled at its first use."""
SLOWER = 4.0
"""Time limit over processor time: older processors, shared disks, and no gain by a second thread."""
MORE_MEMORY, MORE_TIME = 1.5, 2.0
"""Times as much at each retry."""


def simulated(parameters: Simulation, session: Session, planes: int = 1) -> Size:
    """Size of one plane of a simulated session, or of several together."""
    pixels = parameters.height * parameters.width
    return Size(parameters.frames * planes, pixels, session.frame_rate or FRAME_RATE)


def recorded(session: Session, acquisition: str) -> Size:
    """Size of one plane of a real session: as ingest found it; before that by the size of the raw files.

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
    found = [part for path in map(Path, session.named()) for part in (path.rglob("*") if path.is_dir() else [path])]
    return sum(path.stat().st_size for path in found if path.exists())


NEEDS = {
    "simulate": Need(375, gigabyte=62, gigabyte_seconds=77),
    "clean_movie": Need(375, gigabyte=62, gigabyte_seconds=77),
    "ingest": Need(460, pixel=180, gigabyte_seconds=4.2),
    "oracle": Need(1150, pixel=220, trace=3, seconds=10, gigabyte_seconds=5),
    "astrocytes": Need(700, frame=0.02, seconds=10, gigabyte_seconds=60),
    "dff": Need(305, pixel=200, trace=2.4, trace_seconds=0.14),
    "dff/smoothed": Need(390, pixel=200, frame=6, trace=3.5, seconds=8, trace_seconds=14),
    "session_report": Need(430, pixel=100, trace=3.2, seconds=4.5, trace_seconds=0.06),
    "realism_statistics": Need(310, pixel=800, trace=2.6, gigabyte_seconds=6),
    "benchmark_motion": Need(250, pixel=60, frame=18, seconds=2.5),
    "benchmark_recipe": Need(275, pixel=60, frame=13, trace=3),
    "benchmark_denoised_movie": Need(300, pixel=4000, seconds=5, gigabyte_seconds=60),
    "benchmark_denoising": Need(980, pixel=60, trace=40, seconds=10, trace_seconds=4),
}
"""Needs by rule; a rule that runs a backend asks the backend."""


def mem_mb(need: Need, size: Size, held: float, attempt: int) -> int:
    """Memory to ask for, MB."""
    return math.ceil((need.megabytes(size, held) + SNAKEMAKE) * MORE_MEMORY ** (attempt - 1))


def runtime(need: Need, size: Size, attempt: int) -> int:
    """Time limit to ask for, minutes."""
    return math.ceil((STARTUP + SLOWER * need.cpu_seconds(size) / 60) * MORE_TIME ** (attempt - 1))
