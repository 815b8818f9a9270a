"""Where the fields of sessions lie on each other: a rotation, scale and shift that is told from chance, then a smooth
displacement.

1. Every pair of sessions is compared over a grid of rotations and scales and all shifts. Its best correlation counts in
   standard deviations of those at other shifts; pairs above DISTINCT show the same tissue.
2. The strongest such pairs make a tree; the session that is most like all others is the reference. A session that is
   like none of them is left out.
3. Each session is compared, block by block, with the one it hangs on, and the displacements of the blocks are fitted by
   a smooth one. This is repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.tracking.field import LINEAR, TERMS, Aligned, Visit, Warp, basis, similarity
from groundtrace.tracking.images import composite, padded_shape, padded_spectrum, reduced, turned, warped

COARSE, FINE = 4.0, 6.0
"""Pixels of a cell's diameter in the images of the search, and of the blocks."""
ROTATION_STEP, SCALE_STEP = 1.5, 0.025
"""Degrees, and share."""
DISTINCT = 7.0
"""Standard deviations from which two sessions show the same tissue; chosen on simulated pairs of different tissues."""
LEAST_OVERLAP = 0.5
"""Share of the field that two sessions must have in common."""
ROUNDS = (5, 4, 3, 3)
"""Farthest displacement of a block that is looked for in each round, px of the images of blocks."""
BLOCK, WINDOW = 6, 2.0
"""px of the images of blocks from one to the next, and blocks over which a correlation is averaged (SD)."""
CLEAR = 0.2
"""Correlation of a block from which it counts."""
COMMON = 6.4
"""Error of a displacement over that by which fits to halves of the field differ: both halves are wrong alike where the
images differ, as by axial displacement. Median of simulated sessions (seeds 1 to 3 of measurements/tracking.py)."""
STIFF = 1.0
"""Blocks' worth of evidence against each bending term."""


class Found(NamedTuple):
    """How a pair of sessions lies: the second at c + matrix (p - c) + shift."""

    distinct: float
    matrix: FloatArray
    shift: FloatArray
    """px of the movie."""


@dataclass(frozen=True)
class Search:
    """Rotations, scales and shifts that are looked for."""

    rotation: float
    scale: float
    shift: float

    def matrices(self) -> list[FloatArray]:
        angles = _steps(self.rotation, ROTATION_STEP)
        return [similarity(a, scale) for a in angles for scale in 1 + _steps(self.scale, SCALE_STEP)]


def _steps(limit: float, step: float) -> FloatArray:
    count = int(np.ceil(limit / step - 1e-9))
    return np.linspace(-limit, limit, 2 * count + 1)


def align(visits: Sequence[Visit], search: Search, rigid: bool = False) -> tuple[list[Aligned], int]:
    """Align sessions of one shape: each one's place, and the position of the reference.

    rigid: rotation, scale and shift only.
    """
    if len(visits) == 1:
        return [Aligned(Warp.none(visits[0].shape), 0.0, 1.0, np.inf)], 0
    images = [composite(visit) for visit in visits]
    diameter = float(np.median([visit.diameter for visit in visits]))
    found = compare(images, diameter, search)
    branches = spread_out(found, visits[0].shape)
    refined = refine([reduced(image, diameter / FINE) for image in images], branches, diameter / FINE, rigid)
    aligned: list[Aligned] = []
    for k, visit in enumerate(visits):
        distinct = max(pair.distinct for ends, pair in found.items() if k in ends)
        if k in refined:
            aligned.append(Aligned(*refined[k], distinct))
        else:
            reason = (
                f"{visit.key} is like no other session of the field: its best correlation is {distinct:.1f} SD of "
                f"those at other shifts, {DISTINCT:g} are wanted"
            )
            aligned.append(Aligned(None, np.nan, np.nan, distinct, reason))
    return aligned, branches[0].session


