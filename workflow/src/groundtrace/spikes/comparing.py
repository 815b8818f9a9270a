"""Predicted rates against true spikes: what training and benchmarks measure alike."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.spikes.counts import WINDOW


def smoothing(frame_rate: float) -> float:
    """Standard deviation, s, of the Gaussian that prediction and truth are smoothed with: about one frame.

    0.025 s from 30 Hz on, 0.05 s from 15 Hz on, 0.2 s below (those of the models of Rupprecht et al. 2021 and after).
    """
    return 0.025 if frame_rate >= 30 else 0.05 if frame_rate >= 15 else 0.2


def smooth(rate: FloatArray, frame_rate: float) -> FloatArray:
    """`rate` (n_frames,) smoothed; ends are reflected, so the sum is kept."""
    return gaussian_filter1d(np.asarray(rate, np.float64), smoothing(frame_rate) * frame_rate)


def correlation(p: FloatArray, g: FloatArray) -> float:
    """Pearson r; 0 where the prediction is constant (it says nothing), NaN where the truth is."""
    p, g = p - p.mean(), g - g.mean()
    scale = np.sqrt((p @ p) * (g @ g))
    if not g.any() or not np.isfinite(scale):
        return float("nan")
    return float(np.clip(p @ g / scale, -1, 1)) if scale > 0 else 0.0


def count_windows(time: FloatArray, frame_rate: float, spike_time: FloatArray) -> tuple[IntArray, FloatArray]:
    """Frames nearest to the centres of consecutive stretches of WINDOW, and the spikes within half of it around each.

    time: (n_frames,) s, an even grid. Stretches that reach beyond the recording are left out.
    """
    start, stop = time[0] - 0.5 / frame_rate, time[-1] + 0.5 / frame_rate
    centres = start + WINDOW * (np.arange(int((stop - start) / WINDOW + 1e-6)) + 0.5)
    frames = np.clip(np.floor((centres - start) * frame_rate).astype(np.int64), 0, len(time) - 1)
    before, after = np.searchsorted(spike_time, [time[frames] - WINDOW / 2, time[frames] + WINDOW / 2])
    return frames, (after - before).astype(np.float64)


def mean_over_window(rate: FloatArray, frame_rate: float) -> FloatArray:
    """Expected spikes in the second around each frame (n_frames,); at the ends, from the part that was recorded."""
    half = round(frame_rate / 2)
    summed = np.concatenate([[0.0], np.cumsum(rate, dtype=np.float64)])
    frame = np.arange(len(rate))
    last, first = np.minimum(frame + half + 1, len(rate)), np.maximum(frame - half, 0)
    return WINDOW * (summed[last] - summed[first]) / (last - first)
