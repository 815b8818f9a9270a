"""From draws of a trace to its corridor."""

import numpy as np

from groundtrace.arrays import FloatArray

LEVEL = 0.9
"""Of the corridor: in all frames, and in those with the strongest signal alone."""
STRONGEST = 0.03
"""Share of the frames with the strongest signal."""
PLAUSIBLE = 0.02
"""A frame belongs to them perhaps when it does so in this share of the draws."""
WIDEST = 4.0
"""Largest factor of a half width."""


def corridor(draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end, (n_frames,), from draws (n_draws, n_frames) of what the trace may have been.

    Quantiles of each frame hold LEVEL of all frames, but not of the frames with the strongest signal: that a frame is
    one of them is known only when its signal is, and then the corridor was more often too low. Whatever the truth is,
    it is like a draw; so half widths are stretched by two factors, one where a strong signal is plausible and one
    elsewhere, with which the corridor holds LEVEL of the draws' strongest frames and LEVEL of all.
    """
    low, middle, high = np.quantile(draws, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2), axis=0)
    above, below = np.maximum(high - middle, 1e-12), np.maximum(middle - low, 1e-12)
    away = draws - middle
    away /= np.where(away > 0, above, -below)
    strong = draws >= np.quantile(draws, 1 - STRONGEST, axis=1, keepdims=True)
    plausible = strong.mean(axis=0) >= PLAUSIBLE
    there = away[strong & plausible]
    # Strong frames where nothing is plausible are lost.
    wanted = min(1.0, LEVEL * np.count_nonzero(strong) / max(len(there), 1))
    factor = float(np.clip(np.quantile(there, wanted), 1.0, WIDEST)) if len(there) else 1.0
    held = np.count_nonzero(away[:, plausible] <= factor)
    elsewhere = away[:, ~plausible]
    rest = (LEVEL * away.size - held) / max(elsewhere.size, 1)
    other = float(np.quantile(elsewhere, np.clip(rest, 0.5, 0.999))) if elsewhere.size else 1.0
    stretch = np.where(plausible, factor, other)
    return middle - stretch * below, middle + stretch * above
