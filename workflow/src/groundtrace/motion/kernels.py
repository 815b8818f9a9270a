"""Loops over pixels, compiled."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def bilinear(raw, moved, grid, above, below, down, left, right, along, fill):
    """grid: (n, 2, rows, columns) displacements at the centres; the arrays between: `_cells` of rows and columns."""
    height, width = fill.shape
    ey, ex = np.empty(grid.shape[3]), np.empty(grid.shape[3])
    for n in range(len(raw)):
        frame = raw[n]
        for r in range(height):
            for k in range(grid.shape[3]):
                ey[k] = grid[n, 0, above[r], k] * (1 - down[r]) + grid[n, 0, below[r], k] * down[r] + r
                ex[k] = grid[n, 1, above[r], k] * (1 - down[r]) + grid[n, 1, below[r], k] * down[r]
            for c in range(width):
                y = ey[left[c]] * (1 - along[c]) + ey[right[c]] * along[c]
                x = ex[left[c]] * (1 - along[c]) + ex[right[c]] * along[c] + c
                if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
                    moved[n, r, c] = fill[r, c]
                    continue
                i, j = int(y), int(x)
                i1, j1 = min(i + 1, height - 1), min(j + 1, width - 1)
                v, u = y - i, x - j
                top = frame[i, j] * (1 - u) + frame[i, j1] * u
                bottom = frame[i1, j] * (1 - u) + frame[i1, j1] * u
                moved[n, r, c] = round(top * (1 - v) + bottom * v)
