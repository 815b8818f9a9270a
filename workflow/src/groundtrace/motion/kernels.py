"""Loops over pixels, compiled."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def bilinear(raw, moved, grid, above, below, down, left, right, along, offset, fill, rounded):
    """grid: (n, 2, rows, columns) displacements at the centres; above to along: `_cells` of rows and columns.

    offset: px by which odd rows of `raw` are displaced along x.
    """
    height, width = fill.shape
    columns = grid.shape[3]
    ey, ex = np.empty(columns), np.empty(columns)
    y, x = np.empty(width), np.empty(width)
    for n in range(len(raw)):
        frame = raw[n]
        for r in range(height):
            for k in range(columns):
                ey[k] = grid[n, 0, above[r], k] * (1 - down[r]) + grid[n, 0, below[r], k] * down[r] + r
                ex[k] = grid[n, 1, above[r], k] * (1 - down[r]) + grid[n, 1, below[r], k] * down[r]
            for c in range(width):
                y[c] = ey[left[c]] * (1 - along[c]) + ey[right[c]] * along[c]
                x[c] = ex[left[c]] * (1 - along[c]) + ex[right[c]] * along[c] + c
            for c in range(width):
                odd = offset * (int(y[c]) & 1)
                one, other = x[c] + odd, x[c] + offset - odd
                if not (0 <= y[c] <= height - 1 and min(one, other) >= 0 and max(one, other) <= width - 1):
                    moved[n, r, c] = fill[r, c]
                    continue
                # Unsigned, because what might be a negative index is checked at every pixel.
                i, j, k = np.uintp(y[c]), np.uintp(one), np.uintp(other)
                i1 = min(i + np.uintp(1), np.uintp(height - 1))
                j1, k1 = min(j + np.uintp(1), np.uintp(width - 1)), min(k + np.uintp(1), np.uintp(width - 1))
                v = y[c] - i
                top = frame[i, j] + (frame[i, j1] * 1.0 - frame[i, j]) * (one - j)
                bottom = frame[i1, k] + (frame[i1, k1] * 1.0 - frame[i1, k]) * (other - k)
                value = top + (bottom - top) * v
                moved[n, r, c] = np.rint(value) if rounded else value


@njit(nogil=True, cache=True)
def bilinear_rigid(raw, moved, shifts, fill, rounded):
    """The same where all pixels of a frame move alike: shifts (n, 2)."""
    height, width = fill.shape
    for n in range(len(raw)):
        moved[n] = fill
        i, j = int(np.floor(shifts[n, 0])), int(np.floor(shifts[n, 1]))
        v, u = shifts[n, 0] - i, shifts[n, 1] - j
        # A whole shift reads no further pixel.
        down, right = int(v > 0), int(u > 0)
        first, last = max(0, -i), min(height, height - i - down)
        start, stop = max(0, -j), min(width, width - j - right)
        if stop <= start:
            continue
        for r in range(first, last):
            above, below = raw[n, r + i], raw[n, r + i + down]
            a, b = above[start + j : stop + j], above[start + j + right : stop + j + right]
            c, d = below[start + j : stop + j], below[start + j + right : stop + j + right]
            out = moved[n, r, start:stop]
            for k in range(len(out)):
                top = a[k] + (b[k] * 1.0 - a[k]) * u
                bottom = c[k] + (d[k] * 1.0 - c[k]) * u
                value = top + (bottom - top) * v
                out[k] = np.rint(value) if rounded else value


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def newton_step(frame, model, at, brightness, found):
    """One step from the displacements `at` (blocks, 2): those where the weighted difference vanishes, into `found`.

    A pixel that lies outside the frame is taken to be as in the template.
    """
    height, width = frame.shape
    template, weights, covariance, bounds, spacing = model
    offsets = weights.shape[0]
    for b in range(len(bounds)):
        whole, bank = np.empty(2, np.int64), np.empty(2, np.int64)
        for axis in range(2):
            whole[axis] = round(at[b, axis])
            nearest = round((at[b, axis] - whole[axis]) / spacing) + offsets // 2
            bank[axis] = min(max(nearest, 0), offsets - 1)
        top, bottom, left, right = bounds[b]
        first, last = max(top, -whole[0]), min(bottom, height - whole[0])
        start, stop = max(left, -whole[1]), min(right, width - whole[1])
        gy, gx = weights[bank[0], bank[1], 0], weights[bank[0], bank[1], 1]
        y, x = np.float32(0), np.float32(0)
        for r in range(first, last):
            # Slices, because the compiler does not vectorise what might be a negative index.
            pixels = frame[r + whole[0], start + whole[1] : stop + whole[1]]
            wy, wx = gy[r, start:stop], gx[r, start:stop]
            for c in range(len(pixels)):
                value = np.float32(pixels[c])
                y += wy[c] * value
                x += wx[c] * value
        if first > top or last < bottom or start > left or stop < right:
            for r in range(top, bottom):
                for c in range(left, right):
                    if not (first <= r < last and start <= c < stop):
                        y += gy[r, c] * template[r, c] * brightness
                        x += gx[r, c] * template[r, c] * brightness
        error = covariance[bank[0], bank[1], b]
        for axis in range(2):
            step = (error[axis, 0] * y + error[axis, 1] * x) / brightness
            found[b, axis] = whole[axis] + spacing * (bank[axis] - offsets // 2) + min(max(step, -2.0), 2.0)


@njit(nogil=True, cache=True)
def fit_frames(frames, model, shrink, start, brightness, rounds, measured):
    """Displacements of each frame's blocks, (n, blocks, 2) px, into `measured`.

    model: template, weights, covariance, bounds and spacing of a Fit. start: (n, blocks, 2). shrink: (2, blocks,
    blocks), the posterior mean from a measurement about the start; `rounds` of it come before the last measurement,
    which is left as it is.
    """
    for n in range(len(frames)):
        at = start[n].copy()
        for _ in range(rounds):
            newton_step(frames[n], model, at, brightness[n], measured[n])
            for axis in range(2):
                at[:, axis] = start[n, :, axis] + shrink[axis] @ np.ascontiguousarray(
                    measured[n, :, axis] - start[n, :, axis]
                )
        newton_step(frames[n], model, at, brightness[n], measured[n])


@njit(nogil=True, cache=True)
def follow(values, error, process, persistence, signal):
    """Kalman filter and Rauch-Tung-Striebel smoother of x[k] = persistence * x[k - 1] + noise, values = x + error.

    Returns mean and variance of each x, and the expected square of each x[k] - persistence * x[k - 1].
    """
    n = len(values)
    mean, variance = np.empty(n), np.empty(n)
    before, spread, change = np.empty(n), np.empty(n), np.zeros(n)
    x, v = 0.0, signal
    for k in range(n):
        if k > 0:
            x *= persistence
            v = persistence * persistence * v + process[k]
        before[k], spread[k] = x, v
        gain = v / (v + error[k])
        x += gain * (values[k] - x)
        v *= 1 - gain
        mean[k], variance[k] = x, v
    for k in range(n - 2, -1, -1):
        back = persistence * variance[k] / spread[k + 1]
        together = back * variance[k + 1]
        mean[k] += back * (mean[k + 1] - before[k + 1])
        variance[k] += back * back * (variance[k + 1] - spread[k + 1])
        moved = mean[k + 1] - persistence * mean[k]
        change[k + 1] = (
            moved * moved + variance[k + 1] + persistence * persistence * variance[k] - 2 * persistence * together
        )
    return mean, variance, change
