"""What measurements of single backends share: one simulated plane, and a process of its own for each backend."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.arrays import Movie

if TYPE_CHECKING:
    from groundtrace.simulation.truth import Truth


def simulated(folder: Path, **parameters: float) -> "Truth":
    """Write `movie.npy`, as it was acquired, and return its truth. parameters: of a `Simulation`."""
    import tifffile

    from groundtrace.sessions import Session
    from groundtrace.simulation.parameters import Simulation
    from groundtrace.simulation.simulate import simulate

    session = Session(subject="x", session="1", indicator="GCaMP6s", frame_rate=30, pixel_size=1.5, simulate="x")
    truth = simulate(Simulation.model_validate(parameters), session, folder / "movie.tif")
    np.save(folder / "movie.npy", tifffile.memmap(folder / "movie.tif", mode="r"))
    return truth


def acquisition_of(movie: Movie) -> Acquisition:
    """What is known of the simulated plane."""
    frames, height, width = movie.shape
    return Acquisition(
        subject="x", session="1", plane=0, planes=1, channels=1, functional_channel=1, frames=frames, height=height,
        width=width, dtype=str(movie.dtype), frame_rate=30.0, pixel_size=1.5, indicator="GCaMP6s", saturation=32767,
        sources=(SourceFile(name="movie.tif", sha256="0" * 64, frames=frames),),
    )  # fmt: skip


def peak_memory() -> float:
    """Of this process, MB. Not getrusage's, which begins with the peak of the process that started this one."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


def in_own_process(script: str, *arguments: str) -> dict[str, float]:
    """Run a script on one thread of each library; what it prints as its last line, as JSON."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script, *arguments], env=environment, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])
