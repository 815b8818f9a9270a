"""Loops over pixels and frames, compiled: sums over a movie, its bins, and the movie in units of its noise."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, fastmath=True)
def moments(frames, follows, total, difference):
    """Sums of frames (n, Y, X) above the first, and of squares of their second differences, added to `total` and
    `difference`, (Y, X) float32.

    follows: (n,) whether the frame and the two before it are consecutive. The first two frames only lead in.
    """
    for y in range(len(total)):
        sums, squares, first = total[y], difference[y], frames[0, y]
        for t in range(2, len(frames)):
            now, last, before = frames[t, y], frames[t - 1, y], frames[t - 2, y]
            for x in range(len(sums)):
                sums[x] += np.float32(now[x]) - np.float32(first[x])
            if follows[t]:
                for x in range(len(sums)):
                    change = np.float32(now[x]) - np.float32(2) * np.float32(last[x]) + np.float32(before[x])
                    squares[x] += change * change


@njit(nogil=True, cache=True, fastmath=True)
def coarse_means(binned, mean, size, out):
    """Means of binned - mean over squares of `size` px, the last ones smaller: out (bins, a, b) float32."""
    height, width = mean.shape
    line = np.empty(width, np.float32)
    for b in range(len(binned)):
        for k in range(out.shape[1]):
            rows = min(size, height - k * size)
            line[:] = 0
            for y in range(k * size, k * size + rows):
                for x in range(width):
                    line[x] += binned[b, y, x] - mean[y, x]
            for j in range(out.shape[2]):
                part = line[j * size : (j + 1) * size]
                out[b, k, j] = part.sum() / (rows * len(part))


@njit(nogil=True, cache=True, fastmath=True)
def spread(images, taps):
    """Images (n, a, b) float32 smoothed with a separable kernel; nothing lies outside."""
    n, height, width = images.shape
    r = len(taps) // 2
    out = np.zeros(images.shape, np.float32)
    line = np.empty(width, np.float32)
    for k in range(n):
        for y in range(height):
            line[:] = 0
            for d in range(max(-r, -y), min(r, height - 1 - y) + 1):
                for x in range(width):
                    line[x] += taps[d + r] * images[k, y + d, x]
            row = out[k, y]
            for d in range(-r, r + 1):
                for x in range(max(0, -d), min(width, width - d)):
                    row[x] += taps[d + r] * line[x + d]
    return out


@njit(nogil=True, cache=True, fastmath=True)
def bin_frames(frames, bins, out):
    """Means of frames (n, Y, X) over bins (n, 2), the last frame not included: out (bins, Y, X) float32."""
    for b in range(len(out)):
        first, last = bins[b]
        share = np.float32(1 / (last - first))
        for y in range(out.shape[1]):
            row = out[b, y]
            row[:] = 0
            for k in range(first, last):
                frame = frames[k, y]
                for x in range(len(row)):
                    row[x] += frame[x]
            for x in range(len(row)):
                row[x] *= share


@njit(nogil=True, cache=True, fastmath=True)
def in_noise_units(binned, mean, light, field, rows, columns, inverse, quieter, out):
    """(binned - mean - field × light) × inverse × quieter, time last: out (h, w, bins) float32.

    binned: (bins, h, w). mean, light (brightness above dark), inverse (1 / SD of a bin): (h, w). quieter: (bins,) SD of
    a usual bin over that of this one. field: (bins, a, b)
    the relative brightness of the surroundings on a coarse grid; rows, columns: (h, 2), (w, 2) left grid place and
    share of the right one.
    """
    bins, height, width = binned.shape
    line = np.empty(width, np.float32)
    step = 16
    for start in range(0, bins, step):
        stop = min(bins, start + step)
        for y in range(height):
            top, down = int(rows[y, 0]), rows[y, 1]
            for b in range(start, stop):
                for x in range(width):
                    left, right = int(columns[x, 0]), columns[x, 1]
                    above = field[b, top, left] * (1 - right) + field[b, top, left + 1] * right
                    below = field[b, top + 1, left] * (1 - right) + field[b, top + 1, left + 1] * right
                    line[x] = above * (1 - down) + below * down
                for x in range(width):
                    change = binned[b, y, x] - mean[y, x] - line[x] * light[y, x]
                    out[y, x, b] = change * inverse[y, x] * quieter[b]


@njit(nogil=True, cache=True, fastmath=True)
def lower(z, level):
    """Subtract levels (h, w, blocks), interpolated in time, from z (h, w, bins), in place."""
    height, width, bins = z.shape
    blocks = level.shape[2]
    left, share = np.empty(bins, np.int64), np.empty(bins, np.float32)
    for b in range(bins):
        place = min(max((b + 0.5) * blocks / bins - 0.5, 0.0), blocks - 1.0)
        left[b] = min(int(place), max(blocks - 2, 0))
        share[b] = place - left[b] if blocks > 1 else 0.0
    step = 1 if blocks > 1 else 0
    for y in range(height):
        for x in range(width):
            for b in range(bins):
                k = left[b]
                z[y, x, b] -= level[y, x, k] * (1 - share[b]) + level[y, x, k + step] * share[b]


@njit(nogil=True, cache=True, fastmath=True)
def matched(z, taps):
    """z (h, w, bins) smoothed with a separable kernel; nothing lies outside."""
    height, width, bins = z.shape
    r = len(taps) // 2
    rows, out = np.zeros((width, bins), np.float32), np.zeros(z.shape, np.float32)
    for y in range(height):
        rows[:] = 0
        for d in range(-r, r + 1):
            if 0 <= y + d < height:
                for x in range(width):
                    for b in range(bins):
                        rows[x, b] += taps[d + r] * z[y + d, x, b]
        for x in range(width):
            target = out[y, x]
            for d in range(max(-r, -x), min(r, width - 1 - x) + 1):
                tap, source = taps[d + r], rows[x + d]
                for b in range(bins):
                    target[b] += tap * source[b]
    return out


@njit(nogil=True, cache=True, fastmath=True)
def negative_width(smooth):
    """(h, w) standard deviation that the negative half of each pixel's values has."""
    height, width, bins = smooth.shape
    out = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            total, count = 0.0, 0
            for b in range(bins):
                v = smooth[y, x, b]
                if v < 0:
                    total += v * v
                    count += 1
            out[y, x] = np.sqrt(total / count) if count else 1
    return out


