"""The image that frames are registered to, and where a frame lies on it to a pixel: a matched filter."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, uniform_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import BackendError
from groundtrace.motion.phase.filters import SPECTRUM_FRAMES, Excess, filtered

HIGHPASS = 12.0
"""px; structure larger than this is left out of the matched filter: it is neuropil activity, not anatomy."""
SMOOTHING = 0.7
"""px, of the template."""
COARSE, MOST_BINNED = 64, 2
"""px; fields are binned as long as the shorter side keeps COARSE, by at most MOST_BINNED."""
ROUNDS = 6
SURE = 0.6
"""A frame that shows less of the template than this, relative to those around it, may not be where it was found."""
FAR, CLEARLY = 0.4, 1.5
"""How far it is looked for beyond the bound, as a fraction of the field, and how many times more of the template it
must show there, than within the bound and than of the mirrored template, which is not there."""
NEIGHBOURS, LOCAL = 20, 9


@dataclass(frozen=True)
class Matcher:
    """Correlates frames with a template: the best linear detector of where it lies under uneven pixel noise."""

    spectrum: FloatArray
    bound: int
    """Largest shift along each axis, binned px."""
    scale: float
    """Correlation of the template with itself."""
    binning: int
    """px; large fields are binned: a displacement is found to a tenth of a pixel all the same."""

    @classmethod
    def of(cls, template: FloatArray, variance: FloatArray, bound: int, excess: Excess | None = None) -> "Matcher":
        """template, variance of the noise: (height, width); excess: filter of what is looked for."""
        binning = max(1, min(template.shape) // COARSE)
        binning = min(binning, MOST_BINNED)
        wanted = template if excess is None else excess(template)
        wanted = (wanted - gaussian_filter(wanted, HIGHPASS)) / variance
        for axis, size in enumerate(template.shape):
            taper = np.hanning(size + 2)[1:-1] ** 0.25
            wanted *= taper[:, None] if axis == 0 else taper
        wanted, seen = binned(np.stack([wanted, template]), binning)
        spectrum = np.conj(np.asarray(fft.rfft2(wanted)))
        # A frame cannot be further away than half the field.
        bound = min(-(-bound // binning), (min(wanted.shape) - 3) // 2)
        return cls(spectrum, bound, float((wanted * seen).sum()), binning)

    def far(self, shape: tuple[int, ...]) -> "Matcher":
        """The same for shifts up to FAR of the field (height, width)."""
        bound = round(FAR * min(shape) / self.binning)
        return replace(self, bound=max(self.bound, min(bound, (min(shape) // self.binning - 3) // 2)))

    @property
    def mirrored(self) -> "Matcher":
        """The same for the template turned by half a turn: what frames show of something that is not there."""
        return replace(self, spectrum=np.conj(self.spectrum))

    def locate(
        self, frames: IntArray | FloatArray, expected: FloatArray | None = None, within: float = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """Shifts (n, 2) px, (y, x), to a fraction of a pixel, and how much of the template is there (n,): 1 is all.

        Only those `within` px of the `expected` shift (y, x) are looked at when it is given.
        """
        values, around = binned(frames, self.binning), np.arange(-self.bound - 1, self.bound + 2)
        spectrum = np.asarray(fft.rfft2(values)) * self.spectrum
        # Of the inverse only what lies within the bound.
        rows = np.asarray(fft.ifft(spectrum, axis=1))[:, around]
        near = np.asarray(fft.irfft(rows, n=values.shape[2], axis=2))[:, :, around]
        inner = near[:, 1:-1, 1:-1]
        if expected is not None:
            far = np.abs(self.binning * around[1:-1] - expected[:, None]) > within
            inner = np.where(far[0][:, None] | far[1], -np.inf, inner)
        best = inner.reshape(len(frames), -1).argmax(axis=1)
        y, x = np.unravel_index(best, (len(around) - 2, len(around) - 2))
        every, three = np.arange(len(frames))[:, None], np.arange(3)
        column, row = near[every, y[:, None] + three, x[:, None] + 1], near[every, y[:, None] + 1, x[:, None] + three]
        share = column[:, 1] / self.scale
        top = np.stack([y - self.bound + _vertex(column), x - self.bound + _vertex(row)], axis=1)
        return np.where(share[:, None] > 0, self.binning * top, 0.0), share.astype(np.float64)


def binned(frames: FloatArray | IntArray, by: int) -> FloatArray:
    """Sums of squares of `by` x `by` px without each frame's mean, float32; an odd last row or column is left out."""
    from groundtrace.motion.phase.kernels import bin_frames

    values = np.empty((len(frames), frames.shape[1] // by, frames.shape[2] // by), np.float32)
    bin_frames(frames, by, values)
    return values


def _vertex(three: FloatArray) -> FloatArray:
    """Where parabolas through three values (n, 3) at -1, 0, 1 have their top."""
    bend = three[:, 0] - 2 * three[:, 1] + three[:, 2]
    place = (three[:, 0] - three[:, 2]) / (2 * np.where(bend < 0, bend, 1))
    return np.where(bend < 0, np.clip(place, -0.5, 0.5), 0.0)


def sample(movie: Movie, part: slice, count: int) -> IntArray:
    """Evenly spread frames of a part of a movie, without those that show nothing: their numbers."""
    indices = np.linspace(part.start, part.stop, min(count, part.stop - part.start), endpoint=False, dtype=int)
    lit = []
    for i in indices:
        frame = movie[i]
        lit.append(frame.max() > frame.min())
    if sum(lit) < 2:
        raise BackendError("motion: fewer than two of the sampled frames show anything; is the shutter closed?")
    return indices[np.array(lit)]


def first_template(
    frames: IntArray | FloatArray, bound: int, pool: Executor, filtering: bool
) -> tuple[FloatArray, FloatArray, IntArray, Excess | None]:
    """Mean and variance (height, width) of sampled frames, aligned in ROUNDS, their shifts (n, 2), whole px, and, if
    wanted, the filter of how they differ."""
    mean = _most_alike(frames)
    variance, whole = np.ones_like(mean), np.zeros((len(frames), 2), int)
    excess = Excess.of(rest(frames, whole)) if filtering else None
    for _ in range(ROUNDS):
        matcher = Matcher.of(gaussian_filter(mean, SMOOTHING), variance, bound, excess)
        parts = np.array_split(frames, max(1, len(frames) // 16))
        found = list(pool.map(matcher.locate, parts))
        shifts, share = (np.concatenate(part) for part in zip(*found, strict=True))
        look_far(matcher, frames, shifts, share, share > SURE * np.median(share), float(np.median(share)))
        before, whole = whole, np.rint(shifts - np.median(shifts, axis=0)).astype(int)
        mean, variance = moments_of(frames, whole, pool)
        if np.array_equal(before, whole):
            break
    return mean, variance, whole, Excess.of(rest(frames, whole)) if filtering else None


def look_far(
    matcher: Matcher,
    frames: IntArray | FloatArray,
    shifts: FloatArray,
    share: FloatArray,
    sure: BoolArray,
    usual: float,
    in_view: bool = False,
) -> None:
    """Look beyond the bound for frames (n, height, width) that are not sure to be within it; all in place.

    usual: how much of the template a frame shows. in_view: frames are means, almost without noise, and are compared in
    what is in view out there.

    A frame that shows clearly more of the template out there has jumped further than the bound: it is sure, too.
    """
    wide = matcher.far(frames.shape[1:])
    for i in np.flatnonzero(~sure):
        (found,), (most,) = wide.locate(frames[i : i + 1])
        overlap = np.prod(1 - np.abs(found) / frames.shape[1:])
        if most < max(SURE * usual * overlap, CLEARLY * share[i] * (overlap if in_view else 1)):
            continue
        _, (chance,) = wide.mirrored.locate(frames[i : i + 1])
        if most > CLEARLY * chance:
            shifts[i], share[i], sure[i] = found, most / overlap, True


def rest(frames: IntArray | FloatArray, whole: IntArray) -> FloatArray:
    """What is left of some frames, moved by whole pixels, without their mean."""
    some = slice(None, None, max(1, len(frames) // SPECTRUM_FRAMES))
    moved = [np.roll(frame, tuple(-shift), (0, 1)) for frame, shift in zip(frames[some], whole[some], strict=True)]
    moved = np.array(moved, np.float32)
    return moved - moved.mean(axis=0)


def moments_of(frames: IntArray | FloatArray, shifts: IntArray, pool: Executor) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of frames moved by whole pixels."""
    from groundtrace.motion.phase.kernels import moments

    total, squares = np.zeros(frames.shape[1:]), np.zeros(frames.shape[1:])
    edges = np.linspace(0, len(total), 5, dtype=int)
    list(pool.map(lambda first, last: moments(frames, shifts, (first, last), total, squares), edges[:-1], edges[1:]))
    total /= len(frames)
    return total.astype(np.float32), noise_floor(squares / len(frames) - total**2)


def without_noise(template: FloatArray, variance: FloatArray, frames: int) -> FloatArray:
    """Wiener filter of a mean of `frames` frames: its noise would be taken for structure that every frame lacks.

    The signal's spectrum is what the template's own, averaged over directions, has beyond that noise.
    """
    noise = float(variance.mean()) / frames
    return filtered(template, lambda power: np.clip(1 - noise / np.maximum(power, 1e-30), 0, 1))


def noise_floor(variance: FloatArray) -> FloatArray:
    """Smoothed variance of pixels, nowhere zero."""
    smooth = gaussian_filter(np.asarray(variance, np.float64), 1.5)
    return np.maximum(smooth, max(1e-3 * float(np.median(smooth)), 1e-6)).astype(np.float32)


def likenesses(frames: FloatArray | IntArray) -> FloatArray:
    """Correlation (n, n) of the coarse structure of frames as they were recorded."""
    coarse = binned(frames, 4)
    coarse = (coarse - uniform_filter(coarse, LOCAL, axes=(1, 2))).reshape(len(frames), -1)
    coarse /= np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-12)
    return coarse @ coarse.T


def _most_alike(frames: IntArray | FloatArray) -> FloatArray:
    """Mean of the frame that is most like its nearest, and of those (as Pachitariu et al. 2017)."""
    likeness = likenesses(frames)
    count = min(NEIGHBOURS, len(frames))
    seed = np.argmax(np.sort(likeness, axis=1)[:, -count:].mean(axis=1))
    return frames[np.argsort(-likeness[seed], kind="stable")[:count]].mean(axis=0, dtype=np.float64).astype(np.float32)
