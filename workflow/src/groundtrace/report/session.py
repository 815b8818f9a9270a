"""The report of one session, plane and recipe: one HTML page."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.card import Card, acquisition_card
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines
from groundtrace.indicators import kinetics
from groundtrace.io import read_arrays, read_provenance, read_table
from groundtrace.microscope import Microscope
from groundtrace.report.frame import page_warnings, render
from groundtrace.report.light import light_envelope
from groundtrace.report.pages import sections
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.tables import warning_rows
from groundtrace.report.units import UnitsInputs, last_table
from groundtrace.report.warning import Warning, median
from groundtrace.spikes.autoregressive import RELATIVE

TRACE_COLUMNS = [
    "roi",
    "accepted",
    "dff",
    "neuropil_coefficient",
    "neuropil_coefficient_error",
    "neuropil_fitted",
    "neuropil_fitted_error",
    "dff_scale_error",
    "noise_level",
    "expected_noise_level",
    "snr",
    "skew",
    "baseline_near_zero",
    "negative_fluorescence",
    "saturated",
    "axial_share",
    "axial_share_error",
    "axial_motion",
    "looks_denoised",
]


@dataclass(frozen=True)
class SessionInputs:
    """Everything that several sections of a session report show; the tables as declared in `groundtrace.tables`."""

    acquisition: Acquisition
    frames: pl.DataFrame
    raw_quality: pl.DataFrame
    raw_images: dict[str, np.ndarray]
    shifts: pl.DataFrame
    motion_images: dict[str, np.ndarray]
    motion_quality: pl.DataFrame
    rois: pl.DataFrame
    extraction_quality: pl.DataFrame
    extraction_images: dict[str, np.ndarray]
    """Backgrounds of the map (Y, X) and clips of ROIs; any may be missing."""
    traces: pl.DataFrame
    """At least the columns TRACE_COLUMNS."""
    light: Mapping[str, FloatArray]
    """Envelopes (n_rois, samples) of fluorescence and neuropil, detector units."""
    spikes: pl.DataFrame
    recipe: str
    provenance: dict[str, Any]
    """Of the last table on the page: history of steps with parameters, versions and notices, and sources."""
    loaded: Mapping[str, Any] = field(default_factory=dict)
    """What single sections read for themselves, by their names; not that of a section of which a file is missing."""
    extraction: str = "<name>"
    """Name of the extraction's section in the config."""
    curation_path: str = ""
    """Where what is decided on the page belongs, as the config has it."""
    study: str = "../../../index.html"
    """Link to the study page, relative to the report."""
    parameters: ReportParameters = field(default_factory=ReportParameters)
    microscope: Microscope | None = None
    """As the config describes it."""

    page = "session"

    def rate(self, place: int) -> FloatArray:
        """(n_frames,) Hz of a ROI."""
        return self.spikes["rate"][place].to_numpy()

    @cached_property
    def card(self) -> Card:
        """What is known of the microscope, and what follows."""
        accepted, cells = self.rois.filter("accepted"), self.cells
        measured = {
            "cells": float(cells.height),
            "cell_diameter_px": 2 * math.sqrt(median(accepted["area"]) / math.pi),
            "noise_level": median(cells["noise_level"]),
            "photon_noise_level": median(cells["expected_noise_level"]),
            "photons_per_pixel": self.raw_quality["photons"][0],
        }
        known = {name: value for name, value in measured.items() if value is not None and math.isfinite(value)}
        return acquisition_card(self.acquisition, self.microscope, known)

    @cached_property
    def cells(self) -> pl.DataFrame:
        """Accepted ROIs: the columns of traces that hold one number per ROI."""
        return _scalars(self.traces).filter(pl.col("accepted"))

    @cached_property
    def cell_spikes(self) -> pl.DataFrame:
        """The same of spikes."""
        return _scalars(self.spikes).filter(pl.col("accepted"))

    @cached_property
    def outlines(self) -> list[tuple[IntArray, IntArray]]:
        """(pixel_y, pixel_x) of what is drawn of each ROI."""
        return outlines(self.rois)

    @cached_property
    def expected(self) -> pl.Series:
        """Expected correlations with the true spike rate, of the accepted ROIs for which it is known."""
        return self.cell_spikes["expected_correlation"].drop_nulls().drop_nans()

    @property
    def rate_unit(self) -> str:
        """Hz, or a.u. where the scale of rates is known not to be right for the indicator."""
        known = kinetics(self.acquisition.indicator)
        deconvolved = self.method in ("oasis", "convex")
        return "a.u." if deconvolved and known is not None and known.name in RELATIVE else "Hz"

    @property
    def axial_label(self) -> str:
        """What explains a share of the cells' light, where it is known."""
        told = self.shifts["z"].null_count() < self.shifts.height
        return "explained by depth" if told else "explained by the axial mode"

    @property
    def axial(self) -> str:
        """What was done with axial motion."""
        return str(self._steps.get("dff", {}).get("axial", ""))

    @property
    def _steps(self) -> dict[str, dict[str, Any]]:
        """Parameters of the steps so far."""
        return {entry.get("step"): entry.get("parameters", {}) for entry in self.provenance.get("history", [])}

    @property
    def method(self) -> str:
        """Backend of the spike inference; empty when the provenance does not say."""
        return str(self._steps.get("spikes", {}).get("backend", ""))