def compare(images: Sequence[FloatArray], diameter: float, search: Search) -> dict[tuple[int, int], Found]:
    """How every pair of images (Y, X) lies, by their positions."""
    small = [reduced(image, diameter / COARSE) for image in images]
    unit = np.array(images[0].shape) / np.array(small[0].shape)
    matrices, spectra = search.matrices(), [padded_spectrum(image) for image in small]
    size = padded_shape(small[0].shape)
    common, wide, allowed = _in_common(small[0].shape, size, search.shift)
    found: dict[tuple[int, int], Found] = {}
    for second in range(1, len(images)):
        turns = [padded_spectrum(turned(small[second], matrix)).conj() for matrix in matrices]
        for first in range(second):
            best = Found(-np.inf, np.eye(2), np.zeros(2))
            for matrix, turn in zip(matrices, turns, strict=True):
                likeness = np.asarray(fft.irfft2(spectra[first] * turn, size)) / common
                spread = float(likeness[wide].std()) + 1e-12
                at = int(np.argmax(np.where(allowed, likeness, -np.inf)))
                if likeness.ravel()[at] / spread > best.distinct:
                    place = np.array(np.unravel_index(at, likeness.shape))
                    away = (place + np.array(size) // 2) % size - np.array(size) // 2
                    best = Found(likeness.ravel()[at] / spread, matrix, -(away * unit) @ matrix.T)
            found[first, second] = best
    return found


def _in_common(shape: tuple[int, ...], size: list[int], reach: float) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Root of the number of pixels that two images share at each shift; shifts at which they share enough to
    be compared, and those of them that are looked for."""
    along = [
        (np.maximum(side - np.abs((np.arange(n) + n // 2) % n - n // 2), 0), n)
        for side, n in zip(shape, size, strict=True)
    ]
    shared = along[0][0][:, None] * along[1][0]
    away = [np.abs((np.arange(n) + n // 2) % n - n // 2) for n in size]
    near = (away[0] <= reach * shape[0])[:, None] & (away[1] <= reach * shape[1])
    wide = shared >= LEAST_OVERLAP * shape[0] * shape[1]
    return np.sqrt(np.maximum(shared, 1)), wide, wide & near


class Branch(NamedTuple):
    """A session on the way to the reference."""

    session: int
    onto: int
    """The session that it is aligned to; its own position for the reference."""
    warp: Warp
    """Where the search found it."""


def spread_out(found: dict[tuple[int, int], Found], shape: tuple[int, int]) -> list[Branch]:
    """The reference, then the sessions that are like it, then those that are like one of these, and so on."""
    count = 1 + max(second for _, second in found)
    strength = np.zeros((count, count))
    for (first, second), pair in found.items():
        strength[first, second] = strength[second, first] = pair.distinct if pair.distinct >= DISTINCT else 0.0
    reference = int(np.argmax(strength.sum(axis=0)))
    places = {reference: (np.eye(2), np.zeros(2))}
    branches = [Branch(reference, reference, Warp.none(shape))]
    while True:
        reached = np.isin(np.arange(count), list(places))
        edges = np.where(reached[:, None] & ~reached, strength, 0)
        if not edges.any():
            return branches
        if edges[reference].any():
            edges[np.arange(count) != reference] = 0
        near, far = map(int, np.unravel_index(int(np.argmax(edges)), edges.shape))
        pair = found[min(near, far), max(near, far)]
        matrix, shift = pair.matrix, pair.shift
        if far < near:
            matrix = np.linalg.inv(matrix)
            shift = -matrix @ shift
        places[far] = (matrix @ places[near][0], matrix @ places[near][1] + shift)
        branches.append(Branch(far, near, Warp.linear(*places[far], shape)))


def refine(
    images: Sequence[FloatArray], branches: Sequence[Branch], factor: float, rigid: bool
) -> dict[int, tuple[Warp, float, float]]:
    """Warp, its error (px) and the likeness of the image to the mean of the others, by session."""
    warps, errors = {branch.session: branch.warp for branch in branches}, {branches[0].session: 0.0}
    unit = (np.array(branches[0].warp.shape) - 1) / (np.array(images[0].shape) - 1)
    for branch in branches[1:]:
        fixed = warped(images[branch.onto], warps[branch.onto], factor)
        own = images[branch.session]
        error = np.nan
        for reach in ROUNDS:
            blocks = displaced(fixed, warped(own, warps[branch.session], factor), reach)
            warps[branch.session], error = improved(warps[branch.session], blocks, unit, rigid)
        errors[branch.session] = float(np.hypot(error, errors[branch.onto]))
    moved = {k: warped(images[k], warp, factor) for k, warp in warps.items()}
    return {k: (warp, errors[k], _likeness(k, moved)) for k, warp in warps.items()}


def _likeness(k: int, moved: dict[int, FloatArray]) -> float:
    """Correlation of an image with the mean of the others, where both are."""
    others = [image for other, image in moved.items() if other != k]
    if not others:
        return 1.0
    there = np.isfinite(others).any(axis=0) & np.isfinite(moved[k])
    mean = np.nansum(others, axis=0) / np.maximum(np.isfinite(others).sum(axis=0), 1)
    return float(np.corrcoef(moved[k][there], mean[there])[0, 1])


class Blocks(NamedTuple):
    """What blocks of an image tell."""

    place: FloatArray
    """(n, 2) px of the image."""
    shift: FloatArray
    """(n, 2) px by which the content lies farther than in the other image."""
    weight: FloatArray
    """(n,)"""
    group: IntArray
    """(n,) 0 or 1: halves that share little."""


def displaced(fixed: FloatArray, moving: FloatArray, reach: int) -> Blocks:
    """Displacement of each block of `moving` against `fixed`, (Y, X) with NaN where there is nothing."""
    height, width = (side // BLOCK * BLOCK for side in fixed.shape)
    still = np.nan_to_num(fixed)[:height, :width]
    padded = np.pad(np.nan_to_num(moving), reach)
    shifts = np.arange(-reach, reach + 1)
    shape = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    likeness = np.empty((len(shifts), len(shifts), shape[0], shape[2]))
    for i, dy in enumerate(shifts):
        for k, dx in enumerate(shifts):
            other = padded[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
            likeness[i, k] = gaussian_filter((still * other).reshape(shape).mean(axis=(1, 3)), WINDOW)
    energy = [
        gaussian_filter((part**2).reshape(shape).mean(axis=(1, 3)), WINDOW)
        for part in (still, _middle(padded, still, reach))
    ]
    likeness /= np.sqrt(np.maximum(energy[0] * energy[1], 1e-6))
    best = likeness.reshape(len(shifts) ** 2, -1).argmax(axis=0)
    i, k = np.divmod(best, len(shifts))
    inner = (i > 0) & (i < 2 * reach) & (k > 0) & (k < 2 * reach)
    i, k, column = np.clip(i, 1, 2 * reach - 1), np.clip(k, 1, 2 * reach - 1), np.arange(len(best))
    cube = likeness.reshape(len(shifts), len(shifts), -1)
    peak = cube[i, k, column]
    shift = np.stack(
        [
            shifts[i] + _vertex(cube[i - 1, k, column], peak, cube[i + 1, k, column]),
            shifts[k] + _vertex(cube[i, k - 1, column], peak, cube[i, k + 1, column]),
        ],
        axis=1,
    )
    row, col = np.divmod(column, shape[2])
    place = np.stack([row, col], axis=1) * BLOCK + (BLOCK - 1) / 2
    group = (row // (2 * int(WINDOW)) + col // (2 * int(WINDOW))) % 2
    weight = np.where(inner & (peak > CLEAR), peak**2 / np.maximum(1 - peak**2, 0.1), 0)
    return Blocks(place, shift, weight, group)


def _middle(padded: FloatArray, like: FloatArray, reach: int) -> FloatArray:
    return padded[reach : reach + like.shape[0], reach : reach + like.shape[1]]


def _vertex(before: FloatArray, peak: FloatArray, after: FloatArray) -> FloatArray:
    """Where between -1 and 1 a parabola through three values has its peak."""
    bend = before - 2 * peak + after
    return np.clip(np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1), 0), -0.5, 0.5)


def improved(warp: Warp, blocks: Blocks, unit: FloatArray, rigid: bool) -> tuple[Warp, float]:
    """The warp with what blocks of the moved image tell added, and its standard error, px. unit: px of the movie."""
    if not (blocks.weight > 0).sum() >= 6:
        return warp, float(np.nan)
    terms, shift = basis(blocks.place * unit, warp.shape), blocks.shift * unit
    both = _fit(terms, shift, blocks.weight, rigid)
    halves = [_fit(terms, shift, blocks.weight * (blocks.group == half), rigid) for half in (0, 1)]
    apart = terms @ (halves[0] - halves[1])
    error = COMMON * float(np.sqrt(np.average((apart**2).sum(axis=1), weights=blocks.weight)) / 2)
    return Warp(warp.coefficients + both.T, warp.shape), error


def _fit(terms: FloatArray, shift: FloatArray, weight: FloatArray, rigid: bool) -> FloatArray:
    """(TERMS, 2) coefficients by weighted least squares; blocks far from the fit count less and less."""
    used = terms[:, LINEAR] if rigid else terms
    stiff = np.full(used.shape[1], STIFF)
    stiff[[0, 1, 2] if rigid else LINEAR] = 1e-6
    solved, trusted = np.zeros((used.shape[1], 2)), weight
    for _ in range(8):
        evidence = (used * trusted[:, None]).T
        left = evidence @ used + np.diag(stiff * max(float(trusted.mean()), 1e-12))
        solved = np.linalg.solve(left, evidence @ shift)
        rest = np.hypot(*(shift - used @ solved).T)
        far = 4 * max(float(np.median(rest[weight > 0])), 0.2)
        trusted = weight * np.clip(1 - (rest / far) ** 2, 1e-3, 1) ** 2
    if not rigid:
        return solved
    full = np.zeros((TERMS, 2))
    full[LINEAR] = solved
    return full
