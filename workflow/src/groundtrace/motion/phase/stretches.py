"""Templates in time: one for the whole recording, or, when the focus drifts, one for each stretch of it."""

import itertools
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.motion.phase.filters import Excess, Limits, without_background
from groundtrace.motion.phase.scanning import scan_offset, straighten
from groundtrace.motion.phase.template import (
    HIGHPASS,
    Matcher,
    first_template,
    likenesses,
    look_far,
    moments_of,
    rest,
    sample,
)

FRAMES, SAMPLE_BYTES = 300, 160 << 20
"""Most frames, and bytes of them, that a first template is made from."""
SCAN_ROUNDS = 2
LEAST_OFFSET = 0.05
"""px; a smaller offset of odd lines is left alone."""
GROUPS = 6
"""Parts of the recording that are compared."""
ALIKE = 0.5
"""Less correlation between their structure means that the focus drifted."""
SHORTEST, MOST = 300, 12
"""Frames of a stretch, and number of stretches."""
FEWEST, SHOWN, APART = 20, 0.02, 0.3
"""Sampled frames on either side of a jump, their likeness at least, and over that the likeness across it at most."""


@dataclass(frozen=True)
class Stretch:
    """A part of the recording with a template of its own."""

    part: slice
    indices: IntArray
    """Frames, evenly spread, from which its first template is made."""
    template: FloatArray
    """(height, width)"""
    frames: int
    """Frames in its template."""
    variance: FloatArray
    """(height, width) of the frames' noise."""
    excess: Excess | None
    """Filter of how they differ, where a background was taken out."""


@dataclass(frozen=True)
class Reader:
    """Frames as displacements are estimated from them; what is written comes from the raw ones."""

    movie: Movie
    limits: Limits
    background: float
    """px, scale of what is taken out of frames; 0 for nothing."""
    offset: float
    """px, of odd lines."""

    def at(self, indices: IntArray) -> np.ndarray:
        """Single frames (n, height, width)."""
        return self.ready(self.movie[indices])

    def ready(self, frames: IntArray) -> np.ndarray:
        """Raw frames within the limits, without background, odd lines moved back."""
        values = self.limits(frames)
        return straighten(without_background(values, self.background) if self.background else values, self.offset)


