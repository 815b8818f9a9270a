"""What every spike inference backend promises."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from groundtrace.acquisition import CellClass
from groundtrace.arrays import FloatArray
from groundtrace.indicators import Indicator
from groundtrace.section import Backend
from groundtrace.spikes.counts import CountDistribution

UNLIKE = 1.0
"""Median distance of traces, over that of 95 of 100 as long, from which a recording is said to be unlike others."""


@dataclass(frozen=True)
class ExpectedCorrelation:
    """Pearson r with the true rate that ground truth leads one to expect, and its 90 % interval; each (n_rois,)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class MeanRateInterval:
    """90 % interval of the true mean rate over the recording, Hz; each (n_rois,)."""

    low: FloatArray
    high: FloatArray


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
    counts: CountDistribution | None = None
    """(n_rois, n_frames) spikes in the second around each frame; None when the backend has none or was not asked."""
    expected: ExpectedCorrelation | None = None
    """None when nothing is known of the backend's accuracy."""
    mean_rate: MeanRateInterval | None = None
    """None when the backend has none."""
    unlike: FloatArray | None = None
    """(n_rois,) how far a trace is from those that accuracy was measured on; 95 of 100 new ones as long are below 1.
    None when nothing is known of it."""


class SpikeBackend(Backend):
    """Infers spike rates from dF/F; each ROI independently of the others."""

    @abstractmethod
    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        """dff: (n_rois, n_frames), fraction. frame_rate: Hz. indicator: None when unknown; some backends need it."""

    def run_with_counts(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        """Run as `run` does; backends that predict a distribution of spike counts return it too."""
        return self.run(dff, frame_rate, indicator)

    def without(self, dataset: str) -> Self:
        """The same backend without knowledge of a ground-truth data set; itself when it learnt from none."""
        return self

    def knowing(self, cell_class: CellClass | None) -> Self:
        """The same backend, told the class of the cells; itself where that changes nothing."""
        return self

    def unit(self, indicator: Indicator | None) -> Literal["Hz", "a.u."]:
        """Unit of its rates: a.u. where it is known that their scale is not to be trusted, only their course."""
        return "Hz"

    @property
    def reads_denoised(self) -> bool:
        """Whether it is given the denoised dF/F instead of the measured one, in a recipe that denoises."""
        return False

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Ground-truth data sets that it has learnt from."""
        return ()


def unlike_others(unlike: FloatArray) -> str:
    """What is said of a recording of which most traces are unlike those that accuracy was measured on; empty if not."""
    known = unlike[np.isfinite(unlike)]
    if not len(known) or np.median(known) < UNLIKE:
        return ""
    return (
        f"these traces are unlike the recordings that accuracy was measured on (distance {np.median(known):.2g}, where "
        "95 of 100 new recordings of this length are below 1); check units, baseline and frame rate, and if all are "
        "right, read the rates with care"
    )


def relative_rates(method: str, indicator: str) -> str:
    """What is said of rates whose scale is not to be trusted."""
    return (
        f"{method}: how many spikes of {indicator} it counts was off by more than a factor of two on ground truth; "
        "read its rates as relative to each other (a.u.), or use the method network"
    )
