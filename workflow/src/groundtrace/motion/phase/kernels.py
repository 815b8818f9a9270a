"""Loops over pixels and frames, compiled."""

import numpy as np
from numba import njit

ONE = np.float32(1)
FARTHEST = 2.0
"""px; a step goes no further."""


@njit(nogil=True, cache=True)
def bin_frames(frames, by, out):
    """Sums of squares of `by` x `by` px without each frame's mean: out (n, height // by, width // by) float32."""
    height, width = out.shape[1:]
    by = np.uint64(by)
    line = np.empty(np.uint64(width) * by, np.float32)
    # Unsigned, here and below, because the compiler does not vectorise what might be a negative index.
    for n in range(np.uint64(len(frames))):
        for r in range(np.uint64(height)):
            line[:] = 0
            for k in range(by):
                for c in range(np.uint64(len(line))):
                    line[c] += frames[n, r * by + k, c]
            for c in range(np.uint64(width)):
                total = line[c * by]
                for k in range(np.uint64(1), by):
                    total += line[c * by + k]
                out[n, r, c] = total
        out[n] -= out[n].mean()


@njit(nogil=True, cache=True)
def limit_values(frames, low, high, level, out):
    """Frames (n, height, width) in which what lies beyond `low` and `high` (height, width) is `level`."""
    for n in range(np.uint64(len(frames))):
        for r in range(np.uint64(frames.shape[1])):
            for c in range(np.uint64(frames.shape[2])):
                value = frames[n, r, c]
                out[n, r, c] = value if low[r, c] <= value <= high[r, c] else level[r, c]


