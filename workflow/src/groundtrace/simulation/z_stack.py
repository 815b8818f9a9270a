"""The z-stack of a simulated recording, as an experimenter takes one after it."""

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.random import stream
from groundtrace.sessions import Session
from groundtrace.simulation.detector import DTYPE, detect
from groundtrace.simulation.motion import LIMIT
from groundtrace.simulation.parameters import Z_STEP, Simulation
from groundtrace.simulation.simulate import prepare, recording

FRAMES = 20
"""Frames whose mean is one plane."""


def depths(half: float) -> FloatArray:
    """µm below the plane of the recording, of a stack that reaches `half` µm to either side."""
    steps = int(half / Z_STEP)
    return Z_STEP * np.arange(-steps, steps + 1, dtype=float)


def take_z_stack(parameters: Simulation, session: Session) -> IntArray:
    """(depths, height, width) detector units around the first plane: the mean of FRAMES frames at each depth.

    The tissue lies elsewhere in each, and the cells do what they do at some moment of the recording.
    """
    _, pixel_size = recording(session)
    plane = prepare(parameters, session)[0]
    random, frames = stream(parameters.seed, session.key, 0, "z-stack"), parameters.frames
    images = []
    for z in depths(parameters.z_stack):
        shift = parameters.motion / pixel_size * np.clip(random.standard_normal(2), -LIMIT, LIMIT)
        first = int(random.integers(max(1, frames - FRAMES)))
        total = np.zeros(plane.view.shape)
        for frame in np.minimum(np.arange(first, first + FRAMES), frames - 1):
            around = 1 + plane.neuropil[frame] @ plane.tissue.modes
            scene = plane.tissue.scene(z, around, 1 + plane.calcium[:, frame])
            image = plane.view.rigid(scene.reshape(plane.tissue.shape), shift) * np.float32(plane.scale)
            total += detect(random, np.maximum(image, 0), parameters)
        images.append(np.rint(total / FRAMES))
    return np.stack(images).astype(DTYPE)
