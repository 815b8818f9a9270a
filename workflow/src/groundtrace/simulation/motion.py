"""Brain motion: where the tissue is while each line is scanned, and what the microscope sees of it there.

The tissue is a cubic spline surface: an image of spline coefficients stands for a continuous scene, so that a
displaced frame is exact, not interpolated: every displacement blurs alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.processes import fluctuations

NODES = 4
"""The nonrigid displacement is a cubic spline through NODES × NODES points spread edge to edge over the field."""
SAMPLES = 8
"""The displacement is drawn so often per frame; the lines between are interpolated."""
LIMIT = 5.0
"""Displacements stay within this many standard deviations."""
AXIAL_LIMIT = 2.5
"""The same of axial ones."""
SPLINE_REACH = 4
"""px; what the spline's taps need beyond the displaced field."""
MARGIN_STEP = 25.0
"""µm; margins come in these steps, so that the anatomy does not change with every change of the motion."""
REST, RUN = 16.0, 4.0
"""s; mean length of rest and of bouts of running."""


@dataclass(frozen=True)
class Motion:
    """Displacement of the tissue in px: raw[t, q] = tissue[q - shift[t] - rows[t, q_y] - nonrigid[t](q)]."""

    shifts: FloatArray
    """(n_frames, 2) mean over the frame, (y, x)."""
    rows: FloatArray
    """(n_frames, 2, height) of each line beyond it."""
    nodes: FloatArray | None
    """(n_frames, 2, NODES, NODES) displacement beyond those at the nodes; None when rigid."""
    z: FloatArray
    """(n_frames,) µm, depth of the section that is seen."""
    moving: BoolArray
    """(n_frames,) during a bout of running."""


def margin(parameters: Simulation, pixel_size: float, beyond: float = 0.0) -> int:
    """Tissue needed around the field, px. beyond: µm of it that are needed for other reasons than motion."""
    reach = beyond + LIMIT * (parameters.motion + parameters.nonrigid + parameters.line_jitter)
    reach += (SPLINE_REACH + abs(parameters.scan_offset)) * pixel_size
    return int(np.ceil(MARGIN_STEP * np.ceil(reach / MARGIN_STEP) / pixel_size))


def brain_motion(
    random: np.random.Generator, parameters: Simulation, planes: int, frame_rate: float, pixel_size: float
) -> list[Motion]:
    """Motion of each plane; all planes move together, each sampled at its own time within the volume."""
    steps, step = parameters.frames * planes, 1 / (frame_rate * planes)
    lines, line = steps * SAMPLES + 1, step / SAMPLES
    bouts = _bouts(random, lines, line)
    rigid = parameters.motion / pixel_size * _limited(_jerky(random, 2, lines, line, 2.0, bouts), LIMIT)
    # The first sample of a frame is the last of the one before.
    within = np.lib.stride_tricks.sliding_window_view(rigid, SAMPLES + 1, axis=1)[:, ::SAMPLES]
    shifts, rows = _by_lines(random, np.moveaxis(within, 0, 1), parameters, pixel_size)
    nodes = None
    if parameters.nonrigid > 0:
        nodes = fluctuations(random, 2 * NODES**2, steps, step, time_constant=1.0).reshape(2, NODES**2, steps)
        nodes = parameters.nonrigid / pixel_size * _limited(nodes - nodes.mean(axis=1, keepdims=True), LIMIT)
        nodes = np.moveaxis(nodes, 2, 0).reshape(steps, 2, NODES, NODES)
    moving = bouts[:-1].reshape(steps, SAMPLES).mean(axis=1) > 0.5
    axial = _jerky(random, 1, steps, step, 60.0, moving.astype(float))[0]
    z = parameters.axial_drift * _limited(axial, AXIAL_LIMIT)
    every = [slice(plane, None, planes) for plane in range(planes)]
    return [Motion(shifts[at], rows[at], None if nodes is None else nodes[at], z[at], moving[at]) for at in every]


def axial_reach(parameters: Simulation) -> float:
    """Largest axial displacement, µm."""
    return AXIAL_LIMIT * parameters.axial_drift


def _jerky(
    random: np.random.Generator, count: int, steps: int, step: float, slow: float, bouts: FloatArray
) -> FloatArray:
    """Displacements of variance 1: 0.6 of it slow (time constant in s), the rest fast and only in bouts."""
    drift = fluctuations(random, count, steps, step, time_constant=slow)
    fast = fluctuations(random, count, steps, step, time_constant=0.2)
    return np.sqrt(0.6) * drift + np.sqrt(0.4 * (REST + RUN) / RUN) * bouts * fast


def _limited(values: FloatArray, limit: float) -> FloatArray:
    return limit * np.tanh(values / limit)


def _by_lines(
    random: np.random.Generator, within: FloatArray, parameters: Simulation, pixel_size: float
) -> tuple[FloatArray, FloatArray]:
    """Mean displacement of each frame, and each line's beyond it, from its samples (n_frames, 2, SAMPLES + 1)."""
    height = parameters.height
    time = (np.arange(height) + 0.5) / height * SAMPLES
    between = np.stack([np.interp(time, np.arange(SAMPLES + 1), unit) for unit in np.eye(SAMPLES + 1)], axis=1)
    displaced = (within @ between.T).astype(np.float32)
    jitter = random.standard_normal(displaced.shape, dtype=np.float32)
    displaced += np.float32(parameters.line_jitter / pixel_size) * jitter.clip(-LIMIT, LIMIT)
    shifts = displaced.mean(axis=2, dtype=np.float64)
    rows = displaced - shifts[:, :, None].astype(np.float32)
    rows[:, 1, 1::2] += np.float32(parameters.scan_offset)
    return shifts, rows


def _bouts(random: np.random.Generator, steps: int, step: float) -> FloatArray:
    """1 during bouts of running and 0 at rest, both of exponential length: (steps,)."""
    changes = int(2 * steps * step / (REST + RUN)) + 10
    lengths = random.exponential(np.where(np.arange(changes) % 2, RUN, REST))
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
        self._pixels = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")) + float(margin)

    def rigid(self, coefficients: FloatArray, shift: FloatArray) -> FloatArray:
        """The field when the tissue moved by `shift` px (y, x)."""
        start_y, start_x = self.margin - shift
        return _spline(_spline(coefficients, start_y, self.shape[0]).T, start_x, self.shape[1]).T

    def frame(self, coefficients: FloatArray, motion: Motion, frame: int) -> FloatArray:
        """The field as one frame scans it."""
        shift, rows = motion.shifts[frame], motion.rows[frame]
        if motion.nodes is not None:
            # The spline keeps straight lines: pixel coordinates can be displaced at the nodes, before it spreads them.
            places = self._to_rows @ (self._nodes - motion.nodes[frame] - shift[:, None, None]) @ self._to_columns.T
        elif rows.any():
            places = self._pixels - shift[:, None, None]
        else:
            return self.rigid(coefficients, shift)
        places -= rows[:, :, None]
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
