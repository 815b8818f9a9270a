"""What the light did, told from all ROIs of a plane together: frames without any, and steps of brightness."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.traces.gaps import with_lines
from groundtrace.traces.noise import noise_sd

DARK, DIM = 0.2, 0.85
"""Fractions of the usual brightness: a frame below DARK shows no tissue; one beside it, below DIM, was cut off."""
DIPPED = 0.7
"""Share of the lowest usual brightness within LOWEST below which a frame lost light, for less than half of BEFORE."""
LOWEST = 30.0
"""s."""
LEAST_STEP, CLEAR = 0.04, 6.0
"""Change of the logarithm of the common brightness that can be a step, and how far it is above its usual changes."""
BEFORE = 5.0
"""s before and after a step whose medians are compared."""
NEAR, SHARP = 0.3, 0.6
"""s on either side within which a step has that share of its size: what takes longer is activity, or drift."""
AGREE, PLAIN = 0.5, 0.1
"""Difference of a sharp step in cells and in neuropil, over its size, up to which they agree; and the change of the
logarithm from which it needs no second kind of light."""
UNEVEN, SAFE, FEWEST = 0.3, 3.0, 8
"""Spread over ROIs of a change of the logarithm, over its size, up to which it is that of the light, beyond the usual
spread and SAFE of its errors; fewer ROIs cannot tell."""
WATCHED = 200
"""ROIs, evenly spaced in their order, that are looked at."""
LOW = 20.0
"""Percentile of a stretch by which its brightness is compared with others: cells and neuropil are quiet there."""


@dataclass(frozen=True)
class Light:
    """Light of a recording (n_frames,)."""

    dark: BoolArray
    """No tissue is seen: a shutter was closed."""
    steps: IntArray
    """First frames of stretches of another brightness: laser power, focus, water."""
    gain: FloatArray
    """Brightness of each frame's stretch, over that of the whole; 1 everywhere without steps."""


def watch(
    lights: Sequence[FloatArray], frame_rate: float, bad_frames: BoolArray, segment: IntArray | None = None
) -> Light:
    """What the light of a plane did; lights: fluorescence, and neuropil, (n_rois, n_frames) detector units above dark.

    bad_frames: (n_frames,) known not to be usable. segment: (n_frames,) stretch without a gap or a border of files;
    every stretch that is not short has its own brightness. Steps are told from what changes least otherwise: of cells
    that fire each for itself, or of a neuropil that is quiet.
    """
    frames = len(bad_frames)
    nothing = Light(np.zeros(frames, bool), np.zeros(0, np.int64), np.ones(frames))
    lit = [_above_noise(light, bad_frames) for light in lights]
    lit = [light for light in lit if len(light)]
    if not lit or bad_frames.all():
        return nothing
    common = [np.median(light, axis=0) for light in lit]
    dim = np.max(common, axis=0)
    dark = (dim < DARK) & ~bad_frames
    dark |= (np.convolve(dark, np.ones(3), "same")[:frames] > 0) & (dim < DIM) & ~bad_frames
    for part in _parts(segment, bad_frames):
        dark[part] |= _dips(dim[part], frame_rate)
    usable = ~(dark | bad_frames)
    logs = [np.log(np.maximum(each[usable], 1e-3)) for each in common]
    changes = [_change(log, frame_rate) for log in logs]
    calmest = int(np.argmin([_usual(change) for change in changes]))
    steps = _steps(logs, changes[calmest], calmest, frame_rate)
    # Blocks of the field are no ROIs: a cell that is active near the step counts for several.
    level = 50 if len(lights) > 1 else LOW
    steps = steps[_everywhere(lit[0][:, usable], steps, round(BEFORE * frame_rate), level)]
    if segment is not None:
        borders = _borders(segment[usable], lit[0][:, usable], logs, frame_rate, level)
        far = np.abs(steps[:, None] - borders).min(axis=1, initial=len(segment)) > 2 * NEAR * frame_rate
        steps = np.sort(np.concatenate([borders, steps[far]]))
    if not len(steps):
        return Light(dark, steps, nothing.gain)
    gain = np.full(frames, np.nan)
    gain[usable] = _gains(lit[calmest][:, usable], steps)
    return Light(dark, np.flatnonzero(usable)[steps], with_lines(gain[None])[0])


