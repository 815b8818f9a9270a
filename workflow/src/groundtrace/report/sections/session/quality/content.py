"""Noise and signal of the cells."""

from collections.abc import Iterator
from typing import Any

from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import MANY, Warning, median


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {"rois": inputs.rois.height}


def data(inputs: SessionInputs) -> dict[str, Any]:
    return {"noiseWarning": inputs.parameters.noise_level_warning}


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    yield from noise_warnings(inputs)
    yield from trace_warnings(inputs)


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
    flawed = int(cells["baseline_near_zero"].sum())
    if flawed > MANY * max(cells.height, 1):
        yield Warning(
            "warning",
            f"{flawed} of {cells.height} cells have a baseline near zero",
            "dF/F divides by the baseline: a tenth of the uncorrected light stands in for it, so sizes mean little.",
            "Lower the neuropil coefficient, or check the offset of the detector.",
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
