"""The search for sources in a movie in units of its noise, (Y, X, bins), compiled.

A source is a footprint in a square window and a trace. `smooth` is the movie matched in space with a cell's size,
`search` a `search.Search`; a corner is the top left (y, x) of a window.
"""

import numpy as np
from numba import njit

from groundtrace.extraction.outline_kernels import FEWEST_PIXELS, SMALLEST, blurred, shaped

THRESHOLD = np.float32(3)
"""Noise standard deviations from which a bin counts as active."""
FAINT = np.float32(0.02)
"""Share of the largest value of a filtered footprint below which it changes nothing."""
REMAINDER = np.float32(5)
"""A source this much weaker than what lies over it already is what that one's model has left of it."""


@njit(nogil=True, cache=True)
def normal(x, skew):
    """The value of a standard normal variable that is about as rare as x of a Poisson variable of this skewness.

    The power of two thirds takes the skewness of counts away (Anscombe 1953).
    """
    if abs(skew) < 1e-3:
        return x
    return 1.5 / skew * (max(1 + skew * x, 0.0) ** (2 / 3) - 1)


@njit(nogil=True, cache=True)
def from_normal(x, skew):
    """The inverse of `normal`."""
    if abs(skew) < 1e-3:
        return x
    return (max(1 + skew * x / 1.5, 0.0) ** 1.5 - 1) / skew


@njit(nogil=True, cache=True, fastmath=True)
def energy(smooth, search, sign, corner, where, out):
    """Root of the sum of squares of active bins, as they are and smoothed in time: `out` (Y, X), in place.

    sign: -1 for the inverted movie. where: (h, w) at the corner, pixels to do.
    """
    bins, memory = smooth.shape[2], search.memory
    gain = np.float32(np.sqrt(1 - memory * memory))
    keep = np.float32(memory)
    shared = (1 - memory) / (1 + memory)
    # Smoothing in time makes the noise more normal.
    less = (1 - memory * memory) ** 1.5 / (1 - memory**3)
    for i in range(where.shape[0]):
        for j in range(where.shape[1]):
            if not where[i, j]:
                continue
            y, x = corner[0] + i, corner[1] + j
            trace, factor = smooth[y, x], search.scale[y, x] * np.float32(sign)
            one, two = sign * search.skew[y, x], sign * less * search.skew[y, x]
            first, second = np.float32(from_normal(THRESHOLD, one)), np.float32(from_normal(THRESHOLD, two))
            sharp, late, highest, tail = 0.0, 0.0, 0.0, np.float32(0)
            for b in range(bins - 1, -1, -1):
                v = trace[b] * factor
                tail = keep * tail + gain * v
                if v > first:
                    sharp += normal(v, one) ** 2
                if tail > second:
                    value = normal(tail, two)
                    late += value * value
                    highest = max(highest, value)
            # One clear event is enough: its height counts as the energy that many have by chance.
            out[y, x] = max(np.sqrt(max(sharp, late * shared)), highest * search.lone)


@njit(nogil=True, cache=True, fastmath=True)
def project(z, y0, x0, weight):
    """Least-squares trace (bins,) of a footprint `weight` (h, w) at (y0, x0)."""
    h, w = weight.shape
    trace = np.zeros(z.shape[2], np.float32)
    power = np.float32(0)
    for i in range(h):
        for j in range(w):
            q = weight[i, j]
            if q != 0:
                power += q * q
                source = z[y0 + i, x0 + j]
                for b in range(len(trace)):
                    trace[b] += q * source[b]
    if power > 0:
        trace /= power
    return trace


@njit(nogil=True, cache=True, fastmath=True)
def regress(z, y0, x0, h, w, bins, trace):
    """Least-squares footprint (h, w) at (y0, x0) of a trace in the bins named."""
    out = np.zeros((h, w), np.float32)
    power = np.float32(0)
    for a in trace:
        power += a * a
    if power <= 0:
        return out
    for i in range(h):
        for j in range(w):
            source = z[y0 + i, x0 + j]
            total = np.float32(0)
            for k in range(len(bins)):
                total += trace[k] * source[bins[k]]
            out[i, j] = total / power
    return out


@njit(nogil=True, cache=True, fastmath=True)
def add(z, y0, x0, weight, trace):
    """z += weight × trace in the window."""
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            q = weight[i, j]
            if q != 0:
                target = z[y0 + i, x0 + j]
                for b in range(len(trace)):
                    target[b] += q * trace[b]


@njit(nogil=True, cache=True)
def activity(trace, noise, memory):
    """What is active of a trace (bins,) and how much it weighs: bins, and values there.

    As it is, or smoothed over a transient where that holds more energy above the noise, as of weak events.
    """
    bins = len(trace)
    soft = np.empty(bins, np.float32)
    # Both ways in time, at gain 1; `less` is what is left of the noise.
    tail, start = np.float32(0), np.float32(1 - memory)
    for b in range(bins):
        tail = memory * tail + start * trace[b]
        soft[b] = tail
    tail = np.float32(0)
    for b in range(bins - 1, -1, -1):
        tail = memory * tail + start * trace[b]
        soft[b] = (soft[b] + tail - start * trace[b]) / np.float32(1 + memory)
    share = (1 - memory) / (1 + memory)
    less = share * np.sqrt((1 + memory * memory) / (1 - memory * memory))
    sharp, late = 0.0, 0.0
    for b in range(bins):
        if trace[b] > THRESHOLD * noise:
            sharp += (trace[b] / noise) ** 2
        if soft[b] > THRESHOLD * noise * less:
            late += (soft[b] / noise) ** 2
    if sharp >= late:
        chosen = np.flatnonzero(trace > THRESHOLD * noise)
        return chosen, trace[chosen]
    chosen = np.flatnonzero(soft > THRESHOLD * noise * less)
    return chosen, soft[chosen]


