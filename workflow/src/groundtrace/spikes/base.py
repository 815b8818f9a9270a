"""What every spike inference backend promises."""

from abc import abstractmethod
from dataclasses import dataclass

from groundtrace.arrays import FloatArray
from groundtrace.indicators import Indicator
from groundtrace.section import Backend


@dataclass(frozen=True)
class SpikeRates:
    """Spike rates on the frame grid: rate[:, t] belongs to the time of frame t."""

    rate: FloatArray
    """(n_rois, n_frames) Hz; NaN rows where a trace could not be used."""
    decay_time: FloatArray
    """(n_rois,) s, as used."""
    explained_variance: FloatArray
    """(n_rois,) of dF/F by the backend's calcium trace."""
    low: FloatArray | None = None
    """(n_rois, n_frames) Hz, lower end of the predictive interval; None when the backend has none."""
    high: FloatArray | None = None
    """(n_rois, n_frames) Hz, upper end."""


class SpikeBackend(Backend):
    """Infers spike rates from dF/F; each ROI independently of the others."""

    @abstractmethod
    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        """dff: (n_rois, n_frames), fraction. frame_rate: Hz. indicator: None when unknown; some backends need it."""