@njit(nogil=True, cache=True, fastmath=True)
def tile_images(z, memory, deviation, highest, correlation):
    """Pictures of z (h, w, bins), each (h, w) and filled in place.

    Standard deviation over time; largest value, smoothed over a transient; mean correlation with the four neighbours.
    """
    height, width, bins = z.shape
    middle = np.zeros((height, width), np.float32)
    count = np.zeros((height, width), np.float32)
    keep, gain = np.float32(memory), np.float32(1 - memory)
    for y in range(height):
        for x in range(width):
            total, squares = 0.0, 0.0
            for b in range(bins):
                total += z[y, x, b]
                squares += z[y, x, b] * z[y, x, b]
            middle[y, x] = total / bins
            deviation[y, x] = np.sqrt(max(squares / bins - middle[y, x] ** 2, 1e-12))
            tail, best = np.float32(0), np.float32(-1e30)
            for b in range(bins):
                tail = keep * tail + gain * z[y, x, b]
                best = max(best, tail)
            highest[y, x] = best
    correlation[:] = 0
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (1, 0)):
                i, j = y + dy, x + dx
                if i >= height or j >= width:
                    continue
                product = np.float32(0)
                for b in range(bins):
                    product += z[y, x, b] * z[i, j, b]
                r = (product / bins - middle[y, x] * middle[i, j]) / (deviation[y, x] * deviation[i, j])
                correlation[y, x] += r
                correlation[i, j] += r
                count[y, x] += 1
                count[i, j] += 1
    correlation /= np.maximum(count, 1)
