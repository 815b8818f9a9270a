"""Footprints of ROIs for the scripts of a page (`shared/footprints.js`)."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from groundtrace.arrays import IntArray
from groundtrace.report.html import pack


def pack_footprints(outlines: Iterable[tuple[IntArray, IntArray]], width: int) -> dict[str, Any]:
    """Footprints as runs along the rows: per ROI the number of runs, and for each run (gap since the last, length)."""
    counts: list[int] = []
    runs: list[np.ndarray] = []
    for y, x in outlines:
        pixels = np.unique(y * width + x)
        if not pixels.size:
            counts.append(0)
            continue
        # A run ends where the next pixel is not the next, or begins another row.
        breaks = (np.diff(pixels) != 1) | (pixels[1:] % width == 0)
        first = pixels[np.concatenate([[True], breaks])]
        after = pixels[np.concatenate([breaks, [True]])] + 1
        gaps = first - np.concatenate([[0], after[:-1]])
        counts.append(len(first))
        runs.append(np.column_stack([gaps, after - first]).ravel())
    flat = np.concatenate(runs) if runs else np.zeros(0)
    return {"counts": counts, "runs": pack(flat.astype(np.int32))}
