"""Expected numbers of spikes in windows of time."""

from typing import NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray, IntArray

HALF = 1.6448536
"""Standard normal quantile of 0.95: the 90 % interval of a rate is ± so many standard deviations."""
GROWTH = 0.75
"""Power of a window's length that the error of its count grows with: 0.5 would be that of errors which come and go, 1
that of a cell which is misjudged all the time. Chosen on half the data sets of ground truth
(measurements/response_errors.py)."""


class Responses(NamedTuple):
    """Spikes in each window."""

    expected: FloatArray
    """(n_rois, n_windows) spikes; NaN where usable frames cover too little."""
    error: FloatArray | None
    """(n_rois, n_windows) spikes, standard error; None when nothing is known of it."""


def in_windows(
    rate: FloatArray,
    band: tuple[FloatArray, FloatArray] | None,
    spans: FloatArray,
    windows: FloatArray,
    coverage: float,
) -> Responses:
    """Integrate rates over windows, of all ROIs and windows at once.

    Parameters
    ----------
    rate : (n_rois, n_frames)
        Hz; NaN in frames that are not usable.
    band : two of (n_rois, n_frames), or None
        Ends of the 90 % interval of the number of spikes in the second around each frame.
    spans : (n_frames, 2)
        Stretch of time that each frame stands for, s (`frame_spans`).
    windows : (n_windows, 2)
        From and to, s.
    coverage : float
        Least share of a window that usable frames must cover.

    Returns
    -------
    Responses
        The error follows from the width of the interval of the count in a second, the mean of its square over the
        window, and grows with the length of the window to the power GROWTH.
    """
    usable = np.isfinite(rate)
    sums = _Sums.over(spans, windows)
    # Most often all ROIs have the same usable frames.
    kinds = usable[:1] if (usable == usable[:1]).all() else usable
    lasting = windows[:, 1] - windows[:, 0]
    share = sums(kinds) / lasting
    share[share < coverage - 1e-9] = np.nan
    expected = sums(np.where(usable, rate, 0)) / share
    if band is None:
        return Responses(expected, None)
    variance = ((band[1] - band[0]) / (2 * HALF)) ** 2
    known = np.isfinite(variance).any(axis=1, keepdims=True)
    in_a_second = sums(np.nan_to_num(variance)) / (share * lasting)
    return Responses(expected, np.where(known, np.sqrt(in_a_second) * lasting**GROWTH, np.nan))


def plane_delay(plane: int, planes: int, frame_rate: float) -> float:
    """How much later than the first plane a plane is imaged, s: planes are taken to share a volume evenly."""
    return plane / (planes * frame_rate)


def frame_spans(time: FloatArray, segment: IntArray, frame_rate: float) -> FloatArray:
    """(n_frames, 2) from and to of each frame, s: half a frame on either side, without gaps inside a segment."""
    middle, half = (time[1:] + time[:-1]) / 2, 0.5 / frame_rate
    border = np.diff(segment) != 0
    start = np.concatenate([time[:1] - half, np.where(border, time[1:] - half, middle)])
    stop = np.concatenate([np.where(border, time[:-1] + half, middle), time[-1:] + half])
    return np.column_stack([start, stop])


class _Sums(NamedTuple):
    """Where windows begin and end among the frames, for integrals of any value per frame."""

    lasting: FloatArray
    frame: IntArray
    part: FloatArray

    @classmethod
    def over(cls, spans: FloatArray, windows: FloatArray) -> "_Sums":
        lasting = spans[:, 1] - spans[:, 0]
        # The first frame that ends after each border, and how much of it lies before.
        frame = np.minimum(np.searchsorted(spans[:, 1], windows, side="right"), len(spans) - 1)
        part = np.clip(windows - spans[frame, 0], 0, lasting[frame])
        return cls(lasting, frame, part)

    def __call__(self, values: FloatArray) -> FloatArray:
        """(n_rois, n_windows) integral over each window of values (n_rois, n_frames)."""
        whole = np.cumsum(values * self.lasting, axis=1)
        left = self.lasting[self.frame] - self.part
        first, last = (whole[:, at] - values[:, at] * after for at, after in zip(self.frame.T, left.T, strict=True))
        return last - first
