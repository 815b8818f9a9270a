"""The table of spike rates."""

import polars as pl

from groundtrace.tables import Floats, Series, Table, column


class Spikes(Table):
    """One row per ROI: spike rate on the frame grid."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    rate: Floats = column("Hz", "expected spikes per second, one value per frame; NaN in bad frames")
    rate_low: Floats = column("Hz", "lower end of the predictive interval; empty when the backend has none")
    rate_high: Floats = column("Hz", "upper end of the predictive interval; empty when the backend has none")
    mean_rate: Series[pl.Float32] = column("Hz", "mean of rate over the frames that have one", nullable=True)
    mean_rate_low: Series[pl.Float32] = column(
        "Hz", "lower end of the 90 % interval of the true mean; empty when the backend has none", low=0, nullable=True
    )
    mean_rate_high: Series[pl.Float32] = column("Hz", "upper end of it", low=0, nullable=True)
    silent: Series[bool] = column(
        "",
        "compatible with no spike, at 5 %: noise alone of such a level gives such a mean rate",
    )
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of the dF/F used", low=0, nullable=True)
    decay_time: Series[pl.Float32] = column("s", "of the calcium transient, as used", low=0, nullable=True)
    explained_variance: Series[pl.Float32] = column(
        "", "of dF/F by the backend's own calcium trace", high=1, nullable=True
    )
    half_decay: Series[pl.Float32] = column(
        "s",
        "in which the mean large transient of dF/F falls to half; at most 200 accepted ROIs",
        low=0,
        nullable=True,
    )
    expected_correlation: Series[pl.Float32] = column(
        "", "Pearson r with true spikes expected at this ν, frame rate and indicator", low=-1, high=1, nullable=True
    )
    expected_correlation_low: Series[pl.Float32] = column("", "lower end of its 90 % interval", nullable=True)
    expected_correlation_high: Series[pl.Float32] = column("", "upper end of its 90 % interval", nullable=True)
