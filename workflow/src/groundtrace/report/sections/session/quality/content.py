"""Noise and signal of the cells."""

from collections.abc import Iterator
from typing import Any

from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import MANY, Warning, median, share

FEWEST, DIFFERENT = 5, 0.1
"""Cells that tell the neuropil's share of a recording; difference of that share that matters."""
CUSTOMARY = 0.7
"""The coefficient that many pipelines take."""


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {"rois": inputs.rois.height}


def data(inputs: SessionInputs) -> dict[str, Any]:
    return {"noiseWarning": inputs.parameters.noise_level_warning}


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    yield from noise_warnings(inputs)
    yield from trace_warnings(inputs)
    yield from neuropil_warnings(inputs)


def noise_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    level = median(inputs.cells["noise_level"])
    if level > inputs.parameters.noise_level_warning:
        yield Warning(
            "warning",
            f"Median ν is {number(level, 2)} %/√Hz: only bursts can be trusted",
            "At this noise single spikes disappear; spike rates follow bursts of several spikes at best, and "
            "weakly active cells look silent.",
            "Compare bursts and changes of rate, not single spikes or exact rates. For new recordings: image fewer "
            "cells, raise the laser power within safe limits, or improve the expression.",
            kind="noisy",
        )
    odd = int(inputs.cells["looks_denoised"].sum())
    if odd > MANY * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"{odd} of {inputs.cells.height} traces look already denoised",
            "Their noise is far below the shot noise of their own photons, so the movie was smoothed or averaged "
            "before it came here. ν is then too low and promises an accuracy that is not there.",
            "Feed the raw movie. If averaging is part of the acquisition, do not compare ν with other recordings.",
            kind="denoised_before",
        )


def trace_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    cells = inputs.cells
    near_zero = cells.filter("baseline_near_zero")
    if (flawed := near_zero.height) > MANY * max(cells.height, 1):
        yield Warning(
            "warning",
            f"{flawed} of {cells.height} cells have a baseline near zero",
            "dF/F divides by the baseline: a tenth of the uncorrected light stands in for it, so sizes mean little "
            f"(± {share(median(near_zero['dff_scale_error']))} in the median of these cells).",
            "Compare these cells by their course, not by their size; or check the offset of the detector.",
            kind="baseline_near_zero",
        )
    negative = int(cells["negative_fluorescence"].sum())
    if negative > MANY * max(cells.height, 1):
        yield Warning(
            "note",
            f"{negative} of {cells.height} cells have negative fluorescence after neuropil correction",
            "More neuropil is subtracted than the cell's own signal can bear.",
            "Fit the neuropil coefficient per ROI instead of a fixed one, or lower it.",
            kind="negative_fluorescence",
        )


def neuropil_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    """Whether a set coefficient is that of the recording: one statement over its cells, by more than their errors."""
    cells = inputs.cells
    if cells.height < FEWEST:
        return
    fixed = bool((cells["neuropil_coefficient_error"] == 0).all())
    used = median(cells["neuropil_coefficient"]) if fixed else CUSTOMARY
    found, error = median(cells["neuropil_fitted"]), median(cells["neuropil_fitted_error"])
    if not abs(found - used) > max(2 * error, DIFFERENT):
        return
    measured = f"{number(found, 2)} ± {number(error, 1)}"
    if fixed:
        yield Warning(
            "warning",
            f"The neuropil's share is {measured}, and {number(used, 2)} of it is subtracted",
            f"Too {'much' if found < used else 'little'} is taken away: dF/F, and with it rates, come out too "
            f"{'large' if found < used else 'small, with events of the neuropil in them'}.",
            "Use dff.neuropil.method: fitted, or set dff.neuropil.coefficient to what was measured.",
            kind="fixed_neuropil",
        )
    else:
        yield Warning(
            "note",
            f"The neuropil's share is {measured} here, not the customary {CUSTOMARY}",
            f"It was fitted, and is used. Pipelines that subtract {CUSTOMARY} for every ROI show these cells with "
            f"{'larger' if found < used else 'smaller'} dF/F.",
            "Keep it in mind when comparing with their results.",
            kind="fitted_neuropil",
        )
