"""Credible band of a trace, from draws of it."""

from typing import NamedTuple

import numpy as np
from numba import njit

from groundtrace.arrays import BoolArray, FloatArray

LEVEL = 0.9
"""Coverage of the band, in all frames ..."""
STRONG_LEVEL = 0.94
"""... and of the draws in the frames in which each has its strongest signal alone. Events of cells are sharper than
those of draws: a band that covered 90 % of the latter covered simulated ones in 81 to 88 % of their frames."""
STRONGEST = 0.03
"""Share of the frames with the strongest signal."""
LEAST = 0.8
"""Least fraction of the draws of a frame that is covered: where they are far apart, the band must not give them up."""
FRAMES, FOLDS = 1000, 4
"""Frames and folds of the cross-validation: the band of all draws but those of a fold has to cover that fold."""
HEAVIEST = 200.0
"""Largest weight of a draw where it is strongest."""
DEAREST = 8.0
"""The logarithm of the price of width, per standard deviation of all draws, is looked for within so much of zero."""
PRECISION = 0.03
"""Precision of the logarithms that are searched for."""
BLOCK = 4096
"""Frames that are sorted at once."""


class Ranked(NamedTuple):
    """Draws of each frame in order."""

    value: FloatArray
    """(n_frames, n_draws)."""
    strong: BoolArray
    """(n_frames, n_draws) this draw has its strongest signal here."""

    @classmethod
    def of(cls, draws: FloatArray, strong: BoolArray) -> "Ranked":
        order = np.argsort(draws.T, axis=1)
        return cls(np.take_along_axis(draws.T, order, axis=1), np.take_along_axis(strong.T, order, axis=1))


def credible_band(draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end, (n_frames,), from draws (n_draws, n_frames) of what the trace may have been.

    The narrowest band that covers LEVEL of all draws, STRONG_LEVEL where they have their strongest signal, and LEAST
    of them in every frame. Whatever the truth is, it is like a draw; quantiles of each frame would be wider, and would
    cover too few of the events: that a frame has one is known only when its signal is.
    """
    strong = draws >= np.quantile(draws, 1 - STRONGEST, axis=1, keepdims=True)
    price, weight = _prices(draws, strong)
    blocks = [slice(start, start + BLOCK) for start in range(0, draws.shape[1], BLOCK)]
    ends = [narrowest(Ranked.of(draws[:, block], strong[:, block]), price, weight) for block in blocks]
    low, high = np.concatenate(ends, axis=1)
    return low, high


def _prices(draws: FloatArray, strong: BoolArray) -> tuple[float, float]:
    """Price of width, and weight of strong draws, with which bands of most draws cover the others."""
    some = np.random.default_rng(0).permutation(draws.shape[1])[:FRAMES]
    draws, strong, folds = draws[:, some], strong[:, some], np.array_split(np.arange(len(draws)), FOLDS)
    ranked = [Ranked.of(np.delete(draws, fold, axis=0), np.delete(strong, fold, axis=0)) for fold in folds]
    scale = float(draws.std()) + 1e-30

    def coverage(price: float, weight: float) -> tuple[float, float]:
        inside = np.empty(draws.shape, bool)
        for fold, rest in zip(folds, ranked, strict=True):
            low, high = narrowest(rest, np.exp(price) / scale, weight)
            inside[fold] = (low <= draws[fold]) & (draws[fold] <= high)
        return float(inside.mean()), float(inside[strong].mean())

    def price(weight: float, low: float, high: float) -> float:
        while high - low > PRECISION:
            middle = (low + high) / 2
            low, high = (middle, high) if coverage(middle, weight)[0] > LEVEL else (low, middle)
        return low

    # The heavier strong draws are, the dearer width has to be.
    light, low = 0.0, price(0.0, -DEAREST, DEAREST)
    if coverage(low, light)[1] >= STRONG_LEVEL:
        return float(np.exp(low) / scale), light
    heavy, high = HEAVIEST, price(HEAVIEST, low, DEAREST)
    while np.log((1 + heavy) / (1 + light)) > PRECISION:
        middle = np.sqrt((1 + light) * (1 + heavy)) - 1
        found = price(middle, low, high)
        if coverage(found, middle)[1] < STRONG_LEVEL:
            light, low = middle, found
        else:
            heavy, high = middle, found
    return float(np.exp(high) / scale), float(heavy)


@njit(cache=True)
def narrowest(ranked, price, weight):
    """Interval of each frame whose draws most outweigh its width: (n_frames,) lower and upper ends.

    A draw weighs (1 + weight strong) / n_draws. The interval is the largest sum of a stretch (Kadane). Where it covers
    less than LEAST of the draws, it is the narrowest that covers as many.
    """
    frames, draws = ranked.value.shape
    low, high = np.empty(frames), np.empty(frames)
    least = int(np.ceil(LEAST * draws))
    for t in range(frames):
        values, strong = ranked.value[t], ranked.strong[t]
        best = current = -np.inf
        begins, first, last = 0, 0, 0
        for k in range(draws):
            if k:
                current -= price * (values[k] - values[k - 1])
            if current < 0:
                current, begins = 0.0, k
            current += (1 + weight * strong[k]) / draws
            if current > best:
                best, first, last = current, begins, k
        if last - first + 1 < least:
            first = np.argmin(values[least - 1 :] - values[: draws - least + 1])
            last = first + least - 1
        low[t], high[t] = values[first], values[last]
    return low, high
