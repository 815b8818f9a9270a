"""What is known of one event: its area, its course in time, and how it spreads."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter1d

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.astrocytes.averaged import KERNEL, Averaged
from groundtrace.astrocytes.components import joined
from groundtrace.astrocytes.spreading import Spread, spread_of

AROUND = 5.0
"""s before and after an event that are looked at."""
EDGE = 3
"""Pixels around an event that are looked at."""
SMOOTH = 3
"""Frames over which courses are averaged where their peak is looked for."""
SURE = 4.0
"""Noise SDs that a pixel rises by, at least, where its onset is told."""
LOWER = 0.12
"""Relative standard error of a peak, in addition to its noise: averaging over SMOOTH frames and the soft border make
peaks a tenth too low in simulated recordings."""
BRIGHT = 75
"""Percentile of the dF/F of an event's pixels of which half is its border."""


@dataclass(frozen=True)
class Crossing:
    """When a course passes half of its peak; frames, NaN where it does not."""

    at: float
    error: float


@dataclass(frozen=True)
class Event:
    """Places in averaged pixels and frames."""

    start: Crossing
    stop: Crossing
    peak: float
    """dF/F..."""
    peak_error: float
    """...and its standard error."""
    rows: IntArray
    columns: IntArray
    area_error: float
    """Relative."""
    onset: FloatArray
    """Frames, of each pixel."""
    spread: Spread | None
    first: int
    """Frame of the first value of `course`."""
    course: FloatArray


def measure(averaged: Averaged, low: IntArray, high: IntArray, top: IntArray, threshold: float) -> Event | None:
    """Measure the component with its largest voxel at `top`, in the box from `low` to `high`.

    None where its light only falls: noise has cut it off the event before.
    """
    shape, margin = averaged.movie.shape, np.array([round(AROUND / averaged.step), EDGE, EDGE])
    begin, end = np.maximum(low - margin, 0), np.minimum(high + margin, shape)
    field = np.s_[begin[1] : end[1], begin[2] : end[2]]
    frames = slice(int(begin[0]), int(end[0]))
    rest = np.maximum(averaged.baseline(frames)[:, *field].mean(axis=0), 1e-6)
    above, noise = averaged.above(frames)[:, *field], averaged.noise[field]
    labels, _ = joined(above > threshold * noise)
    above = _without_gaps(above)
    core = (labels == labels[tuple(top - begin)]).any(axis=0)
    inside, error = core, 0.0
    # The border follows from when the event lasts, and that from where it is.
    for _ in range(2):
        course = above[:, inside].sum(axis=1) / rest[inside].sum()
        peak, start, stop = _course(course, int(top[0] - begin[0]))
        lasting = slice(max(0, round(start.at)), max(round(start.at) + 1, round(stop.at) + 1))
        lasted = above[lasting]
        inside, error = _area(lasted.mean(axis=0) / rest, noise / rest / np.sqrt(len(lasted)), core)
    course = above[:, inside].sum(axis=1) / rest[inside].sum()
    peak, start, stop = _course(course, int(top[0] - begin[0]))
    if not np.isfinite(start.error) and begin[0] > 0:
        return None
    onset, onset_error = _onsets(above[:, inside], noise[inside], start.at, stop.at)
    rows, columns = np.nonzero(inside)
    spread = spread_of(rows, columns, onset, onset_error)
    moved = begin[0]
    return Event(
        Crossing(start.at + moved, start.error),
        Crossing(stop.at + moved, stop.error),
        peak,
        float(np.hypot(_noise(course) / np.sqrt(SMOOTH), LOWER * peak)),
        rows + begin[1],
        columns + begin[2],
        error,
        onset + moved,
        spread,
        int(begin[0]),
        course.astype(np.float32),
    )


def _without_gaps(above: FloatArray) -> FloatArray:
    """Frames of which nothing is known are as the last one before: what goes on does not begin anew after them."""
    known = np.isfinite(above[:, 0, 0])
    last = np.maximum.accumulate(np.where(known, np.arange(len(above)), 0))
    return np.nan_to_num(above[last])


