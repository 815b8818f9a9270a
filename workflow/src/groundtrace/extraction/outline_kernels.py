"""From the brightness of pixels around a place to the outline of a cell, compiled."""

import numpy as np
from numba import njit

CORE = 0.25
"""Pixels with more than this share of a footprint's brightness belong to it."""
CORE_WIDE, CLEAR = 0.5, 2.5
"""... CORE_WIDE of it in an image so noisy that its brightness is less than CLEAR times what is sure."""
SURE = 2.0
"""... and more standard deviations of what noise alone would make of them."""
SMALLEST = 0.035
"""Area of a source over the square of its reach, at least, and ..."""
FEWEST_PIXELS = 6
"""... pixels."""


@njit(nogil=True, cache=True)
def blurred(image, taps):
    """(h, w) smoothed with a separable kernel of sum 1; nothing lies outside."""
    h, w = image.shape
    r = len(taps) // 2
    rows, out = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
    for i in range(h):
        for j in range(w):
            for d in range(max(-r, -i), min(r, h - 1 - i) + 1):
                rows[i, j] += taps[d + r] * image[i + d, j]
    for i in range(h):
        for j in range(w):
            for d in range(max(-r, -j), min(r, w - 1 - j) + 1):
                out[i, j] += taps[d + r] * rows[i, j + d]
    return out


@njit(nogil=True, cache=True)
def connected(mask, y, x):
    """The part of `mask` (h, w) that hangs together with (y, x), across edges."""
    h, w = mask.shape
    out = np.zeros((h, w), np.bool_)
    if not mask[y, x]:
        return out
    stack = np.empty((h * w, 2), np.int64)
    stack[0, 0], stack[0, 1], count = y, x, 1
    out[y, x] = True
    while count:
        count -= 1
        i, j = stack[count]
        for di, dj in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            a, b = i + di, j + dj
            if 0 <= a < h and 0 <= b < w and mask[a, b] and not out[a, b]:
                out[a, b] = True
                stack[count, 0], stack[count, 1] = a, b
                count += 1
    return out


@njit(nogil=True, cache=True)
def filled(mask):
    """`mask` (h, w) without holes."""
    h, w = mask.shape
    around = np.ones((h + 2, w + 2), np.bool_)
    around[1:-1, 1:-1] = ~mask
    return ~connected(around, 0, 0)[1:-1, 1:-1]


@njit(nogil=True, cache=True)
def opened(mask):
    """`mask` (h, w) without what is thinner than two pixels."""
    h, w = mask.shape
    out = np.zeros((h, w), np.bool_)
    for i in range(h - 1):
        for j in range(w - 1):
            if mask[i, j] and mask[i + 1, j] and mask[i, j + 1] and mask[i + 1, j + 1]:
                out[i : i + 2, j : j + 2] = True
    return out


@njit(nogil=True, cache=True)
def shaped(raw, noise, cy, cx, taps, wide, reach):
    """A cell's footprint from the least-squares one: compact, in one piece, without holes; zero elsewhere.

    raw: (h, w). noise: its standard deviation at each pixel. (cy, cx): a place inside. reach: px, farthest from there.
    taps: smooth a clear image; wide: one of which the pixels tell little by themselves.
    """
    h, w = raw.shape
    near = np.zeros((h, w), np.bool_)
    for i in range(h):
        for j in range(w):
            near[i, j] = (i - cy) ** 2 + (j - cx) ** 2 <= reach * reach
    out = np.zeros((h, w), np.float32)
    soft, core = blurred(raw, taps), np.float32(CORE)
    sure = np.float32(SURE) * noise * (taps * taps).sum()
    level = upper(soft, near, sure)
    if level < CLEAR * sure:
        soft, core = blurred(raw, wide), np.float32(CORE_WIDE)
        sure = np.float32(SURE) * noise * (wide * wide).sum()
        level = upper(soft, near, sure)
    if level <= 0:
        return out
    mask = near & (soft > max(core * level, sure))
    y, x = brightest(soft, mask & (np.abs(np.arange(h) - cy) <= 2).reshape(-1, 1) & (np.abs(np.arange(w) - cx) <= 2))
    if y < 0:
        y, x = brightest(soft, mask)
    if y < 0:
        return out
    piece = opened(filled(connected(mask, y, x)))
    if not piece[y, x]:
        # The brightest place was in a thin part.
        y, x = brightest(soft, piece)
        if y < 0:
            return out
    piece = filled(connected(piece, y, x))
    for i in range(h):
        for j in range(w):
            if piece[i, j]:
                out[i, j] = max(np.float32(0.5) * (raw[i, j] + soft[i, j]), np.float32(0.05) * level)
    return out


@njit(nogil=True, cache=True)
def upper(soft, near, sure):
    """Upper tenth of what is surely above the noise; 0 when that is too little."""
    values = np.zeros(soft.size, np.float32)
    count = 0
    for i in range(soft.shape[0]):
        for j in range(soft.shape[1]):
            if near[i, j] and soft[i, j] > sure:
                values[count] = soft[i, j]
                count += 1
    return np.sort(values[:count])[int(0.9 * (count - 1))] if count >= FEWEST_PIXELS else np.float32(0)


@njit(nogil=True, cache=True)
def brightest(image, mask):
    """Place of the largest value in the mask; (-1, -1) when it is empty."""
    best, y, x = np.float32(-np.inf), -1, -1
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            if mask[i, j] and image[i, j] > best:
                best, y, x = image[i, j], i, j
    return y, x
