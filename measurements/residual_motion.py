"""Residual motion, as pages show it, against the true one: do methods and movies come out in the right order?

    PYTHONPATH=workflow/src python -P measurements/residual_motion.py [--seeds 21 22] [--frames 600] [--size 192]

Four movies per seed: three simulated two-photon recordings (10, 1 and 3 photons, moderate, small and large motion)
and a one-photon one, made here: vessels and blurred cells under out-of-focus light that changes much more than the
noise. Each is registered with none, phase, phase (rigid), Suite2p, Suite2p (rigid), and with the shifts of phase to
which errors were added: white ones of 0.2 and 0.5 px and slow ones of 0.3 px. Given are the true residual
(root mean square over 9 x 9 points and frames, constant offset removed), the estimate of `groundtrace.motion.residual`
and Kendall's tau over all pairs.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import kendalltau

from groundtrace.benchmark.motion import residual_displacement, rms, template_offset
from groundtrace.motion.moving import Displacement
from groundtrace.motion.none import NoMotion
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.residual import residual_motion
from groundtrace.motion.suite2p import Suite2pMotion
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, raw_frames
from groundtrace.testing.movies import one_photon, task

Left = Callable[[Displacement, tuple[np.ndarray, np.ndarray]], np.ndarray]
"""Displacement (2, frames, places) px that is left at places of registered frames."""
TWO_PHOTON: dict[str, dict[str, Any]] = {
    "10 photons": {"photons": 10.0},
    "1 photon, small motion": {"photons": 1.0, "motion": 1.0},
    "3 photons, large motion": {"photons": 3.0, "motion": 4.0, "nonrigid": 1.2},
}
BACKENDS = {
    "none": NoMotion(),
    "phase": Phase(),
    "phase, rigid": Phase(nonrigid=False),
    "suite2p": Suite2pMotion(),
    "suite2p, rigid": Suite2pMotion(nonrigid=False),
}


def movies(seed: int, frames: int, size: int) -> Iterator[tuple[str, np.ndarray, Left]]:
    session = Session(
        subject="bench", session="1", indicator="GCaMP6s", frame_rate=30, pixel_size=1.5, simulate="bench"
    )
    for name, changes in TWO_PHOTON.items():
        parameters = Simulation(frames=frames, height=size, width=size, seed=seed, **changes)
        planes = prepare(parameters, session)
        truth = planes[0].truth().displacement(0)

        def left(found: Displacement, places: tuple, truth=truth) -> np.ndarray:
            return residual_displacement(found, truth, places, (size, size))

        yield name, np.array(list(raw_frames(planes, parameters, session))), left
    movie, shifts = one_photon(frames, size, seed)
    yield "one-photon", movie, lambda found, places: found.at(*places) - shifts.T[:, :, None]


def with_errors(found: Displacement, size: float, slow: float = 0.0) -> Displacement:
    """Rigid errors of `size` px (2-D) added; slow: frames, of the Gaussian that makes them slow."""
    errors = np.random.default_rng(1).standard_normal((2, len(found)))
    errors = gaussian_filter(errors, (0, slow)) if slow else errors
    y, x = errors * size / np.sqrt(2) / errors.std()
    return replace(found, y=(found.y + y).astype(np.float32), x=(found.x + x).astype(np.float32))


def registered(movie: np.ndarray) -> dict[str, Displacement]:
    found = {}
    for name, backend in BACKENDS.items():
        with tempfile.TemporaryDirectory() as scratch:
            found[name] = backend.run(movie, np.empty_like(movie), task(movie, Path(scratch))).shift
    own = found["phase"]
    added = {"+ 0.2": with_errors(own, 0.2), "+ 0.5": with_errors(own, 0.5), "+ 0.3, slow": with_errors(own, 0.3, 15)}
    return found | {f"phase {name} px": shift for name, shift in added.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Residual motion against the truth.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[21])
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--size", type=int, default=192)
    arguments = parser.parse_args()
    pairs = []
    side = np.linspace(0.1, 0.9, 9) * (arguments.size - 1)
    places = tuple(part.ravel() for part in np.meshgrid(side, side, indexing="ij"))
    print(f"{'movie':26s}{'method':22s}{'true px':>9s}{'estimate':>10s}")
    for seed in arguments.seeds:
        for name, movie, left in movies(seed, arguments.frames, arguments.size):
            for method, found in registered(movie).items():
                away = left(found, places)
                away = away - template_offset(away)[:, None, None]
                true = rms(np.linalg.norm(away, axis=0))
                estimate = residual_motion(movie, found, np.ones(len(movie), bool)).motion
                pairs.append((true, estimate))
                print(f"{name:26s}{method:22s}{true:9.3f}{estimate:10.3f}", flush=True)
    true, estimate = np.array(pairs).T
    tau, _ = kendalltau(true, estimate)
    print(f"{len(pairs)} pairs: Kendall's tau {tau:.2f}, median ratio {np.median(estimate / true):.2f}")


if __name__ == "__main__":
    main()
