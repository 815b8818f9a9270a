"""ROIs that were made elsewhere, on the field that they are to be measured in."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.given.drawn import Drawn

ALIKE, DISTINCT = 0.3, 5.0
"""Correlation of two mean images from which they show the same field, and how many standard deviations of the
correlations at other shifts it must be: in a small field some shift fits by chance."""
FARTHEST = 0.25
"""Share of the field by which another recording of it may have moved."""
BRIGHTEST = 4.0
"""Local standard deviations at which a pixel is cut off: no single bright cell decides how far a field has moved."""
TOLD = 0.1
"""Difference, local standard deviations, of brightness under two ways to read masks from which one is right."""
LARGEST = 0.5
"""Share of the field above which a ROI is background."""


@dataclass(frozen=True)
class Placed:
    """ROIs in the field."""

    footprints: list[Footprint]
    names: list[str]
    shift: tuple[int, int] | None
    """(y, x) px by which they were moved; None where there is nothing to tell it by."""
    likeness: float | None
    """Correlation of the mean images after it."""
    notes: tuple[str, ...]


def placed(path: Path, drawn: Drawn, mean: FloatArray, diameter: float) -> Placed:
    """The ROIs of a file in a field with this mean image (Y, X). diameter: px, of a cell.

    Raises InputError where they are of another field, lie outside of it, or stand there twice.
    """
    shape = (mean.shape[0], mean.shape[1])
    drawn = oriented(drawn, mean, diameter)
    if drawn.shape not in (None, shape):
        raise InputError(
            f"{path}: was made on {drawn.shape[0]} x {drawn.shape[1]} px, and the recording has {shape[0]} x "
            f"{shape[1]} px (height x width); make the ROIs on the mean image of this recording, neither cropped nor "
            "scaled"
        )
    shift, likeness = (None, None) if drawn.mean is None else _moved(path, mean, drawn.mean, diameter)
    kept, cut, lost = _within(drawn, shape, shift or (0, 0))
    if lost and shift is None:
        more = f", and so do {len(lost) - 1} more" if lost[1:] else ""
        raise InputError(
            f"{path}: {lost[0]} lies outside of the field of {shape[0]} x {shape[1]} px{more}; were the ROIs made on "
            "another recording, or on a scaled image?"
        )
    names = [name for name in drawn.names if name not in lost]
    _check(path, kept, names, shape)
    notes = list(drawn.notes)
    if lost:
        notes.append(f"{_some(lost)} left the field by the shift and cannot be measured; leave them out of comparisons")
    if cut:
        notes.append(f"{_some(cut)} reach beyond the edge and are measured inside of it; look at them before use")
    return Placed(kept, names, shift, likeness, tuple(notes))


def _moved(path: Path, ours: FloatArray, theirs: FloatArray, diameter: float) -> tuple[tuple[int, int], float]:
    """Shift of ROIs of another recording, and the likeness of the two mean images."""
    y, x, likeness, distinct = shift_between(ours, theirs, diameter)
    if likeness < ALIKE or distinct < DISTINCT:
        raise InputError(
            f"{path}: the mean image of its recording is not like this one's (correlation {likeness:.2f} after the "
            f"best shift, {distinct:.1f} SD of that at others; at least {ALIKE} and {DISTINCT:g} are wanted), so that "
            "its ROIs are of another field or depth; correct the column rois"
        )
    return (y, x), likeness


def _some(names: list[str]) -> str:
    listed = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    return f"{len(names)} of the ROIs ({listed})"


def _within(
    drawn: Drawn, shape: tuple[int, int], shift: tuple[int, int]
) -> tuple[list[Footprint], list[str], list[str]]:
    """ROIs moved by `shift`, without their pixels outside; the names of those that were cut, and of those outside."""
    kept: list[Footprint] = []
    cut, lost = [], []
    for (y, x, weight), name in zip(drawn.footprints, drawn.names, strict=True):
        y, x = y + shift[0], x + shift[1]
        inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
        if not inside.any():
            lost.append(name)
            continue
        if not inside.all():
            cut.append(name)
        part = weight[inside]
        kept.append((y[inside].astype(np.int32), x[inside].astype(np.int32), (part / part.sum()).astype(np.float32)))
    return kept, cut, lost


def _check(path: Path, rois: list[Footprint], names: list[str], shape: tuple[int, int]) -> None:
    """Raise InputError for a ROI that cannot be meant."""
    if not rois:
        raise InputError(f"{path}: none of its ROIs lies in the field of {shape[0]} x {shape[1]} px")
    known: dict[bytes, str] = {}
    for (y, x, _), name in zip(rois, names, strict=True):
        if len(y) > LARGEST * shape[0] * shape[1]:
            raise InputError(
                f"{path}: {name} covers {100 * len(y) / (shape[0] * shape[1]):.0f} % of the field, as background does; "
                "leave it out (in a label image, background is 0)"
            )
        pixels = np.sort(y.astype(np.int64) * shape[1] + x).tobytes()
        if pixels in known:
            raise InputError(f"{path}: {known[pixels]} and {name} are the same pixels; delete one of them")
        known[pixels] = name


def oriented(drawn: Drawn, mean: FloatArray, diameter: float) -> Drawn:
    """`drawn`, or where the file leaves open which axis is the row, the way that fits field and mean image."""
    other, shape = drawn.turned, (mean.shape[0], mean.shape[1])
    if other is None:
        return drawn
    fits = [
        way.shape in (None, shape) and all(y.max() < shape[0] and x.max() < shape[1] for y, x, _ in way.footprints)
        for way in (drawn, other)
    ]
    if fits[0] != fits[1]:
        return drawn if fits[0] else other
    if not fits[0]:
        return drawn
    contrast = standing_out(mean, diameter)
    ours, theirs = (_brightness(way, contrast) for way in (drawn, other))
    if abs(ours - theirs) >= TOLD:
        return drawn if ours > theirs else other
    unknown = (
        "neither the file nor the mean image tells whether its masks are (x, y), as the schema of NWB says and as they "
        "are taken, or (y, x); look whether the outlines lie on cells"
    )
    return replace(drawn, notes=(*drawn.notes, unknown))


def _brightness(drawn: Drawn, contrast: FloatArray) -> float:
    return float(np.mean([contrast[y, x].mean() for y, x, _ in drawn.footprints]))


def standing_out(image: FloatArray, diameter: float) -> FloatArray:
    """How much brighter a place is than its surroundings, in standard deviations of these, (Y, X)."""
    image = np.nan_to_num(np.asarray(image, np.float64))
    rest = image - gaussian_filter(image, diameter)
    spread = np.sqrt(gaussian_filter(rest**2, 2 * diameter))
    return np.clip(gaussian_filter(rest, diameter / 12) / np.maximum(spread, 1e-9), -BRIGHTEST, BRIGHTEST)


def shift_between(ours: FloatArray, theirs: FloatArray, diameter: float) -> tuple[int, int, float, float]:
    """(y, x) whole px by which `theirs` is to be moved to lie on `ours`, both (Y, X), their correlation then, and that
    in standard deviations of the correlations at shifts of more than a cell from it."""
    if ours.shape != theirs.shape:
        raise ValueError(f"images of {ours.shape} and {theirs.shape} px")
    images = [standing_out(image, diameter) for image in (ours, theirs)]
    size = [2 * side for side in ours.shape]
    spectra = [[np.asarray(fft.rfft2(part, size)) for part in (i, i**2, np.ones_like(i))] for i in images]
    (first, squares, inside), (second, others, there) = spectra

    def correlate(one: np.ndarray, two: np.ndarray) -> FloatArray:
        return np.asarray(fft.irfft2(one * two.conj(), size))

    energy = np.sqrt(np.maximum(correlate(squares, there) * correlate(inside, others), 1e-9))
    likeness = correlate(first, second) / energy
    reach = [int(FARTHEST * side) for side in ours.shape]
    near = np.ix_(*([*range(far + 1), *range(-far, 0)] for far in reach))
    likeness = likeness[near]
    rows, columns = (np.array([*range(far + 1), *range(-far, 0)]) for far in reach)
    i, k = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
    elsewhere = np.hypot(rows[:, None] - rows[i], columns - columns[k]) > diameter
    spread = float(likeness[elsewhere].std()) if elsewhere.any() else np.inf
    best = float(likeness[i, k])
    return int(rows[i]), int(columns[k]), best, best / max(spread, 1e-9)
