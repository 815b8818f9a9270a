"""Does the sheet tell the right number of planes and channels: images that take turns, planes that are the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.movies.notes import note

LOOKED_AT = 240
"""Frames, one after the other, in which turns are looked for."""
ENOUGH = 20
"""Fewer frames cannot tell."""
LONGEST = 12
"""Images that may take turns."""
ALIKE = 0.5
"""Correlation of what distinguishes the images, between the first half of the frames and the second, of real turns."""
STRONG = 0.1
"""Least difference between the images, as a share of the contrast of their mean."""
MOST = 0.9
"""Share of the largest difference that the right period shows."""
SAME = 0.95
"""Correlation of the mean images of two planes that is too high for planes."""


def turns(movie: FloatArray) -> int:
    """Number of images that take turns in a movie (T, Y, X), 1 when there is one."""
    periods = range(1, min(LONGEST, len(movie) // 4) + 1)
    shares = np.array([_common(movie, period) for period in periods])
    least = np.square(STRONG * movie.mean(axis=0).std())
    # Multiples of the period show as much, and divisors a part.
    return 1 + int(np.flatnonzero(shares >= MOST * shares.max())[0]) if shares.max(initial=0) > least else 1


def _common(movie: FloatArray, period: int) -> float:
    """Variance of the images of a period about their mean, as far as both halves of the movie show it; else zero."""
    half = len(movie) // 2
    first, second = (_deviations(movie[start : start + half // period * period], period) for start in (0, half))
    second = np.roll(second, half % period, axis=0)
    common = float((first * second).mean())
    return common if common > ALIKE * np.sqrt(np.square(first).mean() * np.square(second).mean()) else 0.0


def _deviations(movie: FloatArray, period: int) -> FloatArray:
    """(period, Y, X) mean image of each turn less that of all, and less their brightness: light may flicker."""
    means = movie.reshape(-1, period, *movie.shape[1:]).mean(axis=0)
    means -= means.mean(axis=0)
    return means - means.mean(axis=(1, 2), keepdims=True)


def check_turns(path: Path, movie: FloatArray, planes: int, channels: int) -> None:
    """Say when frames of one plane and channel alternate between several images."""
    found = turns(np.asarray(movie[:LOOKED_AT], np.float32))
    if found > 1:
        note(
            path,
            f"frames of one plane and channel alternate between {found} images with planes = {planes} and "
            f"channels = {channels}; correct the columns planes, channels and flyback (is one of them {found}?)",
            "frames_alternate",
        )


def check_planes(path: Path, means: Sequence[FloatArray]) -> None:
    """Say when the mean images of all planes are one: then there is but one plane."""
    flat = np.stack([image.ravel() for image in means])
    if (flat.std(axis=1) > 0).all() and np.corrcoef(flat).min() > SAME:
        note(
            path,
            f"the mean images of the {len(means)} planes are the same (correlation above {SAME}); if there is "
            "one plane, write 1 in the column planes and correct frame_rate",
            "planes_alike",
        )