def _noise(course: FloatArray) -> float:
    """Of a frame, by second differences, which no rise or fall shows in."""
    return float(1.4826 * np.median(np.abs(np.diff(course, 2)))) / np.sqrt(6) if len(course) > 2 else np.nan


def _course(course: FloatArray, near: int) -> tuple[float, Crossing, Crossing]:
    """Largest value (mean of SMOOTH frames), and when half of it is passed before and after it."""
    smooth, noise = uniform_filter1d(course, SMOOTH, mode="nearest"), _noise(course)
    top = _climb(smooth, near)
    peak = float(smooth[top])
    return peak, _crossing(course[: top + 1][::-1], peak, noise, top, -1), _crossing(course[top:], peak, noise, top, 1)


def _climb(course: FloatArray, at: int) -> int:
    """The largest value around `at` that no fall below half of it parts from there."""
    top = at
    for direction in (-1, 1):
        k = at
        while 0 <= k < len(course) and course[k] > course[top] / 2:
            top = k if course[k] > course[top] else top
            k += direction
    return top


def _crossing(away: FloatArray, peak: float, noise: float, top: int, direction: int) -> Crossing:
    """Where a course, walked away from its peak, passes half of it; at its end where it does not."""
    below = np.flatnonzero(away < peak / 2)
    if not len(below) or below[0] == 0:
        return Crossing(float(top + direction * (len(away) - 1)), np.nan)
    k = int(below[0])
    at = k - 1 + (away[k - 1] - peak / 2) / (away[k - 1] - away[k])
    quarter = np.flatnonzero(away < peak / 4)
    last = quarter[0] if len(quarter) else len(away) - 1
    upper = np.flatnonzero(away[: k + 1] > 0.75 * peak)
    slope = 0.5 * peak / max(last - (upper[-1] if len(upper) else 0), 1)
    return Crossing(top + direction * at, float(noise / slope))


def _area(amplitude: FloatArray, noise: FloatArray, core: BoolArray) -> tuple[BoolArray, float]:
    """Pixels at and around the core above half of its brightness, joined to it; relative error of their number."""
    border = np.percentile(amplitude[core], BRIGHT) / 2
    near = np.asarray(binary_dilation(core, iterations=EDGE), bool)
    labels, count = joined((amplitude > border) & near)
    if not count:
        return core, np.nan
    held = np.bincount(labels[core], minlength=count + 1)[1:]
    inside = np.asarray(labels == held.argmax() + 1) if held.any() else core
    unsure = np.exp(-(((amplitude - border) / noise)[near] ** 2) / 2) / 2
    return inside, float(np.sqrt(KERNEL * (unsure * (1 - unsure)).sum()) / inside.sum())


def _onsets(above: FloatArray, noise: FloatArray, start: float, stop: float) -> tuple[FloatArray, FloatArray]:
    """When each pixel (frames, pixels) rises through half of its own peak in the event, and the standard error."""
    smooth = uniform_filter1d(above, SMOOTH, axis=0, mode="nearest")
    noise = noise / np.sqrt(SMOOTH)
    last = min(len(smooth) - 1, int(np.ceil(stop)) + SMOOTH)
    first = max(0, int(start - (stop - start)) - SMOOTH)
    window = smooth[first : last + 1]
    top = window.argmax(axis=0)
    every = np.arange(window.shape[1])
    peak = window[top, every]
    onset, error = np.full((2, len(every)), np.nan)
    for k in np.flatnonzero(peak > SURE * noise):
        rise = window[: top[k] + 1, k]
        below = np.flatnonzero(rise < peak[k] / 2)
        if len(below) and below[-1] < top[k]:
            at = int(below[-1])
            step = rise[at + 1] - rise[at]
            onset[k] = first + at + (peak[k] / 2 - rise[at]) / step
            error[k] = noise[k] / step
    return onset, error
