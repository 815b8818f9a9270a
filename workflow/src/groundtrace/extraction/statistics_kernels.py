"""What the movie shows of one ROI, compiled."""

import numpy as np
from numba import njit

ACTIVE = 3.0
"""Noise standard deviations from which a bin counts as an event ..."""
SEEN = 2.0
"""... and from which it counts in the active image."""
SMOOTHED, SMOOTHED_SKEW = 0.53, 0.61
"""Standard deviation and skewness of noise after a Gaussian of one bin, over those before."""
TAPS = np.exp(-(np.arange(-4, 5) ** 2) / 2) / np.exp(-(np.arange(-4, 5) ** 2) / 2).sum()


@njit(nogil=True, cache=True)
def standard(trace, skew):
    """A trace above its rest in units of its noise, smoothed over two bins; float64.

    The noise is that which its negative half shows, at least that of independent pixels (1 in a bin of `trace`).
    skew: of its noise in a bin; values are given as those of a normal distribution that are as rare.
    """
    bins, reach = len(trace), len(TAPS) // 2
    soft = np.zeros(bins)
    for b in range(bins):
        for d in range(-reach, reach + 1):
            soft[b] += TAPS[d + reach] * trace[min(max(b + d, 0), bins - 1)]
    soft -= np.median(soft)
    total, count = 0.0, 0
    for value in soft:
        if value < 0:
            total += value * value
            count += 1
    scale = max(SMOOTHED, np.sqrt(total / max(count, 1)))
    skew = max(SMOOTHED_SKEW * skew, 1e-3)
    for b in range(bins):
        soft[b] = 1.5 / skew * (max(1 + skew * soft[b] / scale, 0.0) ** (2 / 3) - 1)
    return soft


@njit(nogil=True, cache=True, fastmath=True)
def combined(z, weight):
    """(bins,) float32 sum of the pixels of z (h, w, bins), each times its weight (h, w); what weighs 0 is not read."""
    out = np.zeros(z.shape[2], np.float32)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            q = weight[i, j]
            if q != 0:
                source = z[i, j]
                for b in range(len(out)):
                    out[b] += q * source[b]
    return out


@njit(nogil=True, cache=True)
def around(mask, near, far):
    """Pixels outside of `mask` (h, w) that are more than `near` and at most `far` steps along rows and columns away."""
    h, w = mask.shape
    steps = np.where(mask, 0, h + w)
    for i in range(h):
        for j in range(w):
            if i:
                steps[i, j] = min(steps[i, j], steps[i - 1, j] + 1)
            if j:
                steps[i, j] = min(steps[i, j], steps[i, j - 1] + 1)
    for i in range(h - 1, -1, -1):
        for j in range(w - 1, -1, -1):
            if i < h - 1:
                steps[i, j] = min(steps[i, j], steps[i + 1, j] + 1)
            if j < w - 1:
                steps[i, j] = min(steps[i, j], steps[i, j + 1] + 1)
    return (steps > near) & (steps <= far)


@njit(nogil=True, cache=True, fastmath=True)
def active_image(z, trace):
    """(h, w) mean of z (h, w, bins) by the trace (bins,) where it is active."""
    h, w, _ = z.shape
    out = np.zeros((h, w), np.float32)
    bins = np.flatnonzero(trace > SEEN)
    weight = (trace[bins] / max(trace[bins].sum(), 1e-9)).astype(np.float32)
    for i in range(h):
        for j in range(w):
            source = z[i, j]
            for k in range(len(bins)):
                out[i, j] += weight[k] * source[bins[k]]
    return out


@njit(nogil=True, cache=True)
def seen(z, mean, noise, skew, weight, near, far):
    """Peak, energy, skewness, inside, sharpness and mean_contrast of a ROI (`statistics.Statistics`).

    z: (h, w, bins) around it. mean, noise, skew: (h, w). weight: (h, w), 0 outside. near, far: px, of the ring.
    """
    mask = weight > 0
    filtered = np.where(mask, weight / noise, np.float32(0)).astype(np.float32)
    filtered /= np.sqrt((filtered * filtered).sum())
    trace = standard(combined(z, filtered), float((filtered.astype(np.float64) ** 3 * skew).sum()))
    ring = around(mask, near, far)
    image = active_image(z, trace)
    inside, outside, edge, power, whole = 0.0, 0.0, 0, 0.0, 0.0
    for i in range(len(mask)):
        for j in range(mask.shape[1]):
            light = max(image[i, j], np.float32(0)) ** 2
            whole += light
            if mask[i, j]:
                inside += image[i, j]
                power += light
            elif ring[i, j]:
                outside += image[i, j]
                edge += 1
    inside /= mask.sum()
    outside /= max(edge, 1)
    centred = trace - trace.mean()
    spread = np.sqrt((centred**2).mean())
    return np.array([
        trace.max(),
        np.sqrt((np.where(trace > ACTIVE, trace, 0) ** 2).sum()),
        (centred**3).mean() / spread**3 if spread > 0 else 0.0,
        power / max(whole, 1e-9),
        (inside - outside) / max(abs(inside), 1e-9),
        contrast(mean, mask, ring) if edge >= 3 else np.nan,
    ])  # fmt: skip


@njit(nogil=True, cache=True)
def contrast(mean, mask, ring):
    """Mean brightness inside above the ring's, in SD of the ring's pixels."""
    values = np.array([float(mean[i, j]) for i in range(len(ring)) for j in range(ring.shape[1]) if ring[i, j]])
    inside = np.array([float(mean[i, j]) for i in range(len(mask)) for j in range(mask.shape[1]) if mask[i, j]])
    spread = values.std()
    return (inside.mean() - values.mean()) / spread if spread > 0 else 0.0


@njit(nogil=True, cache=True)
def hull_area(rows, columns):
    """Area of the convex hull of pixels, which are squares of side 1."""
    top, left = rows.min(), columns.min()
    count = rows.max() - top + 2
    # Of each line between rows, the leftmost and the rightmost corner.
    first, last = np.full(count, columns.max() + 1), np.full(count, left)
    for k in range(len(rows)):
        for line in (rows[k] - top, rows[k] - top + 1):
            first[line], last[line] = min(first[line], columns[k]), max(last[line], columns[k] + 1)
    return _chain(last, 1) - _chain(first, -1)


@njit(nogil=True, cache=True)
def _chain(ends, side):
    """Area left of the hull of points (line, ends[line]) that bulges to the right (side 1) or to the left (-1)."""
    kept = np.empty(len(ends), np.int64)
    count = 0
    for line in range(len(ends)):
        while count >= 2:
            a, b = kept[count - 2], kept[count - 1]
            turn = (b - a) * (ends[line] - ends[a]) - (line - a) * (ends[b] - ends[a])
            if turn * side < 0:
                break
            count -= 1
        kept[count] = line
        count += 1
    area = 0.0
    for k in range(1, count):
        area += (kept[k] - kept[k - 1]) * (ends[kept[k]] + ends[kept[k - 1]]) / 2
    return area
