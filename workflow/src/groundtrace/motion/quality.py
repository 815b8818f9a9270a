"""How well a movie is registered, measured the same way for every motion backend."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.ndimage import median_filter

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.motion.base import Registration
from groundtrace.motion.clip import motion_clip
from groundtrace.motion.moving import Displacement, move_frames
from groundtrace.motion.residual import residual_motion
from groundtrace.motion.tables import AXIAL
from groundtrace.movies.tables import UNUSABLE, unseen
from groundtrace.tables import list_column

CHUNK_BYTES = 64 << 20
"""Size of the movie's part in memory at a time."""
JUMP = 0.05
"""A frame jumps when its displacement is further than this fraction of the shorter side from the running median..."""
JUMP_FRAMES = 101
"""...over this many frames."""
DECORRELATED_SD = 6.0
"""A frame is decorrelated when its correlation is this many robust standard deviations below the running median..."""
DECORRELATED_FRACTION = 0.7
"""...and below this fraction of it..."""
DECORRELATED_FRAMES = 501
"""...over this many frames."""
RAW_FRAMES = 500
"""Frames, evenly spread, on which the correlation of the raw movie is measured."""


def assess(
    movie: Movie, registered: Movie, registration: Registration, frames: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, np.ndarray]]:
    """Judge a registration: tables Shifts and MotionQuality, and arrays.

    The arrays: images template, mean and mean_before, coverage (share of good frames in which a pixel is from inside
    the field; elsewhere it is the template's), where the blocks lie, block_centre_y and block_centre_x,
    px, scan_offset, px, of odd lines, and the clip of the worst motion (`groundtrace.motion.clip`).

    movie, registered: (T, Y, X), read in chunks. frames: the table Frames of this plane. Images are (Y, X) float32 in
    detector units; both means leave out frames that do not show the
    tissue as it is.
    """
    template = registration.template
    light = ~unseen(frames)
    if not light.any():
        light = np.ones_like(light)
    correlation, mean = _correlate(registered, template, light)
    mean_before = _mean(movie, light)
    reasons = bad_reasons(registration, correlation, frames, min(template.shape))
    bad = reasons != ""
    shifts = _shifts_table(registration, correlation, reasons)
    moved = registration.shift
    y, x = moved.y[~bad], moved.x[~bad]
    length = np.hypot(y - np.median(y), x - np.median(x)) if len(y) else np.zeros(1)
    good = np.flatnonzero(~bad)
    sample = good[np.linspace(0, len(good), min(RAW_FRAMES, len(good)), endpoint=False, dtype=int)]
    before = _correlation_before(movie, template, sample)
    residual = residual_motion(movie, moved, ~bad)
    quality = pl.DataFrame(
        {
            "template_correlation_before": _summary(before, 50),
            "template_correlation": _summary(correlation[~bad], 50),
            "crispness_before": crispness(mean_before),
            "crispness": crispness(mean),
            "residual_motion": residual.motion,
            "residual_motion_95": residual.worst,
            "displacement": float(np.median(length)),
            "displacement_max": float(length.max()),
            "bad_frames": int(bad.sum()),
        },
        schema={name: pl.Float32 for name in _MEASURES} | {"bad_frames": pl.Int32},
    )
    images: dict[str, np.ndarray] = {"template": template, "mean": mean, "mean_before": mean_before}
    images["coverage"] = coverage(moved, sample, template.shape)
    blocks = {"block_centre_y": moved.blocks.y, "block_centre_x": moved.blocks.x}
    blocks["scan_offset"] = np.array(moved.blocks.scan_offset)
    return shifts, quality, images | blocks | motion_clip(movie, registered, moved.y, moved.x, bad)


def coverage(displacement: Displacement, frames: IntArray, shape: tuple[int, ...]) -> FloatArray:
    """Share (Y, X) of these frames in which the pixel was inside the field, as it was moved."""
    seen, inside, outside = np.zeros(shape, np.float32), np.ones((1, *shape), np.uint8), np.zeros(shape, np.uint8)
    for i in frames:
        seen += move_frames(inside, displacement[i : i + 1], outside)[0]
    return seen / max(len(frames), 1)


_MEASURES = (
    "template_correlation_before",
    "template_correlation",
    "crispness_before",
    "crispness",
    "residual_motion",
    "residual_motion_95",
    "displacement",
    "displacement_max",
)


def _summary(values: FloatArray, percentile: float) -> float | None:
    """Percentile of the finite values; None when there is none."""
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, percentile)) if len(finite) else None


