"""The tables of the study page."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import polars as pl

from groundtrace.notices import SEVERITIES
from groundtrace.report.warning import Warning
from groundtrace.tables import Series, Table, column, empty


class Study(Table):
    """One row per session, plane and recipe, whether it succeeded or failed."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    recipe: Series[str] = column("", "name under `recipes` in the config")
    motion: Series[str] = column("", "motion correction of the recipe, as named in the config")
    denoise: Series[str] = column("", "its denoising")
    extract: Series[str] = column("", "its extraction")
    spikes: Series[str] = column("", "its spike inference")
    status: Series[str] = column("", "done or failed")
    reason: Series[str] = column("", "last error line of the failed step; empty when done")
    log: Series[str] = column("", "log of the failed step, relative to the results; empty when done")
    report: Series[str] = column("", "report page, relative to the results")
    indicator: Series[str] = column("", "as in the sheet")
    frame_rate: Series[pl.Float32] = column("Hz", "of the plane", nullable=True)
    duration: Series[pl.Float32] = column("s", "of the recording", nullable=True)
    rois: Series[pl.Int32] = column("", "ROIs found", nullable=True)
    cells: Series[pl.Int32] = column("", "accepted ROIs", nullable=True)
    curated: Series[pl.Float32] = column(
        "", "share of the ROIs found that a person decided on", low=0, high=1, nullable=True
    )
    tracked: Series[pl.Int32] = column(
        "", "accepted ROIs that were found in another session of the field; empty without one", low=0, nullable=True
    )
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
    pixel_size: Series[pl.Float32] = column("µm", "as used", nullable=True)
    field_width: Series[pl.Float32] = column("µm", "of the field that is imaged", nullable=True)
    lateral_width: Series[pl.Float32] = column("µm", "FWHM of the two-photon focus across", nullable=True)
    axial_width: Series[pl.Float32] = column("µm", "FWHM of the two-photon focus along the axis", nullable=True)
    photon_rate: Series[pl.Float32] = column(
        "1/s", "photons of a cell and second, as its shot noise counts them; median of accepted ROIs", nullable=True
    )
    warnings: Series[pl.Int32] = column("", "warnings in the report that are more than a note", nullable=True)


class Warnings(Table):
    """What to know before trusting a recording: one row per warning of a session page."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    recipe: Series[str] = column("", "name under `recipes` in the config")
    severity: Series[str] = column("", "critical, warning or note", isin=SEVERITIES)
    step: Series[str] = column("", "step that it is about; of a section of another package, the section")
    kind: Series[str] = column("", "a name that stays when the numbers change")
    title: Series[str] = column("", "what is the matter")
    text: Series[str] = column("", "what it means; empty where the title says it all")
    advice: Series[str] = column("", "what to do")


def warning_rows(where: Mapping[str, str | int], warnings: Iterable[Warning]) -> pl.DataFrame:
    """Table Warnings. where: session, plane and recipe."""
    rows = [{**where, **asdict(one), "text": one.meaning, "advice": one.action} for one in warnings]
    schema = empty(Warnings).schema
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
