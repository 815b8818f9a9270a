"""A small two-plane recording, simulated once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from groundtrace.simulation.truth import Truth


@dataclass(frozen=True)
class Recording:
    parameters: Simulation
    session: Session
    path: Path
    movie: np.ndarray
    truth: Truth


@pytest.fixture(scope="session")
def two_planes(tmp_path_factory) -> Recording:
    session = Session(
        subject="M01", session="001", indicator="jGCaMP8m", frame_rate=15, planes=2, pixel_size=2, simulate="small"
    )
    parameters = Simulation(frames=150, height=48, width=64)
    path = tmp_path_factory.mktemp("two_planes") / "truth" / "movie.tif"
    truth = simulate(parameters, session, path)
    return Recording(parameters, session, path, tifffile.imread(path), truth)
