"""What changes over the whole field of a recording besides brightness and place: without a z-stack, the sign and the
size of axial motion that can be told.

Images of stretches, without the mean image and its slopes, have components in time. Cells are active each for itself,
the plane moves for all: the component is that on which two halves of the field agree best (canonical correlation),
after what stands far out at single pixels was cut off.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.motion.phase.template import HIGHPASS, SMOOTHING, binned

STRETCH = 1.0
"""s; frames whose mean is one image."""
MOST, FEWEST = 240, 12
"""Images; of a long recording each is of a longer stretch."""
SIDE = 256
"""px; larger fields are binned to about this."""
TILE = 24
"""px; two halves of the field, in tiles like a chessboard."""
CUT = 2.5
"""Standard deviations of a pixel beyond which it is cut off: activity of single cells."""
COMPONENTS = 3
"""Of each half, among which those that agree are looked for."""


@dataclass(frozen=True)
class AxialMode:
    """Of a recording without a z-stack."""

    value: FloatArray
    """(n_frames,) in standard deviations over the recording, sign unknown."""
    error: float
    """Standard error of a value."""
    share: float
    """Share of the variance of the images, besides brightness and place, that it explains."""


def axial_mode(registered: Movie, seen: BoolArray, good: BoolArray, frame_rate: float) -> AxialMode | None:
    """The recording's own axial mode; None where it is too short, or shows nothing.

    registered: (n_frames, height, width). seen: (height, width) pixels from inside the field. good: (n_frames,).
    """
    frames = np.flatnonzero(good)
    count = min(MOST, int(len(frames) / max(1, round(STRETCH * frame_rate))))
    if count < FEWEST:
        return None
    by = max(1, min(seen.shape) // SIDE)
    parts = np.array_split(frames, count)
    images = np.stack([_mean(registered, part, by) for part in parts])
    inside = binned(seen[None].astype(np.float32), by)[0]
    inside = inside > inside.max() - 0.5
    beyond = _beyond(images, inside)
    y, x = np.nonzero(inside)
    half = (y // TILE + x // TILE) % 2 == 0
    if beyond is None or half.all() or not half.any():
        return None
    own = [np.linalg.svd(beyond[:, part], full_matrices=False)[0][:, :COMPONENTS] for part in (half, ~half)]
    one, agreement, other = np.linalg.svd(own[0].T @ own[1])
    mode = own[0] @ one[:, 0] + own[1] @ other[0]
    mode = (mode - mode.mean()) / max(float(mode.std()), 1e-12)
    mode *= np.sign(mode[np.abs(mode).argmax()])
    share = float(((mode @ beyond) ** 2).sum() / len(mode) / max(float((beyond**2).sum()), 1e-12))
    centres = [part.mean() for part in parts]
    alike = float(np.clip(agreement[0], 0, 1))
    value = np.interp(np.arange(len(good)), centres, mode)
    return AxialMode(value, float(np.sqrt((1 - alike) / (1 + alike))), share)


def _mean(registered: Movie, part: np.ndarray, by: int) -> FloatArray:
    total = np.zeros(registered.shape[1:])
    for start in range(0, len(part), 64):
        total += np.asarray(registered[part[start : start + 64]]).sum(axis=0, dtype=np.float64)
    return binned((total / len(part)).astype(np.float32)[None], by)[0]


def _beyond(images: FloatArray, inside: BoolArray) -> FloatArray | None:
    """(stretches, pixels): structure in units of its spread, without brightness and displacement."""
    images = images - gaussian_filter(images, HIGHPASS, axes=(1, 2))
    usual = np.median(images, axis=0)
    images -= usual
    spread = 1.4826 * np.median(np.abs(images - np.median(images, axis=0)), axis=0)
    spread = np.sqrt(gaussian_filter(spread**2, 1.5))
    if not spread[inside].min() > 0:
        return None
    slopes = np.gradient(gaussian_filter(usual, SMOOTHING))
    known = np.stack([(image / spread)[inside] for image in (usual, *slopes)], axis=1)
    values = np.clip((images / spread)[:, inside], -CUT, CUT)
    values = values - (values @ known) @ np.linalg.pinv(known)
    return values - values.mean(axis=0)