def find_stretches(movie: Movie, bound: int, pool: Executor) -> tuple[list[Stretch], Reader]:
    """The stretches of a recording, and how to read its frames."""
    count = min(FRAMES, max(50, SAMPLE_BYTES // movie[0].nbytes), max(50, len(movie) * 2 // 3))
    indices = sample(movie, slice(0, len(movie)), count)
    raw = movie[indices]
    limits = Limits.of(raw, bound)
    raw = limits(raw)
    background = Excess.of(rest(raw, np.zeros((len(raw), 2), int))).background
    if background:
        # Bright tissue that moves looks like that too, but not when its frames are aligned.
        _, _, whole, _ = first_template(raw, bound, pool, False)
        background = Excess.of(rest(raw, whole)).background
    if background:
        raw = without_background(raw, background)
    template, variance, whole, excess = first_template(raw, bound, pool, background > 0)
    offset = scan_offset(raw, whole)
    if abs(offset) < LEAST_OFFSET:
        offset, frames = 0.0, raw
    else:
        frames = straighten(raw, offset)
        # Lines mix when the tissue moves across them, which makes the offset look smaller.
        for _ in range(SCAN_ROUNDS):
            template, variance, whole, excess = first_template(frames, bound, pool, background > 0)
            offset += scan_offset(frames, whole)
            frames = straighten(raw, offset)
    reader = Reader(movie, limits, background, offset)
    parts = min(len(movie) // SHORTEST, len(indices) // GROUPS, MOST)
    if parts < 2 or likeness(frames, whole, excess, pool) >= ALIKE:
        return [Stretch(slice(0, len(movie)), indices, template, len(indices), variance, excess)], reader
    # Cut between lit frames, so that no stretch is dark.
    edges = [0, *(int(group[0]) for group in np.array_split(indices, parts)[1:]), len(movie)]
    stretches = []
    for first, last in itertools.pairwise(at_jumps(movie, edges, count, reader, bound)):
        own = sample(movie, slice(first, last), count)
        template, variance, _, excess = first_template(reader.at(own), bound, pool, background > 0)
        stretches.append(Stretch(slice(first, last), own, template, len(own), variance, excess))
    return stretches, reader


def at_jumps(movie: Movie, edges: list[int], count: int, reader: Reader, bound: int) -> list[int]:
    """Edges of stretches, and places between at which the tissue jumps and is seen again elsewhere.

    Frames of both sides in one template would show each where it was put.
    """
    found = [edges[0]]
    for first, last in itertools.pairwise(edges):
        own = sample(movie, slice(first, last), count)
        frames = reader.at(own)
        places = jumps(likenesses(frames))
        means = [part.mean(axis=0, dtype=np.float32) for part in np.split(frames, places)]
        same = [_seen_again(before, after, bound) for before, after in itertools.pairwise(means)]
        found += [int(own[k]) for k, again in zip(places, same, strict=True) if again] + [last]
    return found


def _seen_again(before: FloatArray, after: FloatArray, bound: int) -> bool:
    """Whether the mean of some frames shows the tissue of another, far away."""
    matcher = Matcher.of(before, np.ones_like(before), bound)
    shift, share = matcher.locate(after[None])
    sure = np.zeros(1, bool)
    look_far(matcher, after[None], shift, share, sure, 1.0, in_view=True)
    return bool(sure[0])


def jumps(alike: FloatArray, start: int = 0) -> list[int]:
    """First frames after jumps, by the likeness (n, n) of frames: high on either side, low between both."""
    frames = len(alike)
    k = np.arange(FEWEST, frames - FEWEST + 1)
    if not len(k):
        return []
    total = np.pad(np.cumsum(np.cumsum(alike, axis=0), axis=1), (1, 0))
    before, across = total[k, k], total[k, frames] - total[k, k]
    after = total[frames, frames] - before - 2 * across
    # A frame is like itself.
    before, after = ((part - n) / (n * (n - 1)) for part, n in ((before, k), (after, frames - k)))
    across = across / (k * (frames - k))
    ratio = across / np.sqrt(np.maximum(before, SHOWN) * np.maximum(after, SHOWN))
    ratio[np.minimum(before, after) < SHOWN] = 1
    best = int(ratio.argmin())
    if ratio[best] > APART:
        return []
    cut = int(k[best])
    return [*jumps(alike[:cut, :cut], start), start + cut, *jumps(alike[cut:, cut:], start + cut)]


def likeness(frames: np.ndarray, whole: IntArray, excess: Excess | None, pool: Executor) -> float:
    """Least correlation between the structure of one part of the recording and another, without noise: 1 is no change.

    Covariances between means of different frames are free of their noise; each part's own is that of its two halves.
    """
    groups = [part for part in np.array_split(np.arange(len(frames)), GROUPS) if len(part) > 3]
    if len(groups) < 2:
        return 1.0
    halves = np.stack([[_structure(frames, whole, part[k::2], excess, pool) for k in (0, 1)] for part in groups])
    own = np.einsum("gp,gp->g", halves[:, 0], halves[:, 1])
    means = halves.mean(axis=1)
    across = means @ means.T / np.sqrt(np.maximum(np.outer(own, own), 1e-30))
    known = own > 0.1 * np.median(own)
    return float(across[np.ix_(known, known)].min(initial=1.0))


def _structure(
    frames: np.ndarray, whole: IntArray, part: IntArray, excess: Excess | None, pool: Executor
) -> FloatArray:
    mean, _ = moments_of(frames[part], whole[part], pool)
    mean = excess(mean) if excess else mean
    return (mean - gaussian_filter(mean, HIGHPASS)).ravel()
