"""Two sources of one cell become one."""

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray

SAME_PLACE, SAME_TRACE = 0.5, 0.75
"""Two sources are one cell when they share this much of the smaller one's pixels, or lie within this many diameters of
each other, and their traces correlate so much."""
BESIDE, ONE_TRACE = 0.8, 0.9
"""Further apart, up to so many diameters, when their traces correlate so much: sides of a cell whose middle saturates
the detector."""
NEAR = 1.2
"""Diameters along rows and columns within which two sources are compared at all."""


def merged(
    z: FloatArray, windows: IntArray, footprints: FloatArray, traces: FloatArray, diameter: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Two sources of one cell become one; z is the residual and stays it. Empty ones are left out."""
    from groundtrace.extraction.search_kernels import add, project

    side = footprints.shape[1]
    alive = np.flatnonzero((footprints > 0).any(axis=(1, 2)))
    centres = np.zeros((len(windows), 2))
    for n in alive:
        centres[n] = windows[n] + _middle(footprints[n])
    gone: set[int] = set()
    for i, n in enumerate(alive):
        if n in gone:
            continue
        rest = alive[i + 1 :]
        near = rest[np.abs(centres[rest] - centres[n]).max(axis=1) <= NEAR * diameter]
        for m in near:
            pair = np.array([n, m])
            distance = float(np.hypot(*(centres[n] - centres[m]))) / diameter
            if m in gone or not _same(windows, footprints, traces, pair, distance):
                continue
            union, origin = _union(windows, footprints, traces, pair, side)
            for k in pair:
                h, w = inside(z, windows[k], side)
                add(z, windows[k][0], windows[k][1], footprints[k, :h, :w], traces[k])
            gone.add(m)
            windows[n], footprints[n] = origin, union
            h, w = inside(z, origin, side)
            traces[n] = project(z, origin[0], origin[1], union[:h, :w])
            add(z, origin[0], origin[1], union[:h, :w], -traces[n])
            centres[n] = windows[n] + _middle(union)
    kept = [n for n in alive if n not in gone and (footprints[n] > 0).any()]
    return windows[kept], footprints[kept], traces[kept]


def inside(z: FloatArray, window: IntArray, side: int) -> tuple[int, int]:
    return min(side, z.shape[0] - window[0]), min(side, z.shape[1] - window[1])


def _middle(weight: FloatArray) -> FloatArray:
    y, x = np.nonzero(weight > 0)
    return np.array([np.average(y, weights=weight[y, x]), np.average(x, weights=weight[y, x])])


def _same(windows: IntArray, footprints: FloatArray, traces: FloatArray, pair: IntArray, distance: float) -> bool:
    """Whether two sources are one cell."""
    n, m = pair
    canvas = _canvas(windows, footprints, pair)
    shared = (canvas[0] & canvas[1]).sum() / min(canvas[0].sum(), canvas[1].sum())
    overlapping = shared >= SAME_PLACE or distance <= SAME_PLACE
    if not overlapping and distance > BESIDE:
        return False
    a, b = traces[n] - np.median(traces[n]), traces[m] - np.median(traces[m])
    return bool(a @ b > (SAME_TRACE if overlapping else ONE_TRACE) * np.sqrt((a @ a) * (b @ b)))


def _canvas(windows: IntArray, footprints: FloatArray, pair: IntArray) -> BoolArray:
    """(2, h, w) the pixels of both, side by side."""
    low = windows[pair].min(axis=0)
    span = windows[pair].max(axis=0) - low + footprints.shape[1]
    out = np.zeros((2, *span), bool)
    for k, n in enumerate(pair):
        y, x = windows[n] - low
        out[k, y : y + footprints.shape[1], x : x + footprints.shape[2]] = footprints[n] > 0
    return out


def _union(
    windows: IntArray, footprints: FloatArray, traces: FloatArray, pair: IntArray, side: int
) -> tuple[FloatArray, IntArray]:
    """Sum of two footprints, each by the strength of its trace, in the window of the stronger one."""
    power = [float(np.linalg.norm(traces[n])) for n in pair]
    first, second = pair if power[0] >= power[1] else pair[::-1]
    share = min(power) / max(max(power), 1e-9)
    out, (dy, dx) = footprints[first].copy(), windows[second] - windows[first]
    y, x = np.nonzero(footprints[second] > 0)
    inside = (y + dy >= 0) & (y + dy < side) & (x + dx >= 0) & (x + dx < side)
    y, x = y[inside], x[inside]
    out[y + dy, x + dx] += share * footprints[second][y, x]
    return out, windows[first].copy()
