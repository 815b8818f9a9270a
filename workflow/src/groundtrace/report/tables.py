"""The table of the study page."""

import polars as pl
from pandera.typing.polars import Series

from groundtrace.tables import Table, column


class Study(Table):
    """One row per session, plane and recipe, whether it succeeded or failed."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    recipe: Series[str] = column("", "name under `recipes` in the config")
    status: Series[str] = column("", "done or failed")
    reason: Series[str] = column("", "last error line of the failed step; empty when done")
    log: Series[str] = column("", "log of the failed step, relative to the results; empty when done")
    report: Series[str] = column("", "report page, relative to the results")
    indicator: Series[str] = column("", "as in the sheet")
    frame_rate: Series[pl.Float32] = column("Hz", "of the plane", nullable=True)
    duration: Series[pl.Float32] = column("s", "of the recording", nullable=True)
    rois: Series[pl.Int32] = column("", "ROIs found", nullable=True)
    cells: Series[pl.Int32] = column("", "accepted ROIs", nullable=True)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "median ν of accepted ROIs", nullable=True)
    snr: Series[pl.Float32] = column("", "median signal-to-noise of accepted ROIs", nullable=True)
    spike_rate: Series[pl.Float32] = column("Hz", "median mean spike rate of accepted ROIs", nullable=True)
    expected_correlation: Series[pl.Float32] = column(
        "", "median over accepted ROIs of the correlation expected with true spikes", low=-1, high=1, nullable=True
    )
    residual_motion: Series[pl.Float32] = column(
        "px", "estimated displacement that is left after registration, root mean square", nullable=True
    )
    bad_frames: Series[pl.Int32] = column("", "frames marked bad", nullable=True)
    warnings: Series[pl.Int32] = column("", "plain-language warnings in the report", nullable=True)
