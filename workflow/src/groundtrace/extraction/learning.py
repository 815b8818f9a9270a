"""Fits the curves of `acceptance` to ROIs of which it is known whether they are cells."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from groundtrace.arrays import FloatArray
from groundtrace.extraction.acceptance import Acceptance, transformed
from groundtrace.extraction.statistics import NAMES

KNOTS = 6
SMOOTHNESS, SHRINKAGE = 1.0, 0.02
FALLING = ("compactness",)
RISING = ("peak", "energy", "inside", "sharpness", "mean_contrast", "solidity")
"""More of it never speaks against a cell."""


def fit(rows: FloatArray, cell: FloatArray, weight: FloatArray) -> Acceptance:
    """Curves for statistics (n_rois, n_statistics). cell: (n_rois,) 0 or 1. weight: (n_rois,) of each ROI."""
    rows = transformed(rows)
    knots = np.array([_knots(column) for column in rows.T])
    # A missing value says nothing: it stands for that of a typical cell, whose terms are zero in the end.
    typical = np.array([np.nanmedian(column[cell > 0]) for column in rows.T])
    rows = np.where(np.isfinite(rows), rows, typical)
    basis = np.concatenate([hats(column, at) for column, at in zip(rows.T, knots, strict=True)], axis=1)
    weight = weight / weight.mean()

    def unpack(p: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        steps = p[1:].reshape(len(NAMES), KNOTS)
        return p[0], steps, np.cumsum(steps, axis=1)

    def loss(p: FloatArray) -> tuple[float, FloatArray]:
        offset, steps, values = unpack(p)
        odds = offset + basis @ values.ravel()
        nll = (weight * (np.logaddexp(0, odds) - cell * odds)).sum()
        residual = weight * (expit(odds) - cell)
        slope = np.cumsum((basis.T @ residual).reshape(values.shape)[:, ::-1], axis=1)[:, ::-1]
        bend = np.diff(steps[:, 1:], axis=1)
        nll += SMOOTHNESS * (bend**2).sum() + SHRINKAGE * (steps[:, 1:] ** 2).sum()
        slope = slope.copy()
        slope[:, 1:-1] -= 2 * SMOOTHNESS * bend
        slope[:, 2:] += 2 * SMOOTHNESS * bend
        slope[:, 1:] += 2 * SHRINKAGE * steps[:, 1:]
        # The level of a curve is the offset's affair.
        slope[:, 0] = 0
        return float(nll), np.concatenate([[residual.sum()], slope.ravel()])

    bounds = [(None, None)]
    for k in range(len(NAMES)):
        bounds += [(0, 0)] + [_sign(NAMES[k])] * (KNOTS - 1)
    best = minimize(
        loss, np.zeros(1 + len(NAMES) * KNOTS), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000}
    )
    offset, _, values = unpack(best.x)
    level = np.array(
        [np.interp(at, *curve) for at, curve in zip(typical, zip(knots, values, strict=True), strict=True)]
    )
    return Acceptance(float(offset + level.sum()), knots, values - level[:, None])


def _knots(column: FloatArray) -> FloatArray:
    """Quantiles, kept apart where many values are the same."""
    found = np.nanquantile(column, np.linspace(0.01, 0.99, KNOTS))
    return np.maximum.accumulate(found) + 1e-6 * np.arange(KNOTS)


def _sign(name: str) -> tuple[float | None, float | None]:
    """Bounds of a curve's steps."""
    return (0 if name in RISING else None), (0 if name in FALLING else None)


def hats(column: FloatArray, knots: FloatArray) -> FloatArray:
    """(n, n_knots) weights of linear interpolation, the ends held; nothing where the value is missing."""
    weights = np.column_stack([np.interp(column, knots, row) for row in np.eye(len(knots))])
    return np.where(np.isfinite(column)[:, None], weights, 0)