@njit(nogil=True, cache=True)
def fitted(z, search, sign, corner, weight, centre, rounds):
    """Alternate trace and footprint of a source from `weight` (h, w) on; its footprint, empty when nothing is left.

    centre: (y, x) in the window.
    """
    (y0, x0), (cy, cx), (h, w) = corner, centre, weight.shape
    noise, reach = 1 / search.scale[y0 + cy, x0 + cx], search.reach
    for _ in range(rounds):
        trace = project(z, y0, x0, weight)
        trace *= np.float32(sign)
        total = np.float32(0)
        for q in weight.ravel():
            total += q * q
        bins, strong = activity(trace, np.float32(noise) / np.sqrt(total), np.float32(search.memory))
        if not len(bins):
            return np.zeros((h, w), np.float32)
        raw = regress(z, y0, x0, h, w, bins, strong)
        raw *= np.float32(sign)
        power = np.float32(0)
        for a in strong:
            power += a * a
        weight = shaped(raw, np.float32(noise) / np.sqrt(power), cy, cx, search.soft, search.wide, reach)
        if (weight > 0).sum() < max(FEWEST_PIXELS, SMALLEST * np.pi * reach * reach):
            return np.zeros((h, w), np.float32)
    return weight


@njit(nogil=True, cache=True)
def peel(z, smooth, strength, search, sign, most):
    """Take sources out of z and smooth, the strongest first; `strength` (Y, X) is the energy of smooth. All in place.

    Returns windows (n, 2) top left, footprints (n, side, side) in the window, traces (n, bins) and energies (n,) at the
    seeds. most: of the sources.
    """
    height, width, bins = z.shape
    reach, seed = search.reach, search.seed
    side, r = 2 * reach + 1, len(seed) // 2
    most = min(most, search.room)
    dead = np.zeros((height, width), np.bool_)
    owner = np.zeros((height, width), np.float32)
    windows, seeds = np.empty((most, 2), np.int64), np.empty(most, np.float32)
    footprints, traces = np.zeros((most, side, side), np.float32), np.empty((most, bins), np.float32)
    count = 0
    while count < most:
        best, cy, cx = np.float32(-1), 0, 0
        for y in range(height):
            for x in range(width):
                if strength[y, x] > best and not dead[y, x]:
                    best, cy, cx = strength[y, x], y, x
        if best < search.least:
            break
        y0, y1, x0, x1 = max(0, cy - reach), min(height, cy + reach + 1), max(0, cx - reach), min(width, cx + reach + 1)
        weight = np.zeros((y1 - y0, x1 - x0), np.float32)
        for i in range(max(y0, cy - r), min(y1, cy + r + 1)):
            for j in range(max(x0, cx - r), min(x1, cx + r + 1)):
                weight[i - y0, j - x0] = seed[i - cy + r] * seed[j - cx + r]
        weight = fitted(z, search, sign, (y0, x0), weight, (cy - y0, cx - x0), 4)
        pixels, owned = 0, np.float32(0)
        for i in range(y1 - y0):
            for j in range(x1 - x0):
                if weight[i, j] > 0:
                    pixels += 1
                    owned += owner[y0 + i, x0 + j]
        if not pixels or owned > REMAINDER * best * pixels:
            dead[max(0, cy - 1) : cy + 2, max(0, cx - 1) : cx + 2] = True
            continue
        for i in range(y1 - y0):
            for j in range(x1 - x0):
                if weight[i, j] > 0:
                    owner[y0 + i, x0 + j] = max(owner[y0 + i, x0 + j], best)
        trace = project(z, y0, x0, weight)
        add(z, y0, x0, weight, -trace)
        ya, yb, xa, xb = max(0, y0 - r), min(height, y1 + r), max(0, x0 - r), min(width, x1 + r)
        spread = np.zeros((yb - ya, xb - xa), np.float32)
        spread[y0 - ya : y1 - ya, x0 - xa : x1 - xa] = weight
        spread = blurred(spread, seed)
        touched = spread > FAINT * spread.max()
        spread *= touched
        add(smooth, ya, xa, spread, -trace)
        energy(smooth, search, sign, (ya, xa), touched, strength)
        if strength[cy, cx] > 0.8 * best:
            dead[max(0, cy - 1) : cy + 2, max(0, cx - 1) : cx + 2] = True
        windows[count, 0], windows[count, 1], seeds[count] = y0, x0, best
        footprints[count, : y1 - y0, : x1 - x0] = weight
        traces[count] = trace
        count += 1
    return windows[:count], footprints[:count], traces[:count], seeds[:count]


@njit(nogil=True, cache=True)
def refine(z, search, windows, footprints, traces):
    """Fit all sources again, one after the other, in the residual z plus their own light; all in place."""
    height, width, _ = z.shape
    for n in range(len(windows)):
        y0, x0 = windows[n]
        h, w = min(footprints.shape[1], height - y0), min(footprints.shape[2], width - x0)
        weight = footprints[n, :h, :w].copy()
        if not (weight > 0).any():
            continue
        add(z, y0, x0, weight, traces[n])
        total, cy, cx = 0.0, 0.0, 0.0
        for i in range(h):
            for j in range(w):
                total += weight[i, j]
                cy += i * weight[i, j]
                cx += j * weight[i, j]
        cy, cx = round(cy / total), round(cx / total)
        weight = fitted(z, search, 1, (y0, x0), weight, (cy, cx), 1)
        footprints[n] = 0
        traces[n] = 0
        if (weight > 0).any():
            footprints[n, :h, :w] = weight
            traces[n] = project(z, y0, x0, weight)
            add(z, y0, x0, weight, -traces[n])
