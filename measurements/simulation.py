"""Seconds and frames/s of each phase of a simulated recording, on one core, and the peak memory of the process.

    PYTHONPATH=workflow/src python measurements/simulation.py [--size 256] [--frames 3000] [--planes 1] [--folder DIR]

Target: 256 × 256 × 3,000 in at most 60 CPU-seconds. The movie is written to a temporary folder and deleted; the
phases of `simulate` run one by one first, then `simulate` as a whole.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from groundtrace.sessions import Session
from groundtrace.simulation.detector import detect
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import Plane, prepare, simulate

Result = TypeVar("Result")


def timed(name: str, images: int, action: Callable[[], Result]) -> Result:
    """Run, print CPU seconds and frames/s."""
    start = time.process_time()
    result = action()
    seconds = time.process_time() - start
    rate = f"{images / seconds:9.0f} frames/s" if images else ""
    print(f"{name:38s}{seconds:8.2f} CPU-s {rate}", flush=True)
    return result


def clean_frames(planes: list[Plane]) -> int:
    """Render every frame of every plane, without noise."""
    return sum(1 for plane in planes for _ in plane.expected())


def noisy_frames(image: np.ndarray, count: int, parameters: Simulation) -> Iterator[np.ndarray]:
    """The detector alone, on the same expected photons again and again."""
    random = np.random.default_rng(0)
    return (detect(random, image, parameters) for _ in range(count))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the simulator.")
    parser.add_argument("--size", type=int, default=256, help="height and width, px")
    parser.add_argument("--frames", type=int, default=3000, help="per plane")
    parser.add_argument("--planes", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the movie is written for a while")
    parser.add_argument("--whole", action="store_true", help="only `simulate` as a whole: its peak memory")
    arguments = parser.parse_args()
    parameters = Simulation(height=arguments.size, width=arguments.size, frames=arguments.frames)
    session = Session(
        subject="bench",
        session="001",
        indicator="GCaMP6s",
        frame_rate=30,
        pixel_size=1.5,
        planes=arguments.planes,
        simulate="bench",
    )
    images = arguments.frames * arguments.planes
    if not arguments.whole:
        with threadpool_limits(1):
            planes = timed("tissue, activity, motion", 0, lambda: prepare(parameters, session))
            print(f"{'':38s}{sum(len(plane.calcium) for plane in planes):8d} cells, field and margin")
            timed("frames without noise, rigid", images, lambda: clean_frames(rigid(parameters, session)))
            timed("frames without noise, as configured", images, lambda: clean_frames(planes))
            mean = planes[0].mean()
            timed("detector", images, lambda: sum(1 for _ in noisy_frames(mean, images, parameters)))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        truth = timed(
            "simulate: all of it, to TIFF", images, lambda: simulate(parameters, session, Path(folder, "m.tif"))
        )
        timed("truth tables", 0, lambda: (truth.cells(), truth.displacement()))
        print(f"{'':38s}{Path(folder, 'm.tif').stat().st_size / 1e9:8.2f} GB")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def rigid(parameters: Simulation, session: Session) -> list[Plane]:
    return prepare(parameters.model_copy(update={"nonrigid": 0.0}), session)


if __name__ == "__main__":
    main()
