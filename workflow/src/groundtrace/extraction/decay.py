"""How fast a movie's activity decays, told from the movie alone."""

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, maximum_filter

from groundtrace.arrays import FloatArray, IntArray, Movie

CHUNK = 256
"""Frames read at a time."""
SAMPLED, PLACES, BOX, LONGEST = 100, 120, 2, 2000
"""Frames that tell where a movie varies; its decay is measured at so many places, squares of 2 BOX + 1 px, in so many
frames at most."""


def activity_decay(movie: Movie, good: IntArray, mean: FloatArray, variance: FloatArray) -> float:
    """Frames in which the autocorrelation of the movie's activity falls to 1/e, at the places that vary most.

    Lag 0 holds the noise and is not used.
    """
    first = good[: min(len(good), LONGEST)]
    sample = first[:: max(1, len(first) // SAMPLED)]
    frames = movie[sample].astype(np.float32)
    spread = gaussian_filter(frames.std(axis=0) ** 2 - variance, 1.5) / np.maximum(variance, 1e-9)
    peaks = np.argwhere(spread == maximum_filter(spread, 9))
    peaks = peaks[np.argsort(-spread[tuple(peaks.T)], kind="stable")][:PLACES]
    traces = np.empty((len(peaks), len(first)), np.float32)
    offsets = np.mgrid[-BOX : BOX + 1, -BOX : BOX + 1].reshape(2, 1, -1)
    boxes = np.clip(peaks.T[:, :, None] + offsets, 0, np.array(movie.shape[1:])[:, None, None] - 1)
    flat = boxes[0] * movie.shape[2] + boxes[1]
    for start in range(0, len(first), CHUNK):
        block = movie[first[start : start + CHUNK]]
        traces[:, start : start + CHUNK] = block.reshape(len(block), -1).take(flat, axis=1).mean(axis=2).T
    common = np.median(traces / np.maximum(np.abs(traces).mean(axis=1, keepdims=True), 1e-9), axis=0)
    traces -= common * traces.mean(axis=1, keepdims=True)
    return _decay(traces) if len(traces) else 1.0


def _decay(traces: FloatArray) -> float:
    """Median decay, frames, of traces (n, T); each counts by its share of variance beyond noise and by its events."""
    length = traces.shape[1]
    traces = traces - _slow(traces, length / 10)
    longest = max(3, min(length // 4, 300))
    power = np.abs(np.fft.rfft(traces, 2 * length)) ** 2
    lags = np.fft.irfft(power)[:, :longest] / (length - np.arange(longest))
    scale = np.median(np.abs(np.diff(traces)), axis=1, keepdims=True) / 0.954
    events = (traces - np.median(traces, axis=1, keepdims=True) > 4 * np.maximum(scale, 1e-9)).sum(axis=1)
    active = (lags[:, 0] > 0) & (lags[:, 1] > 0.05 * lags[:, 0]) & (events > 0)
    if not active.any():
        return 1.0
    lags, events = lags[active], events[active]
    found = [_crossing(lag[1:] / lag[1]) for lag in lags]
    decays = np.array([max(1.0, at or longest) for at in found])
    weights = np.sqrt(events) * [lag[1] / lag[0] if at else 0.1 for lag, at in zip(lags, found, strict=True)]
    order = np.argsort(decays, kind="stable")
    total = np.cumsum(weights[order])
    return float(decays[order][np.searchsorted(total, total[-1] / 2)])


def _crossing(falling: FloatArray) -> float | None:
    """Lag at which a curve that is 1 at lag 1 first falls to 1/e; None when it does not."""
    below = np.flatnonzero(falling < 1 / np.e)
    if not len(below):
        return None
    before, after = falling[below[0] - 1], falling[below[0]]
    return float(below[0] + (before - 1 / np.e) / (before - after))


def _slow(traces: FloatArray, sigma: float) -> FloatArray:
    """Traces (n, T) smoothed by a Gaussian, frames, and mirrored at their ends; by cosines, as it is a wide one."""
    kept = np.exp(-((np.pi * sigma * np.arange(traces.shape[1]) / traces.shape[1]) ** 2) / 2)
    return fft.idct(fft.dct(traces, norm="ortho") * kept, norm="ortho")  # pyright: ignore
