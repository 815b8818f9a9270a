"""Brain motion: where the tissue is in each frame, and what the microscope sees of it there.

The tissue is a cubic spline surface: an image of spline coefficients stands for a continuous scene, so that a
displaced frame is exact, not interpolated: every displacement blurs alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

from groundtrace.arrays import FloatArray
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.processes import fluctuations

NODES = 4
"""The nonrigid displacement is a cubic spline through NODES × NODES points spread edge to edge over the field."""
LIMIT = 5.0
"""Displacements stay within this many standard deviations."""
SPLINE_REACH = 4
"""px; what the spline's taps need beyond the displaced field."""
MARGIN_STEP = 25.0
"""µm; margins come in these steps, so that the anatomy does not change with every change of the motion."""


@dataclass(frozen=True)
class Motion:
    """Displacement of the tissue in px: raw[t, q] = tissue[q - shift[t] - nonrigid[t](q)]."""

    shifts: FloatArray
    """(n_frames, 2) rigid, (y, x)."""
    nodes: FloatArray | None
    """(n_frames, 2, NODES, NODES) displacement beyond the rigid one at the nodes; None when rigid."""


def margin(parameters: Simulation, pixel_size: float) -> int:
    """Tissue needed around the field, px."""
    reach = LIMIT * (parameters.motion + parameters.nonrigid) + SPLINE_REACH * pixel_size
    return int(np.ceil(MARGIN_STEP * np.ceil(reach / MARGIN_STEP) / pixel_size))


def brain_motion(
    random: np.random.Generator, parameters: Simulation, planes: int, frame_rate: float, pixel_size: float
) -> list[Motion]:
    """Motion of each plane; all planes move together, each sampled at its own time within the volume."""
    steps, step = parameters.frames * planes, 1 / (frame_rate * planes)
    slow = fluctuations(random, 2, steps, step, time_constant=2.0)
    fast = fluctuations(random, 2, steps, step, time_constant=0.2)
    bouts = _bouts(random, steps, step, rest=16.0, duration=4.0)
    # Slow drift makes 0.6 of the variance; the fast motion during bouts, a fifth of the time, the rest.
    rigid = np.sqrt(0.6) * slow + np.sqrt(0.4 / 0.2) * bouts * fast
    rigid = LIMIT * np.tanh(rigid / LIMIT) * parameters.motion / pixel_size
    nodes = None
    if parameters.nonrigid > 0:
        nodes = fluctuations(random, 2 * NODES**2, steps, step, time_constant=1.0).reshape(2, NODES**2, steps)
        nodes = nodes - nodes.mean(axis=1, keepdims=True)
        nodes = LIMIT * np.tanh(nodes / LIMIT) * parameters.nonrigid / pixel_size
        nodes = np.moveaxis(nodes, 2, 0).reshape(steps, 2, NODES, NODES)
    return [
        Motion(rigid.T[plane::planes], None if nodes is None else nodes[plane::planes]) for plane in range(planes)
    ]


def _bouts(random: np.random.Generator, steps: int, step: float, rest: float, duration: float) -> FloatArray:
    """1 during bouts of movement and 0 at rest, both of exponential length (means in s): (steps,)."""
    changes = int(2 * steps * step / (rest + duration)) + 10
    lengths = random.exponential(np.where(np.arange(changes) % 2, duration, rest))
    return np.searchsorted(np.cumsum(lengths), np.arange(steps) * step) % 2.0


class View:
    """What a field of (height, width) px in the middle of an image of spline coefficients shows as the tissue moves."""

    def __init__(self, height: int, width: int, margin: int):
        self.shape, self.margin = (height, width), margin
        # Spline through the nodes as a matrix: displacement at every row (column) from that at the nodes.
        self._to_rows, self._to_columns = (
            CubicSpline(np.linspace(0, size - 1, NODES), np.eye(NODES))(np.arange(size)) for size in (height, width)
        )
        self._grid = np.mgrid[:height, :width].astype(np.float64) + margin

    def rigid(self, coefficients: FloatArray, shift: FloatArray) -> FloatArray:
        """The field when the tissue moved by `shift` px (y, x)."""
        rows, columns = (
            _taps(self.margin - displacement, size) for displacement, size in zip(shift, self.shape, strict=True)
        )
        across = sum(weight * coefficients[part] for part, weight in rows)
        return sum(weight * across[:, part] for part, weight in columns)  # pyright: ignore[reportReturnType]

    def warped(self, coefficients: FloatArray, shift: FloatArray, nodes: FloatArray) -> FloatArray:
        """The same with a nonrigid displacement (2, NODES, NODES) px on top."""
        field = np.stack([self._to_rows @ axis @ self._to_columns.T for axis in nodes])
        places = self._grid - field - shift[:, None, None]
        return map_coordinates(coefficients, places, output=np.float32, order=3, mode="nearest", prefilter=False)  # pyright: ignore[reportReturnType]


def _taps(start: float, size: int) -> list[tuple[slice, np.float32]]:
    """Slices and weights whose weighted sum is the cubic spline at start, start + 1, … (size points)."""
    whole = int(np.floor(start))
    t = start - whole
    weights = ((1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 4 - 6 * (1 - t) ** 2 + 3 * (1 - t) ** 3, t**3)
    return [(slice(whole - 1 + k, whole - 1 + k + size), np.float32(weight / 6)) for k, weight in enumerate(weights)]
