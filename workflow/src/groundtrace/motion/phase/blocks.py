"""Displacement of each block of a frame: Newton steps of weighted least squares on a template.

In a block a frame is a T(p - d) + c + noise of variance v(p). With g = ∂T(p - d)/∂d made orthogonal to T and to 1
(brightness a and background c drop out), the step is (Σ g gᵀ/v)⁻¹ Σ g f/v / a: two products per pixel, and the inverse
is the step's error covariance, the Cramér-Rao bound of this block.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import correlate1d, spline_filter

from groundtrace.arrays import FloatArray, IntArray

OFFSETS = 5
"""Sub-pixel positions along each axis at which the template is held."""
SPACING = 0.25
"""px between them."""
SIDE = 32
"""px, about; of a block."""
Taps = Callable[[float], float]
MOST = (16, 8)
"""Blocks along y and x: lines are scanned one after the other, so that more rows are worth it."""


@dataclass(frozen=True)
class Grid:
    """Non-overlapping blocks that fill the field, row by row."""

    shape: tuple[int, int]
    edges_y: IntArray
    edges_x: IntArray

    @classmethod
    def over(cls, shape: tuple[int, int], side: int = SIDE) -> "Grid":
        counts = [int(np.clip(round(size / side), 1, most)) for size, most in zip(shape, MOST, strict=True)]
        edges = [
            np.linspace(0, size, count + 1).round().astype(np.int64) for size, count in zip(shape, counts, strict=True)
        ]
        return cls(shape, edges[0], edges[1])

    @property
    def centres(self) -> tuple[FloatArray, FloatArray]:
        return tuple((edges[:-1] + edges[1:] - 1) / 2 for edges in (self.edges_y, self.edges_x))  # pyright: ignore[reportReturnType]

    @property
    def bounds(self) -> IntArray:
        """(blocks, 4) top, bottom, left, right."""
        rows = np.stack([self.edges_y[:-1], self.edges_y[1:]], axis=1)
        columns = np.stack([self.edges_x[:-1], self.edges_x[1:]], axis=1)
        return np.concatenate([np.repeat(rows, len(columns), axis=0), np.tile(columns, (len(rows), 1))], axis=1)

    def places(self) -> FloatArray:
        """(blocks, 2) px, centre of each."""
        return np.stack([part.ravel() for part in np.meshgrid(*self.centres, indexing="ij")], axis=1)


@dataclass(frozen=True)
class Fit:
    """What a template allows to measure, ready for the loop over frames."""

    grid: Grid
    template: FloatArray
    weights: FloatArray
    """(blocks, OFFSETS, OFFSETS, 2, rows, columns) float32: g/v at each sub-pixel position, for y and x."""
    covariance: FloatArray
    """(blocks, OFFSETS, OFFSETS, 2, 2) px², of a step."""
    inflation: FloatArray
    """(2, blocks) by how much the variance of a step of y and of x is larger than independent pixels make it."""
    gain: FloatArray
    """(2,) by how much steps of y and of x have been shortened."""

    @classmethod
    def of(cls, template: FloatArray, variance: FloatArray, grid: Grid, noise: FloatArray, pool: Executor) -> "Fit":
        """template and variance of its frames' noise: (height, width); noise: (n, height, width) of some frames."""
        from groundtrace.motion.phase.kernels import block_steps

        size = (grid.bounds[:, 1] - grid.bounds[:, 0]).max(), (grid.bounds[:, 3] - grid.bounds[:, 2]).max()
        weights = np.zeros((len(grid.bounds), OFFSETS, OFFSETS, 2, *size), np.float32)
        covariance = np.empty((len(grid.bounds), OFFSETS, OFFSETS, 2, 2))
        coefficients = spline_filter(template.astype(np.float64), order=3)

        def work(i: int) -> None:
            values, slopes = (_shifted(coefficients, _position(i), taps, axis=0) for taps in (_values, _slopes))
            for j in range(OFFSETS):
                x = _position(j)
                image, slope_y = (_shifted(part, x, _values, axis=1) for part in (values, slopes))
                slope_x = _shifted(values, x, _slopes, axis=1)
                block_steps(image, slope_y, slope_x, variance, grid.bounds, weights[:, i, j], covariance[:, i, j])

        list(pool.map(work, range(OFFSETS)))
        inflation = _inflation(noise, weights[:, OFFSETS // 2, OFFSETS // 2], variance, grid)
        return cls(grid, template.astype(np.float32), weights, covariance, inflation, np.ones(2))

    def scaled(self, gain: FloatArray) -> "Fit":
        """The same fit with steps along y and x shorter by `gain` (2,)."""
        return replace(self, covariance=self.covariance / gain[:, None], gain=gain)

    @property
    def model(self) -> tuple[FloatArray, FloatArray, FloatArray, IntArray, float]:
        """What `kernels.measure_blocks` needs of it."""
        return self.template, self.weights, self.covariance, self.grid.bounds, SPACING

    @property
    def error(self) -> FloatArray:
        """(2, blocks) variance, px², of y and of x at the template's own position."""
        middle = self.covariance[:, OFFSETS // 2, OFFSETS // 2]
        return self.inflation * np.stack([middle[:, 0, 0], middle[:, 1, 1]]) / self.gain[:, None]


def _inflation(noise: FloatArray, weights: FloatArray, variance: FloatArray, grid: Grid) -> FloatArray:
    """Variance of weighted sums of the noise over that of independent pixels: (2, blocks) for y and x.

    Noise of neighbouring pixels is correlated, and active cells and neuropil are noise too. Weights mirrored within
    each block have the same size and texture, but no longer answer to motion.
    """
    found, expected = np.zeros((2, len(grid.bounds))), np.zeros((2, len(grid.bounds)))
    for b, (top, bottom, left, right) in enumerate(grid.bounds):
        own = weights[b, :, : bottom - top, : right - left]
        mirrored = np.stack([np.flip(own, axis) for axis in (1, 2)], axis=1).reshape(4, -1)
        sums = noise[:, top:bottom, left:right].reshape(len(noise), -1) @ mirrored.T
        found[:, b] = sums.var(axis=0).reshape(2, 2).sum(axis=1)
        expected[:, b] = (mirrored**2 @ variance[top:bottom, left:right].ravel()).reshape(2, 2).sum(axis=1)
    return np.maximum(found / np.maximum(expected, 1e-30), 1e-3)


def _position(index: int) -> float:
    return SPACING * (index - OFFSETS // 2)


def _shifted(coefficients: FloatArray, shift: float, taps: Taps, axis: int) -> FloatArray:
    """The cubic spline of these coefficients, or its derivative, displaced by `shift` px along one axis."""
    # Tap k of correlate1d reads the coefficient k - 2 pixels further.
    return correlate1d(coefficients, np.array([taps(k - 2 + shift) for k in range(5)]), axis=axis, mode="nearest")


def _values(t: float) -> float:
    """The cubic B-spline."""
    t = abs(t)
    return 2 / 3 - t**2 + t**3 / 2 if t < 1 else max(2 - t, 0.0) ** 3 / 6


def _slopes(t: float) -> float:
    """Its derivative."""
    sign, t = np.sign(t), abs(t)
    return float(sign * (1.5 * t**2 - 2 * t if t < 1 else -(max(2 - t, 0.0) ** 2) / 2))
