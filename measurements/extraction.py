"""Extraction: CPU seconds and peak memory of each backend on one simulated movie in which nothing moves.

    PYTHONPATH=workflow/src python measurements/extraction.py [--size 256] [--frames 3000] [--photons 10] [--threads 1]

Each backend runs in a process of its own: first over 300 frames, so that nothing is compiled or imported in the time
that is given, then over the movie. `suite2p alone` is its detection and read-out without groundtrace's judgement.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from plane import acquisition_of, in_own_process, peak_memory, simulated

BACKENDS = {
    "transients": {"backend": "transients"},
    "suite2p alone": {"backend": "suite2p", "own_verdict": True, "spatial_scale": 0, "diameter_px": 12},
    "suite2p": {"backend": "suite2p"},
}


def run(folder: Path, name: str, threads: int) -> dict[str, float]:
    """One backend, twice, in this process."""
    from pydantic import TypeAdapter

    from groundtrace.config import Extraction
    from groundtrace.movies.file import open_movie
    from groundtrace.task import Task

    backend = TypeAdapter(Extraction).validate_python(BACKENDS[name])
    movie = open_movie(folder / "movie.npy")
    frames, acquisition = len(movie), acquisition_of(movie)

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
    return {"rois": rois, "wall": wall, "cpu": cpu, "peak": peak_memory()}


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
        # As it was acquired: nothing moves, so that it is registered already.
        still = {"motion": 0, "nonrigid": 0, "line_jitter": 0}
        size = {"frames": arguments.frames, "height": arguments.size, "width": arguments.size}
        simulated(Path(name), **size, **still, photons=arguments.photons, seed=arguments.seed)
        print(f"{'':15s}{'ROIs':>6s}{'wall s':>8s}{'CPU s':>8s}{'peak MB':>9s}{'CPU / Suite2p alone':>21s}")
        rows = {}
        for backend in BACKENDS:
            rows[backend] = in_own_process(__file__, "--in", name, backend, "--threads", str(arguments.threads))
        for backend, row in rows.items():
            ratio = row["cpu"] / rows["suite2p alone"]["cpu"]
            print(f"{backend:15s}{row['rois']:6d}{row['wall']:8.1f}{row['cpu']:8.1f}{row['peak']:9.0f}{ratio:21.2f}")


if __name__ == "__main__":
    main()
