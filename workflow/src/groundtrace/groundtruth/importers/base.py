"""What every importer of ground truth makes: rows of the table GroundTruth, checked alike whatever their format."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from groundtrace.errors import InputError
from groundtrace.groundtruth.resampling import frame_interval
from groundtrace.groundtruth.tables import GroundTruth
from groundtrace.indicators import indicators
from groundtrace.traces.noise import noise_level

Row = dict[str, Any]

REGULAR = 0.1
"""Largest deviation of a step from the median step of an evenly sampled recording, as a share of it."""
PLAUSIBLE_DFF = 60.0
"""Largest |dF/F|, fraction, that an indicator can reach: beyond it the baseline was close to zero."""
SPELLINGS = (
    (r"OGB-?1", "OGB-1"),
    (r"Cal-?520", "Cal-520"),
    (r"j?GCaMP([78][fmscb])", r"jGCaMP\1"),
    (r"j?R?GECO1a", "jRGECO1a"),
    (r"jRCaMP1a", "jRCaMP1a"),
    (r"R-CaMP|RCaMP1\.07", "R-CaMP1.07"),
    (r"XCaMP(-?Gf)?", "XCaMP-Gf"),
)
"""How data sets spell indicators, and the names of resources/indicators.tsv; compared without case."""


@dataclass(frozen=True)
class Neuron:
    """Which cell, of what kind; empty text where nobody knows."""

    dataset: str
    neuron: str
    indicator: str
    species: str = ""
    area: str = ""
    cell_class: str = ""


def find_indicator(*texts: str) -> str | None:
    """Name of the indicator in the first text that holds one."""
    named = [(re.escape(name), name) for name in indicators()]
    for text in texts:
        for pattern, name in (*SPELLINGS, *named):
            if found := re.search(pattern, text, re.IGNORECASE):
                return found.expand(name) if "\\" in name else name
    return None


def make_row(
    neuron: Neuron, recording: int, time: ArrayLike, dff: ArrayLike, spike_times: ArrayLike, normalised: bool = False
) -> Row | None:
    """One row of the table GroundTruth; None when there are fewer than three usable frames.

    time: (n,) s; dff: (m,) fraction, frames beyond the shorter of the two have no partner and are left out, and so
    are frames without a finite value or with a time that is not later than the one before (some recordings end
    with their last frame twice). spike_times: (n_spikes,) s, any order, NaN for none.
    normalised: the trace is no dF/F, so it has no noise level and is not plausible as such.
    """
    seconds, values = np.ravel(time).astype(np.float64), np.ravel(dff).astype(np.float32)
    frames = min(len(seconds), len(values))
    seconds, values = seconds[:frames], values[:frames]
    usable = np.isfinite(seconds) & np.isfinite(values)
    seconds, values = seconds[usable], values[usable]
    later = np.diff(np.maximum.accumulate(seconds), prepend=-np.inf) > 0
    seconds, values = seconds[later], values[later]
    if len(seconds) < 3:
        return None
    spikes = np.ravel(spike_times).astype(np.float64)
    steps = np.diff(seconds)
    regular = bool(np.abs(steps / np.median(steps) - 1).max() <= REGULAR)
    frame_rate = 1 / frame_interval(seconds)
    return {
        **vars(neuron),
        "recording": recording,
        "frame_rate": frame_rate,
        "noise_level": None if normalised else float(noise_level(values[None], frame_rate)[0]),
        "regular": regular,
        "plausible": not normalised and bool(np.abs(values).max() <= PLAUSIBLE_DFF),
        "time": seconds,
        "dff": values,
        "spike_times": np.sort(spikes[np.isfinite(spikes)]),
    }


def make_table(rows: Iterable[Row]) -> pl.DataFrame:
    """Table GroundTruth from rows."""
    columns: dict[str, list[Any]] = {name: [] for name in GroundTruth.columns}
    for row in rows:
        for name, values in columns.items():
            value = row[name]
            values.append(pl.Series(value) if isinstance(value, np.ndarray) else value)
    return pl.DataFrame([pl.Series(name, columns[name], dtype=dtype) for name, dtype in GroundTruth.types().items()])


def refuse(path: object, problem: str, remedy: str) -> InputError:
    """The error of a file that cannot be imported."""
    return InputError(f"{path}: {problem}; {remedy}")
