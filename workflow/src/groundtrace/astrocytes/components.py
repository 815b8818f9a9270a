"""Connected voxels above a threshold, of a movie of any length, and how large they must be to be no noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import find_objects, label

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.astrocytes.averaged import Averaged

Volume = Callable[[slice], FloatArray]
"""Some frames of a movie in standard deviations of its noise."""
TAIL = 0.9
"""Quantile of the masses of noise beyond which they are taken to fall off exponentially (in MASS_POWER)."""
MASS_POWER = 0.5
FEWEST = 20
"""Components of noise whose masses tell how they fall off; events are larger than all of fewer ones."""
SHORTEST = 10.0
"""s of a recording in which there may be events."""


@dataclass(frozen=True)
class Components:
    """Of connected voxels."""

    mass: FloatArray
    """(n,) sum of what is above the threshold."""
    low: IntArray
    """(n, 3) first frame, row and column..."""
    high: IntArray
    """(n, 3) ...and those after the last."""
    top: IntArray
    """(n, 3) of the largest voxel."""

    def larger(self, mass: float) -> "Components":
        kept = self.mass >= mass
        return Components(self.mass[kept], self.low[kept], self.high[kept], self.top[kept])


def standardised(averaged: Averaged, sign: int = 1) -> Volume:
    """Light above the baseline; with sign -1 that below it."""
    noise = sign * averaged.noise
    return lambda frames: np.nan_to_num(averaged.above(frames) / noise, nan=0.0)


def noise_alone(averaged: Averaged, sign: int = 1) -> Volume:
    """Differences of neighbouring frames in disjoint pairs: the noise, as it is in space, of half as many frames."""
    scale = sign * np.sqrt(2) * averaged.noise

    def volume(frames: slice) -> FloatArray:
        pairs = averaged.movie[2 * frames.start : 2 * frames.stop]
        return np.nan_to_num((pairs[1::2] - pairs[::2]) / scale, nan=0.0)

    return volume


def joined(mask: BoolArray) -> tuple[IntArray, int]:
    """Number of the part of each element of `mask`, from 1, and how many there are; elements of a part share sides."""
    found: Any = label(mask)
    return found


def components(volume: Volume, frames: int, at_once: int, threshold: float) -> Components:
    """Components of the voxels above `threshold`; `at_once` frames are held at a time."""
    parts, last, parent = [], None, np.zeros(0, np.int64)
    for start in range(0, frames, at_once):
        values = volume(slice(start, min(start + at_once, frames))) - np.float32(threshold)
        labels, count = joined(values > 0)
        first, parent = len(parent), np.append(parent, len(parent) + np.arange(count))
        if last is not None:
            both = (last >= 0) & (labels[0] > 0)
            for one, other in np.unique(np.stack([last[both], labels[0][both] - 1 + first]), axis=1).T:
                parent[_root(parent, other)] = _root(parent, one)
        last = np.where(labels[-1] > 0, labels[-1] - 1 + first, -1)
        if count:
            parts.append(_of_block(values, labels, count, start))
    if not parts:
        return Components(np.zeros(0), *(np.zeros((0, 3), np.int64) for _ in range(3)))
    return _merged(parent, *(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _root(parent: IntArray, at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = int(parent[at])
    return at


def _of_block(values: FloatArray, labels: IntArray, count: int, start: int) -> tuple[np.ndarray, ...]:
    """Mass, box, place of the largest voxel, and its value, of each label."""
    at = np.flatnonzero(labels)
    which, light = labels.ravel()[at] - 1, values.ravel()[at]
    mass = np.bincount(which, light, count)
    boxes = find_objects(labels)
    low, high = (np.array([[getattr(side, end) for side in box] for box in boxes]) for end in ("start", "stop"))
    ascending = np.argsort(light, kind="stable")
    largest = np.zeros(count, np.int64)
    largest[which[ascending]] = at[ascending]
    top = np.stack(np.unravel_index(largest, labels.shape), axis=1)
    shift = np.array([start, 0, 0])
    return mass, low + shift, high + shift, top + shift, values.ravel()[largest]


def _merged(
    parent: IntArray, mass: FloatArray, low: IntArray, high: IntArray, top: IntArray, largest: FloatArray
) -> Components:
    """Parts in several blocks as one; in the order of their first frame."""
    roots = np.array([_root(parent, at) for at in range(len(parent))])
    _, group = np.unique(roots, return_inverse=True)
    count = group.max() + 1
    total = np.bincount(group, mass, count)
    first, after = np.full((count, 3), np.iinfo(np.int64).max), np.zeros((count, 3), np.int64)
    np.minimum.at(first, group, low)
    np.maximum.at(after, group, high)
    place = np.zeros((count, 3), np.int64)
    ascending = np.argsort(largest, kind="stable")
    place[group[ascending]] = top[ascending]
    order = np.lexsort((*first.T[::-1],))
    return Components(np.asarray(total[order], float), first[order], after[order], place[order])


def least_mass(averaged: Averaged, threshold: float, false_events: float) -> tuple[float, float]:
    """Mass from which noise makes `false_events` a minute, and how many it makes, 1/min.

    The masses of noise are those of the recording's own, in both signs.
    """
    pairs, minutes = len(averaged.movie) // 2, 2 * (len(averaged.movie) // 2) * averaged.step / 60
    found = [components(noise_alone(averaged, sign), pairs, averaged.at_once, threshold).mass for sign in (1, -1)]
    masses = np.sort(np.concatenate(found)) ** MASS_POWER
    if 2 * pairs * averaged.step < SHORTEST:
        return np.inf, 0.0
    if len(masses) < FEWEST:
        return float(masses.max(initial=0.0) ** (1 / MASS_POWER)), 1 / minutes
    tail = masses[int(TAIL * len(masses)) :]
    # By the median of what lies beyond: few real, steep rises would move the mean.
    scale = max(float(np.median(tail - tail[0])) / np.log(2), 1e-9)
    rate = len(tail) / minutes
    limit = tail[0] + scale * max(0.0, np.log(rate / false_events))
    return float(limit ** (1 / MASS_POWER)), float(rate * np.exp(-(limit - tail[0]) / scale))
