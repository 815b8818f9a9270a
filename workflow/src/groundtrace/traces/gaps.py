"""Frames without a value."""

from dataclasses import dataclass

import numpy as np

from groundtrace.arrays import FloatArray, IntArray


def with_lines(traces: FloatArray) -> FloatArray:
    """Traces (n_rois, n_frames) with straight lines across frames without a value; rows without any stay so."""
    filled, frames = np.array(traces, np.float64), np.arange(traces.shape[1])
    for trace in filled:
        known = np.isfinite(trace)
        if known.any() and not known.all():
            trace[~known] = np.interp(frames[~known], frames[known], trace[known])
    return filled


@dataclass(frozen=True)
class Apart:
    """Frames with room between segments, so that a filter which is told that nothing was measured there forgets."""

    at: IntArray
    """(n_frames,) place of each frame."""

    @classmethod
    def of(cls, segment: IntArray, room: int) -> "Apart":
        """segment: (n_frames,) number of the stretch without a gap. room: frames at each border."""
        return cls(np.arange(len(segment)) + room * np.cumsum(np.diff(segment, prepend=segment[:1]) != 0))

    def spread(self, values: FloatArray) -> FloatArray:
        """Values (..., n_frames) with straight lines in the room between."""
        if self.at[-1] + 1 == values.shape[-1]:
            return values
        every = np.arange(self.at[-1] + 1)
        rows = values.reshape(-1, values.shape[-1])
        return np.stack([np.interp(every, self.at, row) for row in rows]).reshape(*values.shape[:-1], -1)
