"""Motion and cells of a movie whose brightness steps, beside those of the same movie without steps.

    PYTHONPATH=workflow/src python measurements/steps.py [--frames 3000] [--side 192] [--files 10]

A simulated movie (GCaMP6s, 30 Hz, pixels of 1 µm), and the same with every tenth 0.6 to 1.4 times as bright: light
above the offset (laser, focus, water), and pixel values with their offset (gain of the detector). Prints, for the
default methods, the root mean square difference of the shifts, their standard error, and ROIs found and accepted.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from groundtrace.arrays import IntArray
from groundtrace.extraction.transients import Transients
from groundtrace.motion.phase.backend import Phase
from groundtrace.random import stream
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, raw_frames
from groundtrace.testing.movies import task


def simulated(frames: int, side: int) -> IntArray:
    given = {"subject": "S", "session": "1", "simulate": "steps", "frame_rate": 30, "indicator": "GCaMP6s"}
    session = Session.model_validate(given | {"pixel_size": 1.0})
    parameters = Simulation(frames=frames, height=side, width=side, seed=3)
    return np.stack(list(raw_frames(prepare(parameters, session), parameters, session))).reshape(-1, side, side)


def stepped(movie: IntArray, gain: np.ndarray, offset: float) -> IntArray:
    return np.rint((movie - offset) * gain[:, None, None] + offset).astype(movie.dtype)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--files", type=int, default=10)
    given = parser.parse_args()
    movie = simulated(given.frames, given.side)
    levels = stream(0, "steps").uniform(0.6, 1.4, given.files)
    gain = np.repeat(levels, -(-len(movie) // given.files))[: len(movie)]
    offset = Simulation().offset
    movies = {"as it is": movie, "light": stepped(movie, gain, offset), "gain": stepped(movie, gain, 0.0)}
    shifts: dict[str, np.ndarray] = {}
    for name, each in movies.items():
        registered = np.empty_like(each)
        with TemporaryDirectory() as folder:
            found = Phase().run(each, registered, task(each, Path(folder), pixel_size=1.0, frame_rate=30.0))
        with TemporaryDirectory() as folder:
            rois = Transients().run(registered, task(registered, Path(folder), pixel_size=1.0, frame_rate=30.0))
        shifts[name] = np.stack([found.shift.y, found.shift.x])
        off = shifts[name] - shifts["as it is"]
        off -= np.median(off, axis=1, keepdims=True)
        error = float("nan") if found.y_error is None else float(np.median(found.y_error))
        print(
            f"{name:10s} shifts off by {np.sqrt((off**2).mean()):.3f} px (standard error {error:.3f}), "
            f"{len(rois.accepted)} ROIs, {rois.accepted.sum()} accepted",
            flush=True,
        )


if __name__ == "__main__":
    main()