def _chunks(movie: Movie) -> Iterator[tuple[slice, IntArray]]:
    size = max(1, CHUNK_BYTES // (movie[0].size * 4))
    for start in range(0, len(movie), size):
        part = slice(start, min(start + size, len(movie)))
        yield part, movie[part]


def _mean(movie: Movie, light: BoolArray) -> FloatArray:
    total = np.zeros(movie.shape[1:])
    for part, chunk in _chunks(movie):
        total += _lit(chunk, light[part]).sum(axis=0, dtype=_sum_type(chunk))
    return (total / light.sum()).astype(np.float32)


def _lit(chunk: IntArray, light: BoolArray) -> IntArray:
    return chunk if light.all() else chunk[light]


def _sum_type(chunk: IntArray) -> type[np.signedinteger]:
    """An integer that holds the sum of a chunk's frames; the smaller, the faster."""
    return np.int32 if chunk.itemsize <= 2 and len(chunk) < 2**15 else np.int64


def _correlate(registered: Movie, template: FloatArray, light: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Correlation of each frame with the template, and the mean of frames with light, in one pass."""
    correlation, total = np.zeros(len(registered)), np.zeros(template.shape)
    for part, chunk in _chunks(registered):
        correlation[part] = _pearson(chunk, template)
        total += _lit(chunk, light[part]).sum(axis=0, dtype=_sum_type(chunk))
    return correlation, (total / light.sum()).astype(np.float32)


def _correlation_before(movie: Movie, template: FloatArray, sample: IntArray) -> FloatArray:
    """(n,) correlation of some raw frames with the template."""
    correlation = np.zeros(len(sample))
    for number, frame in enumerate(sample):
        correlation[number] = _pearson(movie[frame : frame + 1], template)[0]
    return correlation


def _pearson(chunk: IntArray, template: FloatArray) -> FloatArray:
    """(n,) Pearson correlation of frames with the template; NaN for a constant frame."""
    level = np.float32(template.mean(dtype=np.float64))
    centred = template.astype(np.float64) - template.mean(dtype=np.float64)
    norm = np.sqrt((centred**2).sum())
    if not norm > 0:
        return np.full(len(chunk), np.nan)
    centred = (centred / norm).astype(np.float32).ravel()
    correlation = np.empty(len(chunk))
    for i, frame in enumerate(chunk):
        pixels = frame.astype(np.float32).ravel()
        pixels -= level
        rest = pixels.sum(dtype=np.float64) ** 2 / pixels.size
        power = float(np.einsum("i,i", pixels, pixels)) - rest
        product = float(np.einsum("i,i", pixels, centred))
        correlation[i] = product / np.sqrt(power) if power > 0 else np.nan
    return correlation.clip(-1, 1)


def crispness(image: FloatArray) -> float:
    """Norm of the gradient of an image over its mean."""
    rows, columns = np.gradient(image.astype(np.float64))
    mean = abs(image.mean(dtype=np.float64))
    return float(np.sqrt((rows**2 + columns**2).sum()) / mean) if mean > 0 else 0.0


def bad_reasons(found: Registration, correlation: FloatArray, frames: pl.DataFrame, side: int) -> np.ndarray:
    """Why each frame is bad, the first that holds of UNUSABLE (from `frames`), lost (as the backend says), jump,
    decorrelated; "" if good.

    side: shorter side of the field, px.
    """
    seen, moved = ~unseen(frames), found.shift
    segment = frames["segment"].to_numpy()
    lost = np.zeros(len(seen), bool) if found.lost is None else found.lost
    jump = np.zeros(len(seen), bool)
    away = np.hypot(*(v[seen] - _running_median(v[seen], JUMP_FRAMES, segment[seen]) for v in (moved.y, moved.x)))
    jump[seen] = away > JUMP * side
    decorrelated = np.zeros(len(seen), bool)
    known = seen & ~jump & np.isfinite(correlation)
    usual = _running_median(correlation[known], DECORRELATED_FRAMES, segment[known])
    drop = usual - correlation[known]
    scale = 1.4826 * np.median(np.abs(drop)) if known.any() else 0.0
    decorrelated[known] = (drop > DECORRELATED_SD * scale) & (correlation[known] < DECORRELATED_FRACTION * usual)
    decorrelated |= seen & ~np.isfinite(correlation)
    known_before = [frames[name].to_numpy() for name in UNUSABLE]
    return np.select([*known_before, lost, jump, decorrelated], [*UNUSABLE, "lost", "jump", "decorrelated"], "")


def _running_median(values: FloatArray, window: int, segment: IntArray) -> FloatArray:
    """Over `window` values, of one segment each."""
    parts = [part for part in np.split(values, np.flatnonzero(np.diff(segment)) + 1) if len(part)]
    return np.concatenate(
        [values[:0], *(median_filter(part, min(window, len(part)), mode="nearest") for part in parts)]
    )


def _known(values: FloatArray | None, frames: int) -> pl.Series:
    return pl.Series([None] * frames if values is None else values, dtype=pl.Float32)


def _shifts_table(registration: Registration, correlation: FloatArray, reasons: np.ndarray) -> pl.DataFrame:
    moved = registration.shift
    return pl.DataFrame(
        {
            "frame": np.arange(len(correlation), dtype=np.int32),
            "y": moved.y.astype(np.float32),
            "x": moved.x.astype(np.float32),
            "y_error": _known(registration.y_error, len(correlation)),
            "x_error": _known(registration.x_error, len(correlation)),
            "correlation": registration.correlation.astype(np.float32),
            "block_y": list_column(moved.block_y.astype(np.float32)),
            "block_x": list_column(moved.block_x.astype(np.float32)),
            **{name: pl.Series([None] * len(correlation), dtype=dtype) for name, dtype in AXIAL.items()},
            "template_correlation": pl.Series(correlation.astype(np.float32)).fill_nan(None),
            "bad": reasons != "",
            "reason": pl.Series(reasons.tolist(), dtype=pl.String),
        }
    )
