"""Are transients as long as those of the indicator in the sheet? If not, a label is wrong or the neurons are others.

The accuracy that was measured with right labels is then promised with less certainty.
"""

import warnings

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.indicators import Indicator
from groundtrace.spikes.base import ExpectedCorrelation
from groundtrace.traces.gaps import with_lines
from groundtrace.traces.noise import noise_sd

CLEAR = 3.5
"""Standard deviations of the noise of a frame that a transient, smoothed over SMOOTHED frames, stands out by."""
SMOOTHED, LONGEST = 1.0, 200
"""Frames: of the smoothing; in which a transient has fallen to half."""
FEWEST, MOST = 3, 200
"""Transients of a ROI that are needed, and averaged."""
FEWEST_ROIS, EXAMINED = 2, 200
"""ROIs that tell the length of transients of a recording, and are looked at."""
UNLIKE = (0.3, 4.0)
"""Half-decay over that of one spike of the indicator, below and above which neurons are unlike those that accuracy was
measured on: bursts of right labels make it up to 4 times as long."""
DOUBTFUL = (0.3, 3.0)
"""Ratios beyond which the interval is wider: a wrong label is as likely as bursts."""
SMALL = 2.7
"""Spikes, by the indicator's amplitude, that the largest transients stand for at least: few recordings have smaller."""
LARGEST, BRIEF = 99.9, 0.05
"""Percentile of a trace that is its largest transients, and s over which it is smoothed for that."""
WIDER, WIDER_BY_SIZE, WIDEST = 0.7, 0.5, 0.8
"""It reaches further down, in Fisher's z, per unit of the logarithm of the ratio beyond DOUBTFUL, or of the size below
SMALL, and at most; the expected correlation by half as much. Measured with wrong indicators and frame rates:
measurements/mislabels.py."""


def half_decay(dff: FloatArray, frame_rate: float) -> FloatArray:
    """(n_rois,) s in which the mean large transient falls to half; NaN where a trace has too few.

    dff: (n_rois, n_frames); NaN are gaps.
    """
    return np.array([_half_decay(trace) for trace in with_lines(dff)], float) / frame_rate


def _half_decay(trace: FloatArray) -> float:
    """Frames."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    if not np.isfinite(trace).all() or len(trace) < LONGEST or not (sd := noise_sd(trace)[0]) > 0:
        return np.nan
    smooth = gaussian_filter1d((trace - np.median(trace)) / sd, SMOOTHED)
    peaks, _ = find_peaks(smooth, height=CLEAR, prominence=CLEAR)
    if len(peaks) < FEWEST:
        return np.nan
    largest = peaks[np.argsort(-smooth[peaks], kind="stable")[:MOST]]
    padded = np.concatenate([smooth, np.full(LONGEST, np.nan)])
    mean = np.nanmean(padded[largest[:, None] + np.arange(LONGEST)], axis=0) - np.median(smooth)
    below = np.flatnonzero(mean < mean[0] / 2)
    if not len(below):
        return np.nan
    before, after = mean[below[0] - 1], mean[below[0]]
    return float(below[0] - 1 + (before - mean[0] / 2) / (before - after))


def largest(dff: FloatArray, frame_rate: float) -> FloatArray:
    """(n_rois,) dF/F of the largest transients above the median; NaN without values. dff: (n_rois, n_frames)."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(with_lines(dff), max(BRIEF * frame_rate, 0.5), axis=1)
    return np.percentile(smooth, LARGEST, axis=1) - np.median(smooth, axis=1) if dff.size else np.zeros(len(dff))


def size_in_spikes(found: FloatArray, indicator: Indicator | None) -> float:
    """Median of the largest transients (n_rois,) over that of one spike of the indicator; NaN where it is not known."""
    known = found[np.isfinite(found)]
    return np.nan if indicator is None or len(known) < FEWEST_ROIS else float(np.median(known)) / indicator.amplitude


def ratio_to(found: FloatArray, indicator: Indicator | None) -> float:
    """Median half-decay (n_rois,), s, over that of one spike of the indicator; NaN where either is not known."""
    known = found[np.isfinite(found)]
    if indicator is None or len(known) < FEWEST_ROIS:
        return np.nan
    return float(np.median(known)) / (np.log(2) * indicator.decay_time)


def widened(expected: ExpectedCorrelation, ratio: float, size: float) -> ExpectedCorrelation:
    """What may be expected of a recording whose transients last `ratio` times as long as they should.

    size: of the largest ones, in spikes. NaN is not known.
    """
    low, high = DOUBTFUL
    beyond = max(np.log(ratio / high), np.log(low / ratio), 0) if np.isfinite(ratio) else 0.0
    short = max(np.log(SMALL / max(size, 1e-3)), 0) if np.isfinite(size) else 0.0
    by = min(max(WIDER * beyond, WIDER_BY_SIZE * short), WIDEST)
    if not by:
        return expected

    def less(values: FloatArray, part: float) -> FloatArray:
        return np.tanh(np.arctanh(values) - part)

    return ExpectedCorrelation(less(expected.value, by / 2), less(expected.low, by), expected.high)


def say_unlike(ratio: float, size: float, indicator: Indicator | None) -> None:
    """Warn where transients are unlike those of the indicator."""
    if indicator is not None and size < 1:
        warnings.warn(
            f"dff: the largest transients are {size:.2g} of what one spike of {indicator.name} makes: check the "
            "indicator, and that dff is a fraction. The expected correlation is lowered",
            stacklevel=3,
        )
    if indicator is not None and not UNLIKE[0] <= ratio <= UNLIKE[1] and np.isfinite(ratio):
        warnings.warn(
            f"dff: transients fall to half in {ratio:.2g} times the time that one spike of {indicator.name} takes: "
            "check indicator and frame_rate; if both are right, these are not like the neurons that accuracy was "
            "measured on. The expected correlation is lowered",
            stacklevel=3,
        )