def load_session(
    paths: Mapping[str, Path | str],
    recipe: str,
    extraction: str = "<name>",
    labels: Mapping[str, Any] | None = None,
    curation: str = "",
    microscope: Microscope | None = None,
) -> SessionInputs:
    """Read the files of one session; `paths` has one for each table and image field of SessionInputs, by name, and
    those that single sections need. labels: indicator and location, as the sheet has them. curation: where the person's
    decisions lie or belong."""
    # Of fluorescence and neuropil an envelope is shown; with them the table would need three times the memory.
    light = {name: light_envelope(read_table(paths["traces"], [name])[name]) for name in ("fluorescence", "neuropil")}
    names = ("frames", "raw_quality", "shifts", "motion_quality", "rois", "extraction_quality", "spikes")
    tables: dict[str, Any] = {name: read_table(paths[name]) for name in names}
    denoised = "denoising_noise" in paths
    tables["traces"] = read_table(paths["traces"], TRACE_COLUMNS + ["denoising_disagrees"] * denoised)
    for name in ("traces", "spikes"):
        if not tables[name]["roi"].equals(tables["rois"]["roi"]):
            raise InputError(f"{paths[name]}: has other ROIs than {paths['rois']}; run the extraction again")
    inputs = SessionInputs(
        acquisition=Acquisition.read(paths["acquisition"], **(labels or {})),
        raw_images=read_arrays(paths["raw_images"]),
        motion_images=read_arrays(paths["motion_images"]),
        extraction_images=read_arrays(paths["extraction_images"]),
        light=light,
        recipe=recipe,
        extraction=extraction,
        curation_path=curation,
        microscope=microscope,
        provenance=read_provenance(last_table(paths)),
        **tables,
    )
    complete = [section for section in sections("session") if paths.keys() >= set(section.needs)]
    return replace(inputs, loaded={section.name: section.ask("load", paths, inputs) for section in complete})


def render_session(inputs: SessionInputs | UnitsInputs, parameters: ReportParameters) -> str:
    """The page as HTML, less than 10 MB, the same for the same inputs."""
    acquisition = inputs.acquisition
    title = f"{acquisition.key} plane {acquisition.plane}"
    return render(inputs.page, _with(inputs, parameters), title)


def _with(inputs: SessionInputs | UnitsInputs, parameters: ReportParameters) -> SessionInputs | UnitsInputs:
    return replace(inputs, parameters=parameters) if isinstance(inputs, SessionInputs) else inputs


def session_warnings(inputs: SessionInputs | UnitsInputs, parameters: ReportParameters) -> list[Warning]:
    """All warnings of one session, plane and recipe, the worst first."""
    return page_warnings(inputs.page, _with(inputs, parameters))


def warnings_table(inputs: SessionInputs | UnitsInputs, parameters: ReportParameters) -> pl.DataFrame:
    """Table Warnings of one session, plane and recipe."""
    where = {"session": inputs.acquisition.key, "plane": inputs.acquisition.plane, "recipe": inputs.recipe}
    return warning_rows(where, session_warnings(inputs, parameters))


def _scalars(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.exclude(pl.List(pl.Float32)))
