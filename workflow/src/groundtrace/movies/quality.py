"""Is a recording fit for analysis: statistics of every frame and of the whole movie, in one pass over it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.movies.flashes import Bands, bands_of, edges_of, flashed, partly_dark
from groundtrace.movies.photons import photon_line

PAIRS = 512
"""Pairs of consecutive frames, spread over the movie, that the photon line is fitted to."""
PIXELS = 16_384
"""Pixels, drawn at random, of each of these frames."""
BLOCK = 2**21
"""Pixels whose statistics are computed at a time: they stay in the processor's cache."""
BLANK = 0.25
"""A frame with less than this share of the usual standard deviation over its pixels shows no tissue."""
PILE_UP = 20
"""Fewest pixels at the movie's maximum that can be saturation."""
MANY = 0.02
"""Share of pixels at the maximum from which a frame may be one of a flash, which says nothing of its pixels."""


@dataclass(frozen=True)
class Quality:
    """What a movie's pixels tell, ready for its tables."""

    saturation: int
    gain: float | None
    offset: float | None
    frames: pl.DataFrame
    """Table Frames, but for the times and what the user excludes."""
    summary: pl.DataFrame
    """Table RawQuality."""
    images: dict[str, FloatArray]
    """`mean` and `std` over the frames that show the tissue, and `saturated`, the share of frames in which a pixel is;
    (height, width) float32."""


