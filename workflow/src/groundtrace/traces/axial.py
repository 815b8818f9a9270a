"""What of a trace is axial motion: light as a smooth function of depth."""

from typing import Literal, NamedTuple

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray

BIN = 0.25
"""s; means over so long are fitted."""
DEGREE = 3
"""Of the polynomials in depth, and in time for what is slow."""
SHIFTS, PARTS = 19, 10
"""Shifts of the depth in time that tell what is explained by chance; parts of the recording that are left out in
turn."""
FEWEST = 60
"""Means that a function is fitted to, at least."""

AxialMethod = Literal["keep", "regress"]


class AxialFit(NamedTuple):
    """Of a few traces."""

    part: FloatArray
    """(n_rois, n_frames) light by which depth changes the trace, 0 at the median depth; its units."""
    share: FloatArray
    """(n_rois,) share of the variance of means over BIN that it is, without what is so by chance."""
    error: FloatArray
    """(n_rois,) standard error of the share: jackknife over PARTS of the recording, and chance."""


def axial_fit(traces: FloatArray, depth: FloatArray, frame_rate: float) -> AxialFit | None:
    """Light of traces (n_rois, n_frames) as a function of depth (n_frames,), in any unit; None where it never changes.

    Cubic polynomials of depth and of time (bleaching) are fitted to means over BIN. Samples above the fit weigh less
    (Huber, above only): a cell adds light by its activity, it never removes any. Depth is held within the percentiles
    0.1 and 99.9: beyond, few frames would decide.
    """
    frames = traces.shape[1]
    step = max(1, min(round(BIN * frame_rate), frames // FEWEST))
    bins = frames // step
    low, high = np.percentile(depth, (0.1, 99.9)) if frames else (0.0, 0.0)
    if bins < FEWEST or not high > low:
        return None
    scaled = (2 * np.clip(depth, low, high) - low - high) / (high - low)
    y, at = (_means(values, bins, step) for values in (traces, scaled))
    slow = np.polynomial.legendre.legvander(np.linspace(-1, 1, bins), DEGREE)
    design = np.concatenate([slow, _powers(at)], axis=1)
    weights, found = _robust(design, y)
    total = np.maximum(y.var(axis=1), 1e-30)

    def share(weights: FloatArray, design: FloatArray, of: FloatArray) -> FloatArray:
        return (_solved(weights, design, of)[:, -DEGREE:] @ design[:, -DEGREE:].T).var(axis=1) / total

    # What depth of another time, a tenth of the recording away at least, explains of what is left.
    left_over = y - found[:, -DEGREE:] @ design[:, -DEGREE:].T
    away = np.linspace(bins // 10, bins - bins // 10, SHIFTS).round().astype(int)
    shifted = [np.concatenate([slow, _powers(np.roll(at, by))], axis=1) for by in away]
    chance = np.stack([share(weights, other, left_over) for other in shifted])
    others = []
    for part in np.array_split(np.arange(bins), PARTS):
        left = weights.copy()
        left[:, part] = 0
        others.append(share(left, design, y))
    jackknife = (PARTS - 1) * np.var(others, axis=0)
    part = found[:, -DEGREE:] @ (_powers(scaled) - _powers(np.atleast_1d(np.median(scaled)))).T
    explained = np.clip(share(weights, design, y) - chance.mean(axis=0), 0, 1)
    return AxialFit(part, explained, np.sqrt(jackknife + chance.var(axis=0)))


def _means(values: FloatArray, bins: int, step: int) -> FloatArray:
    return values[..., : bins * step].reshape(*values.shape[:-1], bins, step).mean(axis=-1, dtype=np.float64)


def _powers(depth: FloatArray) -> FloatArray:
    return np.polynomial.legendre.legvander(depth, DEGREE)[:, 1:]


def _robust(design: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights (n_rois, bins) and coefficients (n_rois, columns)."""
    weights, found = np.ones_like(y), np.zeros((len(y), design.shape[1]))
    for _ in range(20):
        found = _solved(weights, design, y)
        residual = y - found @ design.T
        below = np.minimum(residual, 0)
        scale = np.sqrt((below**2).sum(axis=1) / np.maximum((below < 0).sum(axis=1), 1))[:, None] + 1e-12
        weights = np.where(residual > scale, scale / np.maximum(residual, 1e-12), 1.0) ** 2
    return weights, found


def _solved(weights: FloatArray, design: FloatArray, y: FloatArray) -> FloatArray:
    """Weighted least squares of each row of y (n_rois, bins)."""
    columns = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    normal = (weights @ products).reshape(-1, columns, columns) + 1e-9 * len(design) * np.eye(columns)
    return np.linalg.solve(normal, ((weights * y) @ design)[..., None])[..., 0]


class Axial(NamedTuple):
    """Axial motion in the light of all ROIs."""

    fluorescence: FloatArray
    """(n_rois, n_frames) F..."""
    neuropil: FloatArray
    """...and Fneu, as they were, or without what depth explains."""
    share: FloatArray
    """(n_rois,) share of the variance of F that depth explains; NaN where that is not known..."""
    error: FloatArray
    """...and its standard error."""


def axial_part(
    fluorescence: FloatArray,
    neuropil: FloatArray,
    depth: FloatArray | None,
    good: BoolArray,
    frame_rate: float,
    method: AxialMethod,
) -> Axial:
    """How much of each ROI's light is axial motion; `regress` takes it away.

    fluorescence, neuropil: (n_rois, n_frames). depth: (n_frames,), or the axial mode; None where neither is known.
    good: (n_frames,) frames that are fitted.
    """
    share, error = np.full((2, len(fluorescence)), np.nan)
    if depth is None or not good.any():
        return Axial(fluorescence, neuropil, share, error)
    kept = fluorescence, neuropil
    if method == "regress":
        kept = fluorescence.astype(np.float32), neuropil.astype(np.float32)
    for start in range(0, len(share), 32):
        block = slice(start, start + 32)
        for values, own in zip((fluorescence, neuropil), kept, strict=True):
            fit = axial_fit(values[block][:, good], depth[good], frame_rate)
            if fit is None:
                continue
            if own is kept[0]:
                share[block], error[block] = fit.share, fit.error
            if method == "regress":
                own[block, good] -= fit.part
            else:
                break
    return Axial(*kept, share, error)
