"""The page of a session that starts from sorted spikes: what there is of a session page without movie and traces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.card import Card, acquisition_card
from groundtrace.io import read_provenance, read_table
from groundtrace.report.pages import sections


@dataclass(frozen=True)
class UnitsInputs:
    """What its sections show; names as in SessionInputs."""

    acquisition: Acquisition
    frames: pl.DataFrame
    spikes: pl.DataFrame
    """Table Units."""
    recipe: str
    provenance: dict[str, Any]
    loaded: Mapping[str, Any] = field(default_factory=dict)
    study: str = "../../../index.html"

    page = "units"

    @property
    def card(self) -> Card:
        """Of no microscope."""
        return acquisition_card(self.acquisition, None, {"cells": float(self.spikes.height)})

    def rate(self, place: int) -> FloatArray:
        """(n_frames,) Hz of a unit: spikes in each frame."""
        time, times = self.frames["time"].to_numpy(), self.spikes["spike_times"][place].to_numpy()
        step = 1 / self.acquisition.frame_rate
        return np.histogram(times, np.append(time - step / 2, time[-1] + step / 2))[0] / step


def last_table(paths: Mapping[str, Path | str]) -> Path | str:
    """The file whose history has every step that a page tells of: responses where there are stimuli, else spikes."""
    return paths.get("responses", paths["spikes"])


def load_units(paths: Mapping[str, Path | str], recipe: str, labels: Mapping[str, Any] | None = None) -> UnitsInputs:
    """Read the files of one session by their names."""
    inputs = UnitsInputs(
        Acquisition.read(paths["acquisition"], **(labels or {})),
        read_table(paths["frames"]),
        read_table(paths["spikes"]),
        recipe,
        read_provenance(last_table(paths)),
    )
    loaded = {section.name: section.ask("load", paths, inputs) for section in sections("units")}
    return UnitsInputs(inputs.acquisition, inputs.frames, inputs.spikes, recipe, inputs.provenance, loaded)
