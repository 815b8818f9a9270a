"""Clips of ROIs at their largest event, for the eye."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter1d

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie

CLIPS = 40
"""ROIs that get a clip."""
PICTURES = (8, 30)
"""Fewest and most pictures of a clip."""
BEFORE, AFTER = 1.0, 3.0
"""s, shown before and after the peak of the event."""
EVENT = 0.3
"""s, over which a trace is averaged before its largest event is sought: one frame alone is a peak by noise."""
PATCH = 5.0
"""Cell diameters, side of what is shown."""
SIDE = 96
"""px, longest side of a picture; larger patches are shrunk."""
SMOOTH = 0.08
"""Cell diameters, standard deviation by which pictures are smoothed: single frames show little but their photons."""
LIMITS = (1.0, 99.7)
"""Percentiles of a clip that become black and white."""


def event_clips(
    movie: Movie,
    good: BoolArray,
    pixel_y: Sequence[IntArray],
    pixel_x: Sequence[IntArray],
    traces: FloatArray,
    order: Sequence[int] | IntArray,
    diameter: float,
    frame_rate: float,
) -> dict[str, np.ndarray]:
    """Clips of the first ROIs of `order`, each around the peak of its largest event.

    movie: (T, Y, X). good: (T,), frames that can be shown. traces: (n_rois, T), of which the peak is sought.
    diameter: px, of a cell. frame_rate: Hz.

    Returns `clips` (n, pictures, h, w) uint8, each with a contrast of its own; `clip_roi` (n,); `clip_frame` (n,), the
    first frame; `clip_step` (n,), frames averaged per picture; `clip_corner` (n, 2), px, row and column of the upper
    left pixel in the field; and `clip_scale`, pixels of the field per pixel of a picture.
    """
    chosen = [int(roi) for roi in order][:CLIPS]
    step, count = timing(len(movie), frame_rate)
    (height, width), factor = _patch(movie.shape[1:], diameter)
    frames = np.zeros(len(chosen), np.int32)
    corners = np.zeros((len(chosen), 2), np.int32)
    clips = np.zeros((len(chosen), count, height // factor, width // factor), np.uint8)
    for k, roi in enumerate(chosen):
        peak = _peak(traces[roi], good, frame_rate)
        frames[k] = np.clip(peak - round(BEFORE / (BEFORE + AFTER) * count * step), 0, len(movie) - count * step)
        centre = float(np.mean(pixel_y[roi])), float(np.mean(pixel_x[roi]))
        corners[k] = _corner(centre, (height, width), movie.shape[1:])
        pictures = _pictures(movie, good, frames[k], step, corners[k], factor, clips.shape[1:])
        clips[k] = _grey(gaussian_filter(pictures, (0, *[SMOOTH * diameter / factor] * 2)))
    return {
        "clips": clips,
        "clip_roi": np.array(chosen, np.int32),
        "clip_frame": frames,
        "clip_step": np.full(len(chosen), step, np.int32),
        "clip_corner": corners,
        "clip_scale": np.array(factor, np.int32),
    }


def timing(frames: int, frame_rate: float) -> tuple[int, int]:
    """Frames averaged per picture, and pictures; at low frame rates few pictures of one frame each."""
    fewest, most = PICTURES
    wanted = (BEFORE + AFTER) * frame_rate
    step = max(1, min(round(wanted / most), frames // most))
    return step, max(1, min(frames // step, most, max(fewest, round(wanted / step))))


def _patch(field: tuple[int, ...], diameter: float) -> tuple[tuple[int, int], int]:
    """Height and width of a patch, multiples of the factor by which it is shrunk; and that factor."""
    side = max(16, round(PATCH * diameter))
    sides = [min(side, length) for length in field]
    factor = -(-max(sides) // SIDE)
    factor = min(factor, *sides)
    return (sides[0] // factor * factor, sides[1] // factor * factor), factor


def _peak(trace: FloatArray, good: BoolArray, frame_rate: float) -> int:
    """Frame at which the smoothed trace is largest; the middle one when there is nothing to tell it by."""
    usable = good & np.isfinite(trace)
    if not usable.any():
        return len(trace) // 2
    level = float(np.median(trace[usable]))
    smooth = uniform_filter1d(np.where(usable, trace, level).astype(np.float64), max(1, round(EVENT * frame_rate)))
    return int(np.where(usable, smooth, -np.inf).argmax())


def _corner(centre: tuple[float, float], size: tuple[int, int], field: tuple[int, ...]) -> tuple[int, int]:
    """Upper left pixel of the patch around `centre`, moved into the field."""
    top, left = (
        min(max(round(at + 0.5 - length / 2), 0), limit - length)
        for at, length, limit in zip(centre, size, field, strict=True)
    )
    return top, left


def _pictures(
    movie: Movie, good: BoolArray, start: int, step: int, corner: IntArray, factor: int, shape: tuple[int, ...]
) -> FloatArray:
    """(pictures, h, w). A picture is the mean of its good frames, and of all when none is good."""
    count, height, width = shape
    rows, columns = (slice(at, at + side * factor) for at, side in zip(corner, (height, width), strict=True))
    frames = movie[start : start + count * step, rows, columns].astype(np.float32)
    weight = good[start : start + count * step].reshape(count, step).astype(np.float32)
    weight[~weight.any(axis=1)] = 1
    weight /= weight.sum(axis=1, keepdims=True)
    pictures = np.einsum("ksyx,ks->kyx", frames.reshape(count, step, *frames.shape[1:]), weight)
    return pictures.reshape(count, height, factor, width, factor).mean(axis=(2, 4))


def _grey(pictures: FloatArray) -> IntArray:
    """8 bit, all pictures at one contrast."""
    low, high = np.percentile(pictures, LIMITS)
    return (255 * ((pictures - low) / max(high - low, 1e-6)).clip(0, 1)).round().astype(np.uint8)
