"""Motion and cells of movies whose brightness steps, beside those of the same movies without steps.

    PYTHONPATH=workflow/src python measurements/steps.py [--seeds 3 4 5 6 7 8] [--frames 3000] [--side 192] [--files 10]

Simulated movies (GCaMP6s, 30 Hz, pixels of 1 µm), and the same with every tenth 0.6 to 1.4 times as bright: light above
the offset (laser, focus, water), or pixel values with their offset (gain of the detector); as one file, or as ten.
Prints, for the default methods, the root mean square difference of the shifts, their standard error, ROIs found and
accepted, and of the latter those that lie within 4 px of one accepted in the even movie, and the others.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.search import centre
from groundtrace.extraction.transients import Transients
from groundtrace.motion.phase.backend import Phase
from groundtrace.random import stream
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, raw_frames
from groundtrace.task import Task
from groundtrace.testing.movies import task

SAME = 4.0
"""px between the centres of a cell that is found twice."""


def simulated(frames: int, side: int, seed: int) -> IntArray:
    given = {"subject": "S", "session": "1", "simulate": "steps", "frame_rate": 30, "indicator": "GCaMP6s"}
    session = Session.model_validate(given | {"pixel_size": 1.0})
    parameters = Simulation(frames=frames, height=side, width=side, seed=seed)
    return np.stack(list(raw_frames(prepare(parameters, session), parameters, session))).reshape(-1, side, side)


def stepped(movie: IntArray, gain: FloatArray, offset: float) -> IntArray:
    return np.rint((movie - offset) * gain[:, None, None] + offset).astype(movie.dtype)


def work(movie: IntArray, segment: IntArray | None) -> tuple[FloatArray, float, FloatArray, int]:
    """Shifts (2, n_frames) px, their standard error, centres (n, 2) px of accepted ROIs, and ROIs found."""

    def given(folder: str) -> Task:
        return replace(task(movie, Path(folder), pixel_size=1.0, frame_rate=30.0), segment=segment)

    registered = np.empty_like(movie)
    with TemporaryDirectory() as folder:
        found = Phase().run(movie, registered, given(folder))
    with TemporaryDirectory() as folder:
        rois = Transients(visible=False).run(registered, given(folder))
    centres = np.array([centre(each) for each in zip(rois.pixel_y, rois.pixel_x, rois.weight, strict=True)])
    error = float("nan") if found.y_error is None else float(np.median(found.y_error))
    return np.stack([found.shift.y, found.shift.x]), error, centres[rois.accepted], len(centres)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5, 6, 7, 8])
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--files", type=int, default=10)
    given = parser.parse_args()
    length = -(-given.frames // given.files)
    files = np.arange(given.frames) // length
    for seed in given.seeds:
        movie = simulated(given.frames, given.side, seed)
        gain = stream(seed, "steps").uniform(0.6, 1.4, given.files)[files]
        light, scaled = (stepped(movie, gain, offset) for offset in (Simulation().offset, 0.0))
        kinds = (("as it is", movie, None), ("light", light, None), ("gain", scaled, None))
        shifts, accepted = np.zeros((2, given.frames)), np.zeros((0, 2))
        for name, each, segment in (*kinds, ("light, files", light, files), ("gain, files", scaled, files)):
            found, error, cells, rois = work(each, segment)
            if name == "as it is":
                shifts, accepted = found, cells
            off = found - shifts
            off -= np.median(off, axis=1, keepdims=True)
            distance = np.hypot(*(accepted[:, None] - cells[None]).transpose(2, 0, 1))
            same, others = (distance.min(axis=1) < SAME).sum(), (distance.min(axis=0) >= SAME).sum()
            print(
                f"{seed} {name:13s} shifts off by {np.sqrt((off**2).mean()):.3f} px (standard error {error:.3f}), "
                f"{rois} ROIs, {len(cells)} accepted: {same} of {len(accepted)}, and {others} others",
                flush=True,
            )


if __name__ == "__main__":
    main()
