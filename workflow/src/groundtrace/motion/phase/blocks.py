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

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.motion.phase.filters import Excess

OFFSETS = 5
"""Sub-pixel positions along each axis at which the template is held."""
SPACING = 0.25
"""px between them."""
SIDE = 32
"""px, about; of a block."""
UNSEEN = 1e12
"""Variance of pixels that do not count, times what it is."""
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
    """(blocks, OFFSETS, OFFSETS, 2, 2): from weighted sums to a step, px."""
    variance: FloatArray
    """(2, blocks) px², of a step of y and of x at the template's own position, were pixels independent..."""
    inflation: FloatArray
    """(2, blocks) ...and by how much it is larger."""
    gain: FloatArray
    """(2,) by how much steps of y and of x have been shortened."""

    @classmethod
    def of(
        cls,
        template: FloatArray,
        variance: FloatArray,
        grid: Grid,
        noise: FloatArray,
        pool: Executor,
        excess: Excess | None = None,
        seen: BoolArray | None = None,
    ) -> "Fit":
        """template and variance of its frames' noise: (height, width); noise: (n, height, width) of some frames.

        excess: filter of what is looked for; None for none. seen: pixels that count; None for all.
        """
        from groundtrace.motion.phase.kernels import block_steps

        size = (grid.bounds[:, 1] - grid.bounds[:, 0]).max(), (grid.bounds[:, 3] - grid.bounds[:, 2]).max()
        weights = np.zeros((len(grid.bounds), OFFSETS, OFFSETS, 2, *size), np.float32)
        covariance = np.empty((len(grid.bounds), OFFSETS, OFFSETS, 2, 2))
        coefficients = spline_filter(template.astype(np.float64), order=3)
        wanted = None if excess is None else spline_filter(excess(template).astype(np.float64), order=3)

        counted = variance if seen is None else variance * np.where(seen, 1, UNSEEN)

        def work(i: int) -> None:
            found = _surfaces(coefficients, i)
            filtered = found if wanted is None else _surfaces(wanted, i)
            for j in range(OFFSETS):
                block_steps(found[j], filtered[j], counted, grid.bounds, weights[:, i, j], covariance[:, i, j])

        list(pool.map(work, range(OFFSETS)))
        middle = OFFSETS // 2
        own, inflation = _errors(noise, weights[:, middle, middle], covariance[:, middle, middle], variance, grid)
        return cls(grid, template.astype(np.float32), weights, covariance, own, inflation, np.ones(2))

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
        return self.inflation * self.variance / self.gain[:, None] ** 2


def _surfaces(coefficients: FloatArray, i: int) -> FloatArray:
    """(OFFSETS, 3, height, width): a spline and its slopes along y and x, at position i along y, and all along x."""
    values, slopes = (_shifted(coefficients, _position(i), taps, axis=0) for taps in (_values, _slopes))
    rows = ((values, _values), (slopes, _values), (values, _slopes))
    return np.stack([[_shifted(part, _position(j), taps, axis=1) for part, taps in rows] for j in range(OFFSETS)])


def _errors(
    noise: FloatArray, weights: FloatArray, covariance: FloatArray, variance: FloatArray, grid: Grid
) -> tuple[FloatArray, FloatArray]:
    """Variance of a step of y and x in each block (2, blocks) px², of independent pixels, and by how much the noise's
    own is larger.

    Noise of neighbouring pixels is correlated, and active cells and neuropil are noise too. Weights mirrored within
    each block have the same size and texture, but no longer answer to motion.
    """
    found, expected, own_variance = np.zeros((3, 2, len(grid.bounds)))
    for b, (top, bottom, left, right) in enumerate(grid.bounds):
        own = weights[b, :, : bottom - top, : right - left]
        mirrored = np.stack([np.flip(own, axis) for axis in (1, 2)], axis=1).reshape(4, -1)
        sums = noise[:, top:bottom, left:right].reshape(len(noise), -1) @ mirrored.T
        found[:, b] = sums.var(axis=0).reshape(2, 2).sum(axis=1)
        spread = variance[top:bottom, left:right]
        expected[:, b] = (mirrored**2 @ spread.ravel()).reshape(2, 2).sum(axis=1)
        together = np.einsum("iyx,jyx,yx->ij", own, own, spread)
        own_variance[:, b] = np.diag(covariance[b] @ together @ covariance[b].T)
    return own_variance, np.maximum(found / np.maximum(expected, 1e-30), 1e-3)


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