def _above_noise(light: FloatArray, bad_frames: BoolArray) -> FloatArray:
    """Rows that show light at all, over their usual brightness."""
    if not light.size or bad_frames.all():
        return light[:0]
    good = light[:, ~bad_frames]
    usual = np.median(good, axis=1)
    lit = usual > CLEAR * noise_sd(good)
    return light[lit] / usual[lit, None]


def _parts(segment: IntArray | None, bad_frames: BoolArray) -> list[IntArray]:
    """Numbers of the good frames of each segment."""
    good = np.flatnonzero(~bad_frames)
    return [good] if segment is None else np.split(good, np.flatnonzero(np.diff(segment[good])) + 1)


def _dips(brightness: FloatArray, frame_rate: float) -> BoolArray:
    """Frames (n_frames,) that are dimmer than any quiet time near them, for a moment: no activity takes light away."""
    from scipy.ndimage import median_filter, minimum_filter1d

    width = round(BEFORE * frame_rate) // 2 * 2 + 1
    if len(brightness) < 2 * width:
        return np.zeros(len(brightness), bool)
    usual = median_filter(brightness, width, mode="mirror")
    lowest = minimum_filter1d(usual, round(LOWEST * frame_rate))
    return (brightness < DIPPED * lowest) & (lowest - brightness > CLEAR * noise_sd(brightness[None])[0])


