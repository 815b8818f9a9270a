"""Frames with light that is not the tissue's, and frames of which a part has none: told from bands of rows.

A field is scanned row by row, so a flash of a few milliseconds lights some rows of a frame, and a shutter darkens some.
"""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray

BANDS = 32
"""Bands of rows, and blocks of each."""
USUAL = 101
"""Frames over which the usual brightness of a band is a running median."""
NEAR = 3
"""Bands to either side, whose tissue may move into a band."""
FLASH, FAINT = 0.5, 0.1
"""Rise of the darker half of a band, over the light of the brightest band near it, from which it is a flash; and from
which a frame beside one has a part of it."""
GONE = 0.25
"""A flash leaves less than this share of its light in the next frame: activity fades slowly."""
DARK = 0.2
"""A band with less than this share of the light of the darkest band near it shows no tissue."""
CLEAR = 8.0
"""Standard deviations of a band's usual changes."""
MOSTLY = 0.5
"""Share of saturated pixels from which a frame shows nothing, where most frames have fewer."""


@dataclass(frozen=True)
class Bands:
    """Brightness of bands of rows in every frame, each (n_frames, n_bands), detector units."""

    low: FloatArray
    """Mean of the darker half of the band's blocks: what is active in cells does not show."""
    mean: FloatArray


def edges_of(length: int) -> IntArray:
    """First pixels of the bands, or blocks, of a side of `length` px."""
    return np.unique(np.linspace(0, length, min(BANDS, length), endpoint=False).astype(int))


def bands_of(frames: FloatArray) -> tuple[Bands, FloatArray]:
    """Bands of frames (n, height, width), and the mean of each frame."""
    rows, columns = (edges_of(length) for length in frames.shape[1:])
    blocks = np.add.reduceat(np.add.reduceat(frames, rows, axis=1), columns, axis=2)
    sizes = np.outer(
        *(np.diff([*edges, length]) for edges, length in zip((rows, columns), frames.shape[1:], strict=True))
    )
    mean = blocks.sum(axis=2) / sizes.sum(axis=1)
    half = max(1, len(columns) // 2)
    low = np.partition(blocks / sizes, half - 1, axis=2)[:, :, :half].mean(axis=2)
    return Bands(low, mean), blocks.sum(axis=(1, 2)) / sizes.sum()


def flashed(bands: Bands, dark: float, saturated: FloatArray) -> BoolArray:
    """(n_frames,) whether rows are far brighter than the tissue near them, for a moment, or most pixels are saturated.

    dark: detector units without light. saturated: (n_frames,) share of saturated pixels.
    """
    from scipy.ndimage import maximum_filter1d

    usual = _usual(bands.low)
    rise, near = bands.low - usual, maximum_filter1d(usual, 2 * NEAR + 1, axis=1)
    clear, light = rise > CLEAR * _spread(rise), np.maximum(near - dark, 1e-6)
    lit = clear & (bands.low - near > FLASH * light)
    found = np.zeros(len(rise), bool)
    for band in np.flatnonzero(lit.any(axis=0)):
        found |= _brief(lit[:, band], rise[:, band])
    beside = np.convolve(found, np.ones(3), "same")[: len(found)] > 0
    found |= beside & (clear & (rise > FAINT * light)).any(axis=1)
    return found | ((saturated > MOSTLY) & (np.median(saturated) < MOSTLY / 2))


def partly_dark(bands: Bands, dark: float) -> BoolArray:
    """(n_frames,) whether rows have no light where there usually is some."""
    from scipy.ndimage import minimum_filter1d

    usual = _usual(bands.mean)
    light = minimum_filter1d(usual, 2 * NEAR + 1, axis=1) - dark
    fall = usual - bands.mean
    dimmed = (bands.mean - dark < DARK * light) & (fall > CLEAR * _spread(fall))
    return np.logical_or.reduce(dimmed, axis=1)


def _usual(values: FloatArray) -> FloatArray:
    from scipy.ndimage import median_filter

    width = min(USUAL, len(values) // 2 * 2 - 1) if len(values) > 2 else 1
    return np.stack([median_filter(column, width, mode="mirror") for column in values.T], axis=1)


def _spread(changes: FloatArray) -> FloatArray:
    return 1.4826 * np.median(np.abs(changes), axis=0)


def _brief(lit: BoolArray, rise: FloatArray) -> BoolArray:
    """Runs of lit frames (n,) that begin and end from one frame to the next."""
    found = np.zeros(len(lit), bool)
    for first, after in np.flatnonzero(np.diff(np.concatenate([[False], lit, [False]]).astype(np.int8))).reshape(-1, 2):
        begins = first == 0 or rise[first - 1] < GONE * rise[first]
        ends = after == len(lit) or rise[after] < GONE * rise[after - 1]
        found[first:after] = begins and ends
    return found
