"""Extraction: CPU seconds and peak memory of each backend on one simulated movie in which nothing moves.

    PYTHONPATH=workflow/src python measurements/extraction.py [--size 256] [--frames 3000] [--photons 10] [--threads 1]

Each backend runs in a process of its own: first over 300 frames, so that nothing is compiled or imported in the time
that is given, then over the movie. `suite2p alone` is its detection and read-out without groundtrace's judgement.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BACKENDS = {
    "transients": {"backend": "transients"},
    "suite2p alone": {"backend": "suite2p", "own_verdict": True, "spatial_scale": 0, "diameter_px": 12},
    "suite2p": {"backend": "suite2p"},
}


def simulated(folder: Path, arguments: argparse.Namespace) -> None:
    """The movie as it was acquired: nothing moves, so that it is registered already."""
    import tifffile

    from groundtrace.sessions import Session
    from groundtrace.simulation.parameters import Simulation
    from groundtrace.simulation.simulate import simulate

    session = Session(subject="bench", session="1", indicator="GCaMP6s", frame_rate=30, pixel_size=1.5, simulate="x")
    parameters = Simulation(
        frames=arguments.frames,
        height=arguments.size,
        width=arguments.size,
        photons=arguments.photons,
        motion=0,
        nonrigid=0,
        line_jitter=0,
        seed=arguments.seed,
    )
    simulate(parameters, session, folder / "movie.tif")
    np.save(folder / "movie.npy", tifffile.memmap(folder / "movie.tif", mode="r"))


def run(folder: Path, name: str, threads: int) -> dict[str, float]:
    """One backend, twice, in this process."""
    from pydantic import TypeAdapter

    from groundtrace.acquisition import Acquisition, SourceFile
    from groundtrace.config import Extraction
    from groundtrace.movies.file import open_movie
    from groundtrace.task import Task

    backend = TypeAdapter(Extraction).validate_python(BACKENDS[name])
    movie = open_movie(folder / "movie.npy")
    frames, height, width = movie.shape
    acquisition = Acquisition(
        subject="bench", session="1", plane=0, planes=1, channels=1, functional_channel=1, frames=frames, height=height,
        width=width, dtype=str(movie.dtype), frame_rate=30.0, pixel_size=1.5, indicator="GCaMP6s", saturation=32767,
        sources=(SourceFile(name="movie.tif", sha256="0" * 64, frames=frames),),
    )  # fmt: skip

    def once(frames: int) -> tuple[int, float, float]:
        part = movie[:frames]
        with tempfile.TemporaryDirectory() as scratch:
            task = Task(acquisition, np.zeros(frames, bool), Path(scratch), threads)
            wall, cpu = time.perf_counter(), time.process_time()
            if name == "suite2p alone":
                from types import SimpleNamespace

                found = backend.find(part, SimpleNamespace(diameter=12.0), task)
            else:
                found = backend.run(part, task)
            return len(found.weight), time.perf_counter() - wall, time.process_time() - cpu

    once(min(frames, 300))
    rois, wall, cpu = once(frames)
    # Not getrusage's, which begins with the peak of the process that started this one.
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    return {"rois": rois, "wall": wall, "cpu": cpu, "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in {"size": 256, "frames": 3000, "photons": 10, "threads": 1, "seed": 1}.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    parser.add_argument("--in", dest="inside", nargs=2)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(run(Path(arguments.inside[0]), arguments.inside[1], arguments.threads)))
        return
    with tempfile.TemporaryDirectory() as name:
        simulated(Path(name), arguments)
        print(f"{'':15s}{'ROIs':>6s}{'wall s':>8s}{'CPU s':>8s}{'peak MB':>9s}{'CPU / Suite2p alone':>21s}")
        rows = {}
        for backend in BACKENDS:
            command = [sys.executable, "-P", __file__, "--in", name, backend, "--threads", str(arguments.threads)]
            environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            rows[backend] = json.loads(done.stdout.splitlines()[-1])
        for backend, row in rows.items():
            ratio = row["cpu"] / rows["suite2p alone"]["cpu"]
            print(f"{backend:15s}{row['rois']:6d}{row['wall']:8.1f}{row['cpu']:8.1f}{row['peak']:9.0f}{ratio:21.2f}")


if __name__ == "__main__":
    main()