def _change(common: FloatArray, frame_rate: float) -> FloatArray:
    """Difference (n_frames,) of the medians of a stretch after each frame and before it, without a steady drift."""
    from scipy.ndimage import median_filter

    frames, change = len(common), np.zeros(len(common))
    half = min(max(4, round(BEFORE * frame_rate)), frames // 3) // 2
    level = median_filter(common, 2 * half + 1, mode="nearest")
    change[half : frames - half] = level[2 * half :] - level[: frames - 2 * half]
    return change - np.median(change)


def _usual(change: FloatArray) -> float:
    """Standard deviation, whatever the steps."""
    return 1.4826 * float(np.median(np.abs(change)))


def _jump(common: FloatArray, near: int) -> FloatArray:
    """Difference (n_frames,) of the means of `near` frames from each frame on and before it."""
    sums = np.cumsum(np.concatenate([[0.0], common]))
    means, jump = (sums[near:] - sums[:-near]) / near, np.zeros(len(common))
    jump[near : len(common) - near + 1] = means[near:] - means[:-near]
    return jump


def _steps(logs: list[FloatArray], change: FloatArray, calmest: int, frame_rate: float) -> IntArray:
    """Frames from which on the logarithm of the common brightness (n_frames,) is another, at once and lastingly.

    logs: of each kind of light. change: `_change` of the calmest. Small steps, and steps that follow closely, show most
    in the steadiest `_jump`, and are believed where the kinds agree: activity is not the same in cells and neuropil.
    """
    from scipy.signal import find_peaks

    frames, near = len(change), max(2, round(NEAR * frame_rate))
    half = round(BEFORE * frame_rate) // 2
    if frames < 4 * near:
        return np.zeros(0, np.int64)
    jumps = np.stack([_jump(log, near) for log in logs])
    jump = jumps[calmest]
    large, _ = find_peaks(np.abs(change), height=max(LEAST_STEP, CLEAR * _usual(change)), distance=max(1, half))
    found = []
    for peak in large:
        around = slice(max(near, peak - half), min(frames - near, peak + half) + 1)
        best = around.start + int(np.argmax(jump[around] * np.sign(change[peak])))
        if jump[best] / change[peak] > SHARP:
            found.append(best)
    steadiest = int(np.argmin([_usual(each) for each in jumps]))
    jump = jumps[steadiest]
    sharp, _ = find_peaks(np.abs(jump), height=max(LEAST_STEP, CLEAR * _usual(jump)), distance=max(1, half))
    lasting = _difference(logs[steadiest], sharp, 2 * half)
    found.extend(sharp[_believed(jumps[:, sharp], steadiest) & (np.abs(lasting / jump[sharp] - 1) < 1 - SHARP)])
    steps = np.unique(found).astype(np.int64)
    # One step can be found from two sides, a few frames apart.
    return steps[np.diff(steps, prepend=-frames) > near]


def _difference(log: FloatArray, at: IntArray, reach: int) -> FloatArray:
    """Difference of the medians of `reach` frames from each place on and before it, fewer where another is nearer."""
    edges = np.concatenate([[0], at, [len(log)]])
    return np.array(
        [
            np.median(log[here : min(here + reach, after)]) - np.median(log[max(before, here - reach) : here])
            for before, here, after in zip(edges, edges[1:-1], edges[2:], strict=False)
        ]
    )


def _believed(jumps: FloatArray, calmest: int) -> BoolArray:
    """Whether sharp changes (kinds of light, places) are those of the light, by what its kinds say of them."""
    size = np.abs(jumps[calmest])
    return np.ptp(jumps, axis=0) < AGREE * size if len(jumps) > 1 else size > PLAIN


def _everywhere(light: FloatArray, steps: IntArray, reach: int, level: float) -> BoolArray:
    """Whether light (n_rois, n_frames) steps by the same factor in all ROIs: activity that they share differs.

    level: percentile of the `reach` frames on either side that is compared.
    """
    edges = [0, *steps, light.shape[1]]
    between = [np.linspace(a, b, max(1, (b - a) // reach - 1) + 2)[1:-1].astype(np.int64) for a, b in pairwise(edges)]
    places = np.unique(np.concatenate([steps, *between]))
    edges = np.concatenate([[0], places, [light.shape[1]]])
    around = zip(edges, places, edges[2:], strict=False)
    sides = [(slice(max(a, b - reach), b), slice(b, min(b + reach, c))) for a, b, c in around]
    levels = [[np.percentile(light[:, part], level, axis=1) for part in parts] for parts in sides]
    before, after = np.maximum(np.array(levels).reshape(len(places), 2, -1), 1e-3).swapaxes(0, 1)
    changes = np.log(after / before)
    size = np.median(changes, axis=1)
    spread = 1.4826 * np.median(np.abs(changes - size[:, None]), axis=1)
    found = np.isin(places, steps)
    usual = np.median(spread[~found]) ** 2 * (1 + SAFE / np.sqrt(len(light)))
    alike = spread[found] ** 2 < usual + (UNEVEN * size[found]) ** 2
    return alike | (len(light) < FEWEST)


def _borders(segment: IntArray, light: FloatArray, logs: list[FloatArray], frame_rate: float, level: float) -> IntArray:
    """Borders of segments at which brightness may step, each of which stands for the steps near it.

    Stretches between them last BEFORE at least, but where `logs` show a step. Those of less than LOWEST, in which some
    cells are never quiet, need that their light (n_rois, n_frames) changes alike, as `_everywhere` says.
    """
    least, near = round(BEFORE * frame_rate), max(2, round(NEAR * frame_rate))
    borders = np.flatnonzero(np.diff(segment)) + 1
    differences = np.stack([_difference(log, borders, least) for log in logs])
    usual = [_usual(_jump(log, near)) for log in logs]
    calmest = int(np.argmin(usual))
    clear = np.abs(differences[calmest]) > max(LEAST_STEP, CLEAR / 2 * usual[calmest])
    clear &= _believed(differences, calmest)
    kept: list[int] = [0]
    for border, shown in zip(borders, clear, strict=True):
        if shown or (border - kept[-1] >= least and len(segment) - border >= least):
            kept.append(int(border))
    found = np.array(kept[1:], np.int64)
    lengths = np.diff([*kept, len(segment)])
    lasting = np.minimum(lengths[:-1], lengths[1:]) >= LOWEST * frame_rate
    return found[lasting | _everywhere(light, found, least, level)]


def _gains(light: FloatArray, steps: IntArray) -> FloatArray:
    """Brightness of the stretches between `steps`, frame by frame; the median over ROIs, whose mean over time is 1."""
    edges = np.concatenate([[0], steps, [light.shape[1]]])
    levels = np.stack([np.percentile(light[:, first:last], LOW, axis=1) for first, last in pairwise(edges)])
    levels = np.maximum(levels, 1e-6 * levels.max())
    lengths = np.diff(edges)
    logarithm = np.median(np.log(levels) - np.average(np.log(levels), axis=0, weights=lengths), axis=1)
    gain = np.repeat(np.exp(logarithm), lengths)
    return gain / gain.mean()
