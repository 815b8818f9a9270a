"""A short clip of the worst motion, raw and registered, for the eye."""

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie

PICTURES = 60
"""Pictures in a clip; fewer in a shorter movie."""
STEP = 3
"""Frames averaged per picture, as far as the movie is long enough: one frame alone shows little but its photons."""
SIDE = 256
"""px, longest side of a picture."""
BAD = 0.1
"""Share of bad frames from which a stretch is shown only when there is no better one."""
LIMITS = (1.0, 99.8)
"""Percentiles of the registered pictures that become black and white."""


def motion_clip(movie: Movie, registered: Movie, y: FloatArray, x: FloatArray, bad: BoolArray) -> dict[str, np.ndarray]:
    """The stretch in which the tissue moves most, as `clip_raw` and `clip_registered` (n, h, w) uint8.

    movie, registered: (T, Y, X). y, x: (T,) displacement, px. Both clips have the same contrast. `clip_start` is the
    first frame, `clip_step` the frames averaged per picture.
    """
    step = max(1, min(STEP, len(movie) // PICTURES))
    count = min(PICTURES, len(movie) // step)
    start = worst_stretch(y, x, bad, count * step, step)
    raw, moved = (_pictures(frames, start, count, step) for frames in (movie, registered))
    low, high = np.percentile(moved, LIMITS)
    return {
        "clip_raw": _grey(raw, low, high),
        "clip_registered": _grey(moved, low, high),
        "clip_start": np.array(start, np.int32),
        "clip_step": np.array(step, np.int32),
    }


def worst_stretch(y: FloatArray, x: FloatArray, bad: BoolArray, length: int, step: int) -> int:
    """First frame of the `length` frames over which the tissue moves furthest, few of them bad if possible.

    The way is that of means over `step` good frames: the error of single shifts is no motion.
    """
    good = np.flatnonzero(~bad)
    way = np.zeros(len(bad))
    if len(good) > step:
        smooth = [np.convolve(shift[good], np.full(step, 1 / step), "valid") for shift in (y, x)]
        way[good[step:]] = np.hypot(*(np.diff(shift) for shift in smooth))
    moved, faults = (np.convolve(values, np.ones(length), "valid") for values in (way, bad.astype(float)))
    allowed = faults <= max(BAD * length, faults.min())
    return int(np.where(allowed, moved, -1).argmax())


def _pictures(movie: Movie, start: int, count: int, step: int) -> FloatArray:
    """(count, h, w) means of `step` frames, shrunk by a whole number."""
    factor = -(-max(movie.shape[1:]) // SIDE)
    height, width = (max(side // factor, 1) for side in movie.shape[1:])
    pictures = np.empty((count, height, width), np.float32)
    for k in range(count):
        first = start + k * step
        frames = movie[first : first + step, : height * factor, : width * factor]
        mean = frames.mean(axis=0, dtype=np.float32)
        pictures[k] = mean.reshape(height, mean.shape[0] // height, width, mean.shape[1] // width).mean(axis=(1, 3))
    return pictures


def _grey(pictures: FloatArray, low: float, high: float) -> IntArray:
    return (255 * ((pictures - low) / max(high - low, 1e-6)).clip(0, 1)).round().astype(np.uint8)
