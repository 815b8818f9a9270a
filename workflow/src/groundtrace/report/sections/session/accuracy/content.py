"""How right the spike rates are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from groundtrace.indicators import kinetics
from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import MANY, MOST, Warning, median
from groundtrace.spikes.kinetics import EXAMINED, UNLIKE, largest, ratio_to, size_in_spikes
from groundtrace.spikes.preparation import refusal
from groundtrace.tables import stack

TRAINED_RATES = (5, 60)
"""Frame rates that the method network was trained on, Hz (groundtrace.training.examples)."""
TRAINED_NOISE = 10.0
"""Largest ν that it was trained on, % Hz^-1/2."""


@dataclass(frozen=True)
class Accuracy:
    """How many cells are expected to be as right as the user needs."""

    statement: str
    known: bool
    method: str


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {"accuracy": accuracy(inputs, inputs.parameters.accuracy)}


def data(inputs: SessionInputs) -> dict[str, Any]:
    return {"accuracy": inputs.parameters.accuracy}


def accuracy(inputs: SessionInputs, wanted: float) -> Accuracy:
    cells, known = inputs.cells.height, len(inputs.expected)
    if known:
        reached = int((inputs.expected >= wanted).sum())
        statement = (
            f"For {number(reached, 9) if reached else 'none'} of {number(cells, 9)} cells we expect a correlation of "
            f"at least {number(wanted)} with the true spike rate."
        )
        if known < cells:
            statement += f" For {number(cells - known, 9)} it is not known."
    else:
        nowhere = inputs.spikes["expected_correlation"].is_null().all()
        statement = "Not known for this method." if nowhere else "Not known: no accepted cell has a usable trace."
    return Accuracy(statement, bool(known), inputs.method or "used here")


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    yield from inaccurate(inputs)
    yield from untrained(inputs)
    yield from unlike(inputs)


def inaccurate(inputs: SessionInputs) -> Iterator[Warning]:
    expected, wanted = inputs.expected, inputs.parameters.accuracy
    below = int((expected < wanted).sum())
    if below > MOST * max(len(expected), 1):
        yield Warning(
            "warning",
            f"{below} of {len(expected)} cells are expected to correlate with their true spike rate by less than "
            f"{number(wanted)}",
            f"Their median is {number(median(expected), 2)}. So it was for neurons with simultaneous electrical "
            "recordings, at this noise, frame rate and indicator.",
            "Do not interpret single spikes. Average over trials, over time, or over neighbouring cells that respond "
            "alike. For new recordings: more photons from each cell, by a smaller field, more laser power within safe "
            "limits, or better expression.",
            kind="low_accuracy",
        )


def untrained(inputs: SessionInputs) -> Iterator[Warning]:
    if inputs.method != "network" or refusal(inputs.acquisition):
        return
    frame_rate, (low, high) = inputs.acquisition.frame_rate, TRAINED_RATES
    if not low <= round(frame_rate) <= high:
        yield Warning(
            "warning",
            f"The method network was never trained at {number(frame_rate)} Hz",
            f"It has learnt from recordings of {low} to {high} Hz. Beyond them its rates and the accuracy expected of "
            "them are extrapolated.",
            "Compare with another method of spike inference, such as oasis."
            + (f" Or average neighbouring frames, down to {high} Hz or less." if frame_rate > high else ""),
            kind="untrained_frame_rate",
        )
    noisy = int((inputs.cells["noise_level"] > TRAINED_NOISE).sum())
    if noisy > MANY * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"{noisy} of {inputs.cells.height} cells are noisier than anything the method network was trained on",
            f"It has learnt from traces of ν up to {number(TRAINED_NOISE)} %/√Hz. Beyond it its rates and the accuracy "
            "expected of them are extrapolated.",
            "Leave cells of a higher ν out, or use only averages over many trials.",
            kind="untrained_noise",
        )


def unlike(inputs: SessionInputs) -> Iterator[Warning]:
    """Transients of another length than those of the indicator: a wrong label, or other neurons."""
    indicator, cells = kinetics(inputs.acquisition.indicator), inputs.traces.filter("accepted")
    step = max(1, -(-cells.height // EXAMINED))
    size = (
        largest(stack(cells["dff"].gather_every(step)), inputs.acquisition.frame_rate) if cells.height else np.zeros(0)
    )
    size = size_in_spikes(size, indicator)
    if indicator is not None and size < 1:
        yield Warning(
            "warning",
            f"The largest transients are {number(size, 2)} of what one spike of {indicator.name} makes",
            "The sheet's indicator is wrong, or the cells express little of it, or too much neuropil is subtracted or "
            "too little offset. The correlation to expect, and the lower end of its interval, are lowered for that.",
            "Check the indicator. If it is right, rely on the order of rates rather than on numbers of spikes.",
            kind="small_transients",
        )
    ratio = ratio_to(inputs.cell_spikes["half_decay"].cast(pl.Float64).fill_null(math.nan).to_numpy(), indicator)
    if indicator is None or not (ratio < UNLIKE[0] or ratio > UNLIKE[1]):
        return
    yield Warning(
        "warning",
        f"Transients last {number(ratio, 2)} times as long as those of one spike of {indicator.name}",
        "Either the sheet's indicator or frame_rate is wrong, or these are not like the neurons that accuracy was "
        "measured on. The correlation to expect, and the lower end of its interval, are lowered for that.",
        "Check indicator and frame_rate (is it the rate of each plane?). If both are right, as in neurons that fire in "
        "long bursts, rely on dF/F rather than on numbers of spikes.",
        kind="long_transients",
    )
