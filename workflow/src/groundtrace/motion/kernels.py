"""Moving pixels, compiled."""

import numpy as np
from numba import njit

ONE, NEXT = np.float32(1), np.uint64(1)


@njit(nogil=True, cache=True, fastmath={"contract"})
def bilinear(raw, moved, grid, rows, columns, offset, fill, rounded):
    """grid: (n, 2, rows, columns) float32 displacements at the centres; rows and columns: `moving._cells` of each.

    offset: px by which odd rows of `raw` are displaced along x. Pixels are worked on in stretches that read from the
    same lines without a jump, which the compiler vectorises; their indices are unsigned because it checks, and does
    not vectorise, what might be negative. One function, because handing arrays on costs more than a stretch.
    """
    above, below, down, _, _ = rows
    left, right, along, starts, ends = columns
    height, width = fill.shape
    y, even, odd = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    whole_y, whole_even, whole_odd = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    for n in range(len(raw)):
        frame = np.uint64(n)
        for r in range(height):
            row, up, low, share = np.uint64(r), above[r], below[r], down[r]
            for cell in range(len(starts) - 1):
                a, b = left[starts[cell]], right[starts[cell]]
                y0 = grid[n, 0, up, a] + (grid[n, 0, low, a] - grid[n, 0, up, a]) * share
                dy = grid[n, 0, up, b] + (grid[n, 0, low, b] - grid[n, 0, up, b]) * share - y0
                x0 = grid[n, 1, up, a] + (grid[n, 1, low, a] - grid[n, 1, up, a]) * share
                dx = grid[n, 1, up, b] + (grid[n, 1, low, b] - grid[n, 1, up, b]) * share - x0
                x1 = x0 + offset
                for c in range(np.uint64(starts[cell]), np.uint64(starts[cell + 1])):
                    y[c], even[c], odd[c] = y0 + dy * along[c], x0 + dx * along[c], x1 + dx * along[c]
            for c in range(width):
                whole_y[c], whole_even[c] = np.int32(np.floor(y[c])), np.int32(np.floor(even[c]))
                whole_odd[c] = np.int32(np.floor(odd[c]))
                y[c], even[c], odd[c] = y[c] - whole_y[c], even[c] - whole_even[c], odd[c] - whole_odd[c]
            start = 0
            while start < width:
                i, j, k = whole_y[start], whole_even[start], whole_odd[start]
                stop = start + 1
                while stop < width and whole_y[stop] == i and whole_even[stop] == j and whole_odd[stop] == k:
                    # Between two centres displacements are linear: alike at both ends is alike throughout.
                    end = ends[stop]
                    alike = whole_y[end] == i and whole_even[end] == j and whole_odd[end] == k
                    stop = end + 1 if alike else stop + 1
                i += r
                u, w = even, odd
                if i & 1:
                    j, k, u, w = k, j, odd, even
                first, last = max(start, -j, -k), min(stop, width - 1 - j, width - 1 - k)
                if i < 0 or i >= height - 1 or last <= first:
                    first = last = stop
                for c in range(start, first):
                    _edge_pixel(raw, moved, fill, (n, r, c), (i, j, k), (y[c], u[c], w[c]), rounded)
                for c in range(last, stop):
                    _edge_pixel(raw, moved, fill, (n, r, c), (i, j, k), (y[c], u[c], w[c]), rounded)
                top, bottom, p, q = np.uint64(i), np.uint64(i + 1), np.uint64(j), np.uint64(k)
                for c in range(np.uint64(first), np.uint64(last)):
                    upper, lower = ONE * raw[frame, top, c + p], ONE * raw[frame, bottom, c + q]
                    upper += (raw[frame, top, c + p + NEXT] - upper) * u[c]
                    lower += (raw[frame, bottom, c + q + NEXT] - lower) * w[c]
                    upper += (lower - upper) * y[c]
                    moved[frame, row, c] = np.rint(upper) if rounded else upper
                start = stop


@njit(nogil=True, cache=True)
def _edge_pixel(raw, moved, fill, where, whole, rest, rounded):
    """The same for a pixel that may lie outside, or on the last line or column."""
    n, r, c = where
    i, j, k = whole
    v, u, w = rest
    height, width = fill.shape
    inside = i >= 0 and i + v <= height - 1 and min(j, k) + c >= 0 and max(j + u, k + w) + c <= width - 1
    if not inside:
        moved[n, r, c] = fill[r, c]
        return
    below = min(i + 1, height - 1)
    upper, lower = ONE * raw[n, i, c + j], ONE * raw[n, below, c + k]
    upper += (raw[n, i, min(c + j + 1, width - 1)] - upper) * u
    lower += (raw[n, below, min(c + k + 1, width - 1)] - lower) * w
    upper += (lower - upper) * v
    moved[n, r, c] = np.rint(upper) if rounded else upper


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
