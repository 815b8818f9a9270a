"""Is a simulated recording like a real one? Eight statistics of a plane, measured alike on both, and their comparison.

Each statistic is one value or a few points of a curve. What counts as real is what the real recordings of the sheet
span, over their quarters or the quartiles of their cells. A simulated statistic passes when all its judged points lie
within.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter
from scipy.signal import welch
from scipy.stats import theilslopes

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import InputError
from groundtrace.tables import Series, Table, column, stack

QUARTERS = 4
PAIRS = 600
"""Pairs of frames that noise is measured on, at most; the calmest ones."""
BINS = 24
"""Groups of pixels of equal mean along the variance-mean line."""
LAGS = (1, 2, 3)
"""px."""
PATCH = 4
"""px; side of the patches whose time courses are correlated."""
PATCHES = 1024
"""Patches at most, evenly spaced over the field."""
PATCH_STEP = 0.2
"""s; frames are averaged to it before patches are correlated."""
DISTANCES = (5.0, 8.0, 15.0, 25.0, 40.0)
"""px; edges of the bins of distance between patches, the last one open."""
SCALES = (1.0, 2.0, 4.0, 8.0)
"""px; contrast of the mean image between a Gaussian of this standard deviation and one twice as wide."""
BANDS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Hz; edges of the bands of the traces' power."""
INFORMATION = ("slope", "5 %", "95 %")
"""Points that are not judged: a slope is the detector's own unit, tails of few cells are chance."""
PUBLISHED_SKEW = (1.1, 9.3)
"""5th and 95th percentile of the skewness of the cells that Suite2p's classifier was trained on (labelled by hand)."""


class Realism(Table, key=("session", "plane", "statistic", "point")):
    """One row per plane, statistic and point."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    simulated: Series[bool] = column("", "the recording is simulated")
    statistic: Series[str] = column("", "which of the eight")
    point: Series[str] = column("", "where on its curve")
    value: Series[pl.Float32] = column("", "of the whole recording; its unit is that of the statistic", nullable=True)
    low: Series[pl.Float32] = column("", "smallest quarter, or lower quartile over ROIs", nullable=True)
    high: Series[pl.Float32] = column("", "largest quarter, or upper quartile over ROIs", nullable=True)
    judged: Series[bool] = column("", "has to lie within the real range; the others are for information")


@dataclass(frozen=True)
class Statistic:
    name: str
    label: str
    meaning: str


STATISTICS = (
    Statistic("noise_level", "noise level ν", "median over cells of dF/F's noise, % Hz^-1/2"),
    Statistic(
        "variance_mean", "variance-mean line", "relative distance of the noise variance from a line in the mean light"
    ),
    Statistic("noise_correlation", "noise correlation", "of the noise of pixels 1 to 3 px apart along x and y"),
    Statistic("patch_correlation", "patch correlation", "of the time courses of patches of 4 px, by their distance"),
    Statistic("roi_skew", "ROI skew", "median over cells of the skewness of the corrected fluorescence"),
    Statistic("spectrum", "trace spectrum", "share of dF/F's power in each band of frequency, median over cells"),
    Statistic("neuropil_correlation", "F-Fneu correlation", "median over cells of Pearson r of F with its neuropil"),
    Statistic("contrast", "image contrast", "standard deviation over mean of the mean image, by scale"),
)


def measure(
    raw: Movie, registered: Movie, shifts: pl.DataFrame, rois: pl.DataFrame, traces: pl.DataFrame, frame_rate: float,
    offset: float,
) -> pl.DataFrame:  # fmt: skip
    """All statistics of one plane: columns statistic to judged of the table Realism.

    raw, registered: (T, Y, X); offset: detector units at zero photons.
    """
    good = ~shifts["bad"].to_numpy()
    cells = traces.filter("accepted")
    pairs = calm_pairs(shifts.select("y", "x").to_numpy(), good)
    frames = np.flatnonzero(good)
    spans = [*np.array_split(frames, QUARTERS), frames]
    noise = [noise_moments(raw, part) for part in (*np.array_split(pairs, QUARTERS), pairs)]
    patches = [patch_correlation(registered, span, frame_rate) for span in spans]
    images = [image_contrast(mean_image(registered, span) - offset) for span in spans]
    shares = band_shares(stack(cells["dff"]), frame_rate)
    rows = [
        *over_rois("noise_level", cells["noise_level"].to_numpy()),
        *over_parts("variance_mean", ["residual", "slope"], [variance_line(*part[:2]) for part in noise]),
        *over_parts("noise_correlation", [f"{axis}{lag}" for axis in "yx" for lag in LAGS], [p[2] for p in noise]),
        *over_parts("patch_correlation", _between(DISTANCES, "px", last_open=True), patches),
        *over_rois("roi_skew", rois.filter("accepted")["skew"].to_numpy()),
        *(row for k, name in enumerate(_between(BANDS, "Hz")) for row in over_rois("spectrum", shares[:, k], name)),
        *over_rois("neuropil_correlation", row_correlation(stack(cells["fluorescence"]), stack(cells["neuropil"]))),
        *over_parts("contrast", [f"{scale:g} px" for scale in SCALES], images),
    ]
    schema = {"statistic": pl.String, "point": pl.String, "value": pl.Float32, "low": pl.Float32, "high": pl.Float32}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("value", "low", "high").fill_nan(None))
    return frame.with_columns(judged=~pl.col("point").is_in(INFORMATION))


def _between(edges: tuple[float, ...], unit: str, *, last_open: bool = False) -> list[str]:
    names = [f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)]
    return [*names, f"over {edges[-1]:g} {unit}"] if last_open else names


Row = tuple[str, str, float, float, float]


def over_parts(statistic: str, points: list[str], parts: list) -> Iterator[Row]:
    """Rows of a statistic measured on parts of the recording and, last, on all of it: (parts, points)."""
    values = np.array(parts, float)
    for k, point in enumerate(points):
        own = values[:-1, k][np.isfinite(values[:-1, k])]
        low, high = (own.min(), own.max()) if own.size else (np.nan, np.nan)
        yield statistic, point, float(values[-1, k]), float(low), float(high)


def over_rois(statistic: str, values: FloatArray, point: str = "") -> Iterator[Row]:
    """Median and quartiles over ROIs; without the name of a point also the tails, for information."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    found = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist() if values.size else [np.nan] * 5
    yield statistic, point or "median", found[2], found[1], found[3]
    if not point:
        yield statistic, "5 %", found[0], np.nan, np.nan
        yield statistic, "95 %", found[4], np.nan, np.nan