class MovieStatistics:
    """Collects the statistics of a movie from its chunks, first to last."""

    def __init__(self, frames: int, height: int, width: int, dtype: np.dtype[Any]):
        self._shape = height, width
        self._dtype = dtype
        pixels = height * width
        self._seen = 0
        self._origin: np.float32 | None = None
        self._sum, self._squares = np.zeros(pixels), np.zeros(pixels)
        self._values = np.empty((max(1, BLOCK // pixels), pixels), np.float32)
        self._minimum = np.iinfo(dtype).max
        self._brightness, self._deviation = np.zeros(frames), np.zeros(frames)
        self._maximum = np.full(frames, np.iinfo(dtype).min, dtype)
        self._at_maximum = np.zeros(frames, np.int64)
        self._top, self._pixel_at_top = np.iinfo(dtype).min, np.zeros((2, pixels), np.int64)
        self._bands = Bands(*np.zeros((2, frames, len(edges_of(height))), np.float32))
        self._repeats = np.zeros(frames, bool)
        self._last: NDArray[Any] | None = None
        self._starts = np.unique(np.linspace(0, frames - 2, min(PAIRS, frames - 1)).astype(int))
        generator = np.random.default_rng(0)
        self._sample = np.sort(generator.choice(pixels, min(PIXELS, pixels), replace=False))
        self._pairs = np.zeros((2, len(self._starts), len(self._sample)), dtype)

    def add(self, chunk: NDArray[Any]) -> None:
        """Take in the next frames, (n, height, width), C-contiguous."""
        flat = chunk.reshape(len(chunk), -1)
        frames = slice(self._seen, self._seen + len(flat))
        self._add_pairs(flat)
        self._add_extremes(flat, frames)
        self._add_repeats(flat, frames)
        size = len(self._values)
        for start in range(0, len(flat), size):
            self._add_moments(flat[start : start + size], self._seen + start)
        self._last = flat[-1].copy()
        self._seen += len(flat)

    def _add_pairs(self, flat: NDArray[Any]) -> None:
        for later, pairs in enumerate(self._pairs):
            here = np.flatnonzero(
                (self._starts + later >= self._seen) & (self._starts + later < self._seen + len(flat))
            )
            if len(here):
                pairs[here] = flat[np.ix_(self._starts[here] + later - self._seen, self._sample)]

    def _add_extremes(self, flat: NDArray[Any], frames: slice) -> None:
        self._minimum = min(self._minimum, int(flat.min()))
        self._maximum[frames] = flat.max(axis=1)
        # Only frames that reach the maximum of the movie can be saturated, so others need no count.
        for frame in np.flatnonzero(self._maximum[frames] >= self._maximum.max()):
            value = self._maximum[frames][frame]
            at_maximum = flat[frame] == value
            self._at_maximum[frames.start + frame] = np.count_nonzero(at_maximum)
            if value > self._top:
                self._top, self._pixel_at_top[:] = int(value), 0
            self._pixel_at_top[int(at_maximum.mean() > MANY)] += at_maximum

    def _add_repeats(self, flat: NDArray[Any], frames: slice) -> None:
        # Most frames differ from the one before in a few pixels already.
        few = flat[:, :: max(1, flat.shape[1] // 512)]
        self._repeats[frames.start + 1 : frames.stop] = (few[1:] == few[:-1]).all(axis=1)
        for frame in np.flatnonzero(self._repeats[frames]):
            self._repeats[frames.start + frame] = _repeat(flat[frame], flat[frame - 1])
        if self._last is not None:
            self._repeats[frames.start] = _repeat(flat[0], self._last)

    def _add_moments(self, block: NDArray[Any], first: int) -> None:
        """Sums and sums of squares over time and over pixels, about one origin for the sake of float32."""
        if self._origin is None:
            self._origin = np.float32(block[0].mean())
        values = self._values[: len(block)]
        values[...] = block
        values -= self._origin
        frames, pixels = slice(first, first + len(block)), block.shape[1]
        bands, mean = bands_of(values.reshape(-1, *self._shape))
        self._bands.low[frames], self._bands.mean[frames] = bands.low + self._origin, bands.mean + self._origin
        self._sum += values.sum(axis=0)
        np.multiply(values, values, out=values)
        self._brightness[frames] = mean + self._origin
        self._deviation[frames] = np.sqrt(np.maximum(values.sum(axis=1) / pixels - np.square(mean), 0))
        self._squares += values.sum(axis=0)

    @property
    def constant(self) -> str | None:
        """Why this is no movie: all pixels have one value, or all frames are the same; None when it is one."""
        if self._minimum == self._maximum.max():
            return f"all pixels have the value {self._minimum}"
        return "all frames are the same image" if self._repeats[1:].all() else None

    def quality(self, movie: Movie) -> Quality:
        """All that can be told once the last frame is in; movie: (T, Y, X), to leave out what shows no tissue."""
        saturation = self._saturation()
        saturated = np.where(self._maximum >= saturation, self._at_maximum, 0) / self._sum.size
        blank = self._blank()
        flash = flashed(self._bands, self._minimum, saturated) & ~blank
        gain, offset = self._photons(self._sum / self._seen, blank | flash, saturation) or (None, None)
        blank |= partly_dark(self._bands, self._minimum if offset is None else offset) & ~flash
        dropped = self._repeats & ~blank
        shown = ~(blank | flash)
        shown = shown if shown.any() else ~blank
        brightness = float(self._brightness[shown].mean())
        frames = {
            "frame": np.arange(self._seen, dtype=np.int32),
            "brightness": self._brightness.astype(np.float32),
            "saturated": saturated.astype(np.float32),
            "blank": blank,
            "dropped": dropped,
            "flash": flash,
        }
        summary = {
            "frames": self._seen,
            "gain": gain,
            "offset": offset,
            "photons": None if gain is None or offset is None else max(0.0, (brightness - offset) / gain),
            "brightness": brightness,
            "brightness_drift": self._drift(self._brightness[shown], offset),
            "saturated": float(saturated[shown].mean()),
            "blank_frames": int(blank.sum()),
            "dropped_frames": int(dropped.sum()),
            "flash_frames": int(flash.sum()),
        }
        whole = ("frames", "blank_frames", "dropped_frames", "flash_frames")
        schema = {name: pl.Int32 if name in whole else pl.Float32 for name in summary}
        mean, std = self._image(movie, ~shown)
        images = {"mean": mean, "std": std, "saturated": self._saturated_share(flash) * (self._top >= saturation)}
        return Quality(
            saturation=saturation,
            gain=gain,
            offset=offset,
            frames=pl.DataFrame(frames),
            summary=pl.DataFrame([summary], schema=schema),
            images={name: image.reshape(self._shape).astype(np.float32) for name, image in images.items()},
        )

    def _image(self, movie: Movie, without: BoolArray) -> tuple[FloatArray, FloatArray]:
        """(pixels,) mean and standard deviation over the frames but those marked, (n_frames,)."""
        origin, count = np.float64(self._origin or 0), self._seen - int(without.sum())
        total, squares = self._sum.copy(), self._squares.copy()
        for frame in np.flatnonzero(without) if count else ():
            values = movie[frame].ravel() - origin
            total -= values
            squares -= np.square(values)
        total, squares = (each / (count or self._seen) for each in (total, squares))
        return total + origin, np.sqrt(np.maximum(squares - np.square(total), 0))

    def _saturated_share(self, flash: BoolArray) -> FloatArray:
        """(pixels,) share of frames at the maximum; frames of which many are count unless they are mostly flashes."""
        few, many = self._pixel_at_top
        full = (self._maximum == self._top) & (self._at_maximum > MANY * self._sum.size)
        return (few + many * (flash[full].sum() <= full.sum() / 2)) / self._seen

    def _saturation(self) -> int:
        """The movie's maximum when pixels pile up there, else the largest value of the integer type.

        A pile-up: at least PILE_UP pixels have the maximum, twice as many as lie within 1 % of the range below it.
        """
        top = int(self._maximum.max())
        at_top = int(self._at_maximum[self._maximum == top].sum())
        window = max(1, (top - self._minimum) // 100)
        below = np.count_nonzero((self._pairs < top) & (self._pairs >= top - window)) + 1
        scale = self._seen * self._sum.size / self._pairs.size
        piled_up = at_top >= PILE_UP and at_top > 2 * below * max(1.0, scale)
        return top if piled_up else int(np.iinfo(self._dtype).max)

    def _blank(self) -> BoolArray:
        """Frames darker and far more uniform than most; the usual deviation is that of the livelier half."""
        usual = np.quantile(self._deviation, 0.75) or self._deviation.max()
        return (self._deviation < BLANK * usual) & (self._brightness < np.quantile(self._brightness, 0.75))

    def _photons(self, mean: FloatArray, blank: BoolArray, saturation: int) -> tuple[float, float] | None:
        rows, columns = np.gradient(mean.reshape(self._shape)) if min(self._shape) > 1 else (np.zeros(1), np.zeros(1))
        gradient = np.broadcast_to(np.square(rows) + np.square(columns), self._shape).ravel()[self._sample]
        pairs = ~(blank[self._starts] | blank[self._starts + 1])
        if pairs.sum() < 2:
            return None
        pixels = (self._pairs[:, pairs] >= saturation).mean(axis=(0, 1)) < 0.01
        if pixels.sum() < 2:
            return None
        first, second = (part[np.ix_(pairs, pixels)] for part in self._pairs)
        return photon_line(first, second, gradient[pixels])

    def _drift(self, brightness: FloatArray, offset: float | None) -> float:
        """Light in the last tenth against the first, minus one; without an offset, above the smallest pixel."""
        tenth = max(1, len(brightness) // 10)
        first, last = brightness[:tenth].mean(), brightness[-tenth:].mean()
        dark = offset if offset is not None and offset < first else self._minimum
        return float((last - dark) / (first - dark) - 1) if first > dark else 0.0


def _repeat(frame: NDArray[Any], before: NDArray[Any]) -> bool:
    """Whether a frame is that before it; one of a single value, as when all pixels are saturated, tells nothing."""
    return np.array_equal(frame, before) and frame.min() < frame.max()
