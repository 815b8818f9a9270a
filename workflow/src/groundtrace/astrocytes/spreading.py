"""How the front of an event moves: onset = start + distance from an origin / speed, least squares over origins."""

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.astrocytes.averaged import KERNEL

GRID, FINER = 9, 3
"""Origins along each side of a box three times as large as the event (with far ones the front is straight), and how
often a finer grid is laid around the best."""
FEWEST = 6
"""Independent pixels of which a front is told."""
CHANCE = 0.01
"""That squares fall as much without a front (F test)."""
FASTER = 0.1
"""Relative standard error of a speed, in addition to that of the fit: smoothing makes fronts a tenth too fast in
simulated recordings."""

Fit = tuple[float, float, float, tuple[float, float]]


@dataclass(frozen=True)
class Spread:
    """Of a front, in pixels and frames."""

    speed: float
    error: float
    y: float
    x: float


def spread_of(rows: IntArray, columns: IntArray, onset: FloatArray, error: FloatArray) -> Spread | None:
    """Speed of a front by the onsets of pixels (n,), and their errors; None where it is not told from all at once."""
    known = np.isfinite(onset) & np.isfinite(error) & (error > 0)
    y, x, onset, error = (values[known].astype(float) for values in (rows, columns, onset, error))
    if not len(onset):
        return None
    middle = np.median(onset)
    spread = 1.4826 * np.median(np.abs(onset - middle)) + 1e-9
    error = np.hypot(error, 0.25)
    kept = np.abs(onset - middle) < 5 * np.hypot(spread, error)
    y, x, onset, weight = y[kept], x[kept], onset[kept], error[kept] ** -2.0
    independent, weight = len(onset) / KERNEL, weight / weight.mean()
    if independent < FEWEST:
        return None
    flat = float((weight * (onset - np.average(onset, weights=weight)) ** 2).sum())
    left, slowness, variance, origin = _best(y, x, onset, weight)
    noise = left / len(onset) * independent / max(independent - 4, 1)
    clearer = (flat - left) / len(onset) * independent / 3 / max(noise, 1e-12)
    if slowness <= 0 or fdtrc(3, max(independent - 4, 1), clearer) > CHANCE:
        return None
    uncertain = np.sqrt(variance * noise * KERNEL)
    return Spread(1 / slowness, float(np.hypot(uncertain / slowness, FASTER) / slowness), *origin)


def _best(y: FloatArray, x: FloatArray, onset: FloatArray, weight: FloatArray) -> Fit:
    """For the origin that leaves least, on ever finer grids: one that is off makes fronts seem faster."""
    middle, reach = (np.array([(np.max(v) + sign * np.min(v)) / 2 for v in (y, x)]) for sign in (1, -1))
    reach = 3 * np.maximum(reach, 1)
    best: Fit | None = None
    for _ in range(FINER):
        sides = [np.linspace(centre - half, centre + half, GRID) for centre, half in zip(middle, reach, strict=True)]
        origins = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        fits = [_fit(y, x, onset, weight, origin) for origin in origins]
        best = min([*fits, *([best] if best else [])], key=lambda fit: fit[0])
        middle, reach = np.array(best[3]), 2 * reach / (GRID - 1)
    assert best is not None
    return best


def _fit(y: FloatArray, x: FloatArray, onset: FloatArray, weight: FloatArray, origin: FloatArray) -> Fit:
    """Weighted squares that are left, slowness, its variance per unit of noise, and the origin."""
    distance = np.hypot(y - origin[0], x - origin[1])
    distance = distance - np.average(distance, weights=weight)
    late = onset - np.average(onset, weights=weight)
    power = max(float((weight * distance**2).sum()), 1e-12)
    slowness = max(float((weight * distance * late).sum()) / power, 0.0)
    left = float((weight * (late - slowness * distance) ** 2).sum())
    return left, slowness, 1 / power, (float(origin[0]), float(origin[1]))