def calm_pairs(shifts: FloatArray, good: BoolArray) -> IntArray:
    """First frames of pairs of good neighbouring frames between which the tissue moved least, half of them: (n,)."""
    step = np.hypot(*np.diff(shifts, axis=0).T)
    pairs = np.flatnonzero(good[:-1] & good[1:])
    calm = pairs[step[pairs] <= np.median(step[pairs])] if len(pairs) else pairs
    return calm[np.linspace(0, len(calm) - 1, min(PAIRS, len(calm))).astype(int)]


def noise_moments(movie: Movie | FloatArray, pairs: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and noise variance of each pixel, (Y, X), and correlation of the noise at LAGS along y, then along x.

    Half the squared difference of consecutive frames holds the noise and nothing slow.
    """
    mean, variance = (np.zeros(movie.shape[1:]) for _ in range(2))
    products, squares = np.zeros((2, len(LAGS))), np.zeros((2, len(LAGS)))
    for pair in pairs:
        first, second = (movie[frame].astype(np.float32) for frame in (pair, pair + 1))
        difference = second - first
        difference -= difference.mean()
        mean += (first + second) / 2
        variance += difference**2 / 2
        for axis in (0, 1):
            across = difference.swapaxes(0, axis)
            for k, lag in enumerate(LAGS):
                here, there = across[:-lag], across[lag:]
                products[axis, k] += np.vdot(here, there)
                squares[axis, k] += np.sqrt(np.vdot(here, here) * np.vdot(there, there))
    count = max(len(pairs), 1)
    return mean / count, variance / count, (products / np.maximum(squares, 1e-30)).ravel()


def variance_line(mean: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Median relative distance of the noise variance of pixels of equal mean from a straight line in the mean; the
    slope of that line, detector units per photon."""
    bins = np.array_split(np.argsort(mean, axis=None), BINS)
    x = np.array([mean.ravel()[part].mean() for part in bins])
    y = np.array([np.median(variance.ravel()[part]) for part in bins])
    slope, intercept = (float(part) for part in theilslopes(y, x)[:2])  # pyright: ignore
    residual = np.median(np.abs(y / np.maximum(slope * x + intercept, 1e-30) - 1))
    return float(residual), slope


def patch_correlation(movie: Movie | FloatArray, frames: IntArray, frame_rate: float) -> FloatArray:
    """Mean Pearson r of the time courses of patches, by the distance of their centres (DISTANCES): (bins,)."""
    height, width = (length // PATCH for length in movie.shape[1:])
    bins = np.array_split(frames, max(1, round(len(frames) / frame_rate / PATCH_STEP)))
    chosen = np.linspace(0, height * width - 1, min(PATCHES, height * width)).astype(int)
    courses = np.empty((len(bins), len(chosen)))
    for k, part in enumerate(bins):
        scene = movie[part, : height * PATCH, : width * PATCH].astype(np.float32).mean(axis=0)
        courses[k] = scene.reshape(height, PATCH, width, PATCH).mean(axis=(1, 3)).ravel()[chosen]
    if len(bins) < 3:
        return np.full(len(DISTANCES), np.nan)
    y, x = np.divmod(chosen, width)
    distance = PATCH * np.hypot(y[:, None] - y, x[:, None] - x)[np.triu_indices(len(chosen), 1)]
    centered = courses - courses.mean(axis=0)
    centered /= np.maximum(np.sqrt((centered**2).sum(axis=0)), 1e-30)
    r = (centered.T @ centered)[np.triu_indices(len(chosen), 1)]
    where = np.digitize(distance, DISTANCES, right=True) - 1
    return np.array([r[where == k].mean() if (where == k).any() else np.nan for k in range(len(DISTANCES))])


def mean_image(movie: Movie, frames: IntArray) -> FloatArray:
    """Mean over some frames: (Y, X)."""
    total = np.zeros(movie.shape[1:])
    for part in np.array_split(frames, max(1, len(frames) // 100)):
        total += movie[part].astype(np.float32).sum(axis=0)
    return total / max(len(frames), 1)


def image_contrast(image: FloatArray) -> FloatArray:
    """Standard deviation over mean of an image (offset removed) between scales s and 2 s, for SCALES: (scales,)."""
    bands = [gaussian_filter(image, scale) - gaussian_filter(image, 2 * scale) for scale in SCALES]
    return np.array([band.std() for band in bands]) / image.mean()


def band_shares(dff: FloatArray, frame_rate: float) -> FloatArray:
    """Share of each trace's power in BANDS, of that in all of them: (n_rois, bands).

    No rows without traces, or where the frame rate is too low for the highest band.
    """
    if not dff.size or frame_rate < 2 * BANDS[-1]:
        return np.zeros((0, len(BANDS) - 1))
    frequency, power = welch(dff, frame_rate, nperseg=min(dff.shape[1], round(frame_rate / BANDS[0] * 2)))
    inside = [(frequency >= low) & (frequency < high) for low, high in pairwise(BANDS)]
    parts = np.stack([power[:, band].sum(axis=1) for band in inside], axis=1)
    return parts / parts.sum(axis=1, keepdims=True)


def row_correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Pearson r of each row of one array with that of the other: (n_rows,)."""
    if not first.size:
        return np.zeros(0)
    a, b = (rows - rows.mean(axis=1, keepdims=True, dtype=np.float64) for rows in (first, second))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def judge(table: pl.DataFrame) -> pl.DataFrame:
    """Each point of the simulated planes against the range of the real ones.

    table: Realism. Returns its simulated rows with real_low, real_high, misfit (distance from the range, in widths of
    the range; 0 inside) and inside. Raises InputError without a real recording.
    """
    real = table.filter(~pl.col("simulated"))
    if real.is_empty():
        raise InputError(
            "realism: no real recording in the sample sheet; add rows with a path, which simulated sessions are "
            "compared with"
        )
    span = real.group_by("statistic", "point").agg(
        pl.min_horizontal("value", "low").min().alias("real_low"),
        pl.max_horizontal("value", "high").max().alias("real_high"),
    )
    # A line straighter than the real ones is no fault; of the skew, more is known than a few recordings tell.
    known = pl.DataFrame(
        {"statistic": ["variance_mean", "roi_skew"], "point": ["residual", "median"], "least": [0.0, PUBLISHED_SKEW[0]]}
        | {"most": [0.0, PUBLISHED_SKEW[1]]}
    )
    span = span.join(known, on=["statistic", "point"], how="left").select(
        "statistic", "point", pl.min_horizontal("real_low", "least"), pl.max_horizontal("real_high", "most")
    )
    found = table.filter("simulated").join(span, on=["statistic", "point"], how="left", maintain_order="left")
    width = pl.max_horizontal(pl.col("real_high") - pl.col("real_low"), pl.lit(1e-6))
    beyond = pl.max_horizontal(pl.col("real_low") - pl.col("value"), pl.col("value") - pl.col("real_high"), pl.lit(0.0))
    return found.with_columns(misfit=beyond / width).with_columns(inside=pl.col("misfit") == 0)


def verdicts(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per simulated plane and statistic: the largest misfit of its judged points, and whether all are inside.

    A statistic that could not be measured has no verdict.
    """
    return (
        judged.filter("judged")
        .group_by("session", "plane", "statistic", maintain_order=True)
        .agg(
            pl.col("misfit").max(),
            pl.when(pl.col("value").is_null().any()).then(None).otherwise(pl.col("inside").all()).alias("inside"),
        )
    )
