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
    return [Motion(rigid.T[plane::planes], None if nodes is None else nodes[plane::planes]) for plane in range(planes)]


def _bouts(random: np.random.Generator, steps: int, step: float, rest: float, duration: float) -> FloatArray:
    """1 during bouts of movement and 0 at rest, both of exponential length (means in s): (steps,)."""
    changes = int(2 * steps * step / (rest + duration)) + 10
    lengths = random.exponential(np.where(np.arange(changes) % 2, duration, rest))
    return np.searchsorted(np.cumsum(lengths), np.arange(steps) * step) % 2.0


class View:
    """What a field of (height, width) px in the middle of an image of spline coefficients shows as the tissue moves."""

    def __init__(self, height: int, width: int, margin: int):
        self.shape, self.margin = (height, width), margin
        # Spline through the nodes as a matrix: value at every row (column) from those at the nodes.
        knots = [np.linspace(0, size - 1, NODES) for size in (height, width)]
        self._to_rows, self._to_columns = (
            CubicSpline(knot, np.eye(NODES))(np.arange(size)) for knot, size in zip(knots, (height, width), strict=True)
        )
        self._nodes = np.stack(np.meshgrid(*knots, indexing="ij")) + margin

    def rigid(self, coefficients: FloatArray, shift: FloatArray) -> FloatArray:
        """The field when the tissue moved by `shift` px (y, x)."""
        start_y, start_x = self.margin - shift
        return _spline(_spline(coefficients, start_y, self.shape[0]).T, start_x, self.shape[1]).T

    def warped(self, coefficients: FloatArray, shift: FloatArray, nodes: FloatArray) -> FloatArray:
        """The same with a nonrigid displacement (2, NODES, NODES) px on top."""
        # The spline keeps straight lines: pixel coordinates can be displaced at the nodes, before it spreads them.
        sources = self._nodes - nodes - shift[:, None, None]
        places = self._to_rows @ sources @ self._to_columns.T
        return map_coordinates(coefficients, places, output=np.float32, order=3, mode="nearest", prefilter=False)  # pyright: ignore[reportReturnType]


def _spline(coefficients: FloatArray, start: float, size: int) -> FloatArray:
    """The cubic spline at rows start, start + 1, … (`size` of them)."""
    first = int(np.floor(start)) - 1
    t = start - first - 1
    weights = np.array([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 4 - 6 * (1 - t) ** 2 + 3 * (1 - t) ** 3, t**3]) / 6
    values = np.zeros((size, coefficients.shape[1]), np.float32)
    for tap, weight in enumerate(weights.astype(np.float32), first):
        values += weight * coefficients[tap : tap + size]
    return values
