"""Whether raw frames lie where a prediction that has not seen them says: the one check that needs no truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import brentq
from scipy.stats import norm

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.movies.noise import NoiseModel
from groundtrace.sparse import sparse_rows

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Levels of the central intervals."""
RADIUS = 5.0
"""px, of the disks that stand for ROIs."""
DISKS = 400
"""Disks at random places."""
SCHEMA = {"what": pl.String, "level": pl.Float32, "coverage": pl.Float32, "error_share": pl.Float32, "values": pl.Int64}
MOST = 4.0
"""Largest share of the errors."""
PIXELS = 16_384
"""Most pixels, drawn at random."""
FRAMES = 200
"""Most frames, spread over those held out."""


@dataclass(frozen=True)
class Residuals:
    """What was measured less what was predicted, and variances to expect; each (n_frames, n_pixels or n_disks)."""

    value: FloatArray
    noise: FloatArray
    """Variance of the measurement."""
    deviation: FloatArray
    """Mean standard deviation of the prediction."""

    def error_share(self) -> float:
        """Variance of the prediction's errors over the square of their deviation: with it squares are 1 on average.

        1 for right deviations of errors that neighbouring pixels share, less for disks over which errors average out.
        Each value counts the same; a ratio of sums would be that of the few frames with the largest deviation.
        """
        squares, unsure = np.square(self.value), np.square(self.deviation)

        def surprise(share: float) -> float:
            return float((squares / (self.noise + share * unsure)).mean()) - 1

        if surprise(0) <= 0:
            return 0.0
        if surprise(MOST) >= 0:
            return MOST
        return float(brentq(surprise, 0, MOST, xtol=1e-4))  # pyright: ignore[reportArgumentType]

    def coverage(self, share: float) -> list[float]:
        """Share of the values inside the central interval of each of LEVELS."""
        away = np.abs(self.value) / np.sqrt(self.noise + share * np.square(self.deviation))
        return [float((away <= norm.ppf((1 + level) / 2)).mean()) for level in LEVELS]


def residuals(
    movie: Movie, denoised: Movie, deviation: Movie, frames: IntArray, noise: NoiseModel, mean: FloatArray
) -> tuple[Residuals, Residuals]:
    """Residuals of pixels, and of means over disks at random places; at most FRAMES of `frames`, spread over them."""
    frames = frames[np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).astype(int))]
    disks, noise_at_rest = _disks(mean, noise)
    some = np.sort(np.random.default_rng(0).choice(mean.size, min(PIXELS, mean.size), replace=False))
    rest = disks @ noise.variance(mean).ravel()
    pixels, means = [], []
    for k in frames:
        shown, unsure = denoised[k].astype(np.float64), deviation[k].astype(np.float64).ravel()
        away, variance = (movie[k] - shown).ravel(), noise.variance(shown).ravel()
        pixels.append((away[some], variance[some], unsure[some]))
        means.append((disks @ away, noise_at_rest * (disks @ variance) / rest, disks @ unsure))
    return _stacked(pixels), _stacked(means)


def _stacked(found: Sequence[tuple[FloatArray, ...]]) -> Residuals:
    return Residuals(*(np.stack(each) for each in zip(*found, strict=True)))


def _disks(mean: FloatArray, noise: NoiseModel) -> tuple[sparse.csr_array, FloatArray]:
    """Means over disks as rows of weights, and the variance of each where the movie has its mean brightness."""
    height, width = mean.shape
    reach = int(min(RADIUS, (min(height, width) - 1) // 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = np.hypot(y, x) <= reach
    y, x = y[inside], x[inside]
    random = np.random.default_rng(0)
    centres = random.integers(reach, height - reach, DISKS), random.integers(reach, width - reach, DISKS)
    weights = np.full(len(y), 1 / len(y))
    places = [(y + row, x + column) for row, column in zip(*centres, strict=True)]
    variances = np.array([noise.readout_variance(*place, weights, mean) for place in places])
    return sparse_rows([(rows * width + columns, weights) for rows, columns in places], mean.size), variances


def check(
    movie: Movie,
    denoised: Movie,
    deviation: Movie,
    held_out: Sequence[IntArray],
    noise: NoiseModel,
    mean: FloatArray,
) -> pl.DataFrame:
    """Table DenoisingCheck. held_out: frames for calibration and for testing, neither learnt from.

    The errors of a prediction are shared between pixels to an unknown degree, so how much of their deviation is left
    in a mean over a disk is measured in the frames for calibration.
    """
    rows = []
    if not all(map(len, held_out)):
        return pl.DataFrame([], schema=SCHEMA, orient="row")
    calibration, testing = (residuals(movie, denoised, deviation, part, noise, mean) for part in held_out)
    for what, learnt, tested in zip(("pixels", "disks"), calibration, testing, strict=True):
        share = 1.0 if what == "pixels" else learnt.error_share()
        rows += [
            (what, level, found, share, tested.value.size)
            for level, found in zip(LEVELS, tested.coverage(share), strict=True)
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
