"""Motion correction: frames/s, peak memory and residual error of each backend on one simulated movie.

    PYTHONPATH=workflow/src python measurements/motion.py [--size 256] [--frames 3000] [--photons 10] [--motion 2] ...

Each backend runs in its own process, one after the other, on one thread (`phase` on two as well), without the quality
measures that the workflow adds. A run over 100 frames comes first, so that nothing is compiled or imported in the time
that is given. The floors are those of one FFT and its inverse per frame, and of a copy of the movie. Residual: against
the true motion of the simulation, constant offset removed, as in the benchmark's motion.parquet; 90 %: share of frames
whose mean displacement lies within 1.645 standard errors of the truth.
"""

import argparse
import importlib.util
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from plane import acquisition_of, in_own_process, peak_memory, simulated

BACKENDS = {
    "phase": ({"backend": "phase"}, 1),
    "phase, two threads": ({"backend": "phase"}, 2),
    "phase, rigid": ({"backend": "phase", "nonrigid": False}, 1),
    "suite2p": ({"backend": "suite2p"}, 1),
    "suite2p, rigid": ({"backend": "suite2p", "nonrigid": False}, 1),
    "normcorre": ({"backend": "normcorre"}, 1),
}


def run(folder: Path, parameters: dict, threads: int) -> dict[str, float]:
    """One backend, twice, in this process."""
    import polars as pl
    from pydantic import TypeAdapter

    from groundtrace.benchmark.motion import residual_displacement
    from groundtrace.config import Motion
    from groundtrace.motion.base import Registration
    from groundtrace.movies.file import create_movie, open_movie
    from groundtrace.task import Task

    backend = TypeAdapter(Motion).validate_python(parameters)
    movie = open_movie(folder / "movie.npy")
    frames, height, width = movie.shape
    acquisition = acquisition_of(movie)

    def once(frames: int) -> tuple[Registration, float, float]:
        registered = create_movie(folder / "registered.npy", (frames, height, width), movie.dtype)
        with tempfile.TemporaryDirectory() as scratch:
            wall, cpu = time.perf_counter(), time.process_time()
            task = Task(acquisition, np.zeros(frames, bool), Path(scratch), threads)
            result = backend.run(movie if frames == len(movie) else movie[:frames], registered, task)
            return result, time.perf_counter() - wall, time.process_time() - cpu

    once(min(frames, 100))
    found, wall, cpu = once(frames)
    peak = peak_memory()
    truth = pl.read_parquet(folder / "truth.parquet")
    edge = 20
    places = np.meshgrid(np.linspace(edge, height - edge, 9), np.linspace(edge, width - edge, 9), indexing="ij")
    residual = residual_displacement(found.shift, truth, (places[0].ravel(), places[1].ravel()), (height, width))
    centred = residual - residual.mean(axis=tuple(range(1, residual.ndim)), keepdims=True)
    # Lines jitter: the mean over the field is one over all of them.
    lines = np.meshgrid(np.arange(float(height)), np.linspace(0, width - 1, 8), indexing="ij")
    mean = residual_displacement(found.shift, truth, (lines[0].ravel(), lines[1].ravel()), (height, width))
    mean = mean.reshape(2, frames, -1).mean(axis=2)
    inside = [
        np.mean(np.abs(off - np.median(off)) < 1.645 * error)
        for off, error in zip(mean, (found.y_error, found.x_error), strict=True)
        if error is not None
    ]
    return {
        "wall": frames / wall,
        "cpu": frames / cpu,
        "peak": peak,
        "residual": float(np.sqrt((centred**2).sum(axis=0).mean())),
        "inside": float(np.mean(inside)) if inside else float("nan"),
    }


def floors(folder: Path) -> None:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    movie = np.load(folder / "movie.npy", mmap_mode="r")
    batch = torch.from_numpy(movie[:64].astype(np.float32))
    start = time.process_time()
    for _ in range(5):
        torch.fft.irfft2(torch.fft.rfft2(batch))
    print(f"{'FFT and its inverse':22s}{5 * len(batch) / (time.process_time() - start):8.0f} frames per CPU second")
    start = time.process_time()
    copy = np.empty_like(movie[:1000])
    copy[:] = movie[:1000]
    print(f"{'a copy':22s}{len(copy) / (time.process_time() - start):8.0f} frames per CPU second")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare motion correction.")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--photons", type=float, default=10)
    parser.add_argument("--motion", type=float, default=2)
    parser.add_argument("--nonrigid", type=float, default=0.5)
    parser.add_argument("--drift", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="names of backends that begin so")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(run(Path(arguments.child[0]), *BACKENDS[arguments.child[1]])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = simulated(
            folder,
            frames=arguments.frames,
            height=arguments.size,
            width=arguments.size,
            photons=arguments.photons,
            motion=arguments.motion,
            nonrigid=arguments.nonrigid,
            axial_drift=arguments.drift,
            seed=arguments.seed,
        )
        truth.displacement().write_parquet(folder / "truth.parquet")
        floors(folder)
        print(f"{'':22s}{'frames/s':>9s}{'per CPU s':>10s}{'ratio':>7s}{'peak MB':>9s}{'residual px':>12s}{'90 %':>7s}")
        first = None
        for backend in BACKENDS:
            if arguments.only and not backend.startswith(arguments.only):
                continue
            package = {"suite2p": "suite2p", "normcorre": "caiman"}.get(backend.partition(",")[0])
            if package and not importlib.util.find_spec(package):
                print(f"{backend:22s}{package} is not installed")
                continue
            found = in_own_process(__file__, "--child", name, backend)
            first = first or found["wall"]
            print(
                f"{backend:22s}{found['wall']:9.0f}{found['cpu']:10.0f}{found['wall'] / first:7.2f}{found['peak']:9.0f}"
                f"{found['residual']:12.3f}{found['inside']:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