@njit(nogil=True, cache=True)
def moments(frames, shifts, rows, total, squares):
    """Sums (height, width) over frames, moved by whole pixels round the field, and of their squares: some rows."""
    height, width = total.shape
    for n in range(len(frames)):
        right = shifts[n, 1] % width
        for r in range(rows[0], rows[1]):
            line = (r + shifts[n, 0]) % height
            for c in range(width - right):
                value = float(frames[n, line, c + right])
                total[r, c] += value
                squares[r, c] += value * value
            for c in range(width - right, width):
                value = float(frames[n, line, c + right - width])
                total[r, c] += value
                squares[r, c] += value * value


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def block_steps(seen, filtered, variance, bounds, weights, covariance):
    """Weights (blocks, 2, rows, columns) and covariance (blocks, 2, 2) px² of the step in each block, in place.

    seen, filtered: (3, height, width), the template and its slopes along y and x, as it is and through the filter
    that is chosen from the movie. Weights are the filtered slopes over the variance, made orthogonal to brightness
    and background; where nothing is filtered the step is that of least squares, and this its covariance.
    """
    for b in range(len(bounds)):
        top, bottom, left, right = bounds[b]
        total, level, own_level, mean_y, mean_x = 0.0, 0.0, 0.0, 0.0, 0.0
        for r in range(top, bottom):
            for c in range(left, right):
                weight = 1 / variance[r, c]
                total += weight
                level += weight * seen[0, r, c]
                own_level += weight * filtered[0, r, c]
                mean_y += weight * filtered[1, r, c]
                mean_x += weight * filtered[2, r, c]
        level, own_level, mean_y, mean_x = level / total, own_level / total, mean_y / total, mean_x / total
        square, along_y, along_x = 0.0, 0.0, 0.0
        for r in range(top, bottom):
            for c in range(left, right):
                light = (seen[0, r, c] - level) / variance[r, c]
                square += light * (filtered[0, r, c] - own_level)
                along_y += light * filtered[1, r, c]
                along_x += light * filtered[2, r, c]
        # A block without structure tells nothing: a step of no weight and no certainty.
        part_y, part_x = (along_y / square, along_x / square) if square > 0 else (0.0, 0.0)
        yy, yx, xy, xx = 1e-6, 0.0, 0.0, 1e-6
        for r in range(top, bottom):
            for c in range(left, right):
                own, weight = filtered[0, r, c] - own_level, 1 / variance[r, c]
                y = weight * (filtered[1, r, c] - mean_y - part_y * own)
                x = weight * (filtered[2, r, c] - mean_x - part_x * own)
                yy += y * seen[1, r, c]
                yx += y * seen[2, r, c]
                xy += x * seen[1, r, c]
                xx += x * seen[2, r, c]
                weights[b, 0, r - top, c - left], weights[b, 1, r - top, c - left] = y, x
        size = yy * xx - yx * xy
        covariance[b, 0, 0], covariance[b, 1, 1] = xx / size, yy / size
        covariance[b, 0, 1], covariance[b, 1, 0] = -yx / size, -xy / size


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def measure_blocks(frames, which, model, at, brightness, found):
    """One step in every block of the frames `which` from the displacements `at` (n, blocks, 2) px, into `found`: those
    where the weighted difference from the template vanishes.

    model: template, weights, covariance, bounds and spacing of a Fit. A pixel outside the frame is taken to be as in
    the template. Block by block, because a block's weights stay in the cache.
    """
    height, width = frames.shape[1:]
    template, weights, covariance, bounds, spacing = model
    middle = weights.shape[1] // 2
    sums = np.empty((2, weights.shape[5]), np.float32)
    for b in range(len(bounds)):
        top, bottom, left, right = bounds[b]
        for n in which:
            whole_y, whole_x = round(at[n, b, 0]), round(at[n, b, 1])
            p = min(max(round((at[n, b, 0] - whole_y) / spacing) + middle, 0), 2 * middle)
            q = min(max(round((at[n, b, 1] - whole_x) / spacing) + middle, 0), 2 * middle)
            first, last = max(top, -whole_y), min(bottom, height - whole_y)
            start, stop = max(left, -whole_x), max(min(right, width - whole_x), left)
            sums[:] = 0
            frame, block, i, j = np.uint64(n), np.uint64(b), np.uint64(p), np.uint64(q)
            column, own = np.uint64(start + whole_x), np.uint64(start - left)
            for r in range(first, last):
                row, line = np.uint64(r - top), np.uint64(r + whole_y)
                for c in range(np.uint64(0), np.uint64(max(stop - start, 0))):
                    value = ONE * frames[frame, line, c + column]
                    sums[0, c] += weights[block, i, j, 0, row, c + own] * value
                    sums[1, c] += weights[block, i, j, 1, row, c + own] * value
            y, x = sums[0].sum(), sums[1].sum()
            if first > top or last < bottom or start > left or stop < right:
                for r in range(top, bottom):
                    for c in range(left, right):
                        if not (first <= r < last and start <= c < stop):
                            value = template[r, c] * brightness[n]
                            y += weights[b, p, q, 0, r - top, c - left] * value
                            x += weights[b, p, q, 1, r - top, c - left] * value
            error = covariance[b, p, q]
            step_y = (error[0, 0] * y + error[0, 1] * x) / brightness[n]
            step_x = (error[1, 0] * y + error[1, 1] * x) / brightness[n]
            found[n, b, 0] = whole_y + spacing * (p - middle) + min(max(step_y, -FARTHEST), FARTHEST)
            found[n, b, 1] = whole_x + spacing * (q - middle) + min(max(step_x, -FARTHEST), FARTHEST)


@njit(nogil=True, cache=True)
def follow(values, error, process, begins, persistence, signal):
    """Kalman filter and Rauch-Tung-Striebel smoother of x[k] = persistence * x[k - 1] + noise, values = x + error.

    begins: (n,) whether x[k] has nothing to do with x[k - 1]. Returns mean and variance of each x, and the expected
    square of each x[k] - persistence * x[k - 1]; NaN where it begins.
    """
    n = len(values)
    mean, variance = np.empty(n), np.empty(n)
    before, spread, change = np.empty(n), np.empty(n), np.zeros(n)
    x, v = 0.0, signal
    for k in range(n):
        if begins[k]:
            x, v = 0.0, signal
        else:
            x *= persistence
            v = persistence * persistence * v + process[k]
        before[k], spread[k] = x, v
        gain = v / (v + error[k])
        x += gain * (values[k] - x)
        v *= 1 - gain
        mean[k], variance[k] = x, v
    change[0] = np.nan
    for k in range(n - 2, -1, -1):
        if begins[k + 1]:
            change[k + 1] = np.nan
            continue
        back = persistence * variance[k] / spread[k + 1]
        together = back * variance[k + 1]
        mean[k] += back * (mean[k + 1] - before[k + 1])
        variance[k] += back * back * (variance[k + 1] - spread[k + 1])
        moved = mean[k + 1] - persistence * mean[k]
        change[k + 1] = (
            moved * moved + variance[k + 1] + persistence * persistence * variance[k] - 2 * persistence * together
        )
    return mean, variance, change
