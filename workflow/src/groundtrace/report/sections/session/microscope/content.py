"""The acquisition card, its warnings, and the trade-off between cells and noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from groundtrace import optics
from groundtrace.card import Card, Known, Quantity
from groundtrace.card_tables import FACTS
from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning, median

DISAGREEMENT = 0.03
"""Relative difference of two sizes of the field that is warned about."""
FEWEST = 10
"""Cells that tell how accuracy falls with noise."""
SPREAD = 1.5
"""Ratio of their highest to their lowest ν from which they tell it."""
UNITS = (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
MEASURED = ("cells", "cell_diameter_px", "width")
"""Facts that the page has elsewhere."""


@dataclass(frozen=True)
class TradeOff:
    """ν of this recording, and how its cells' expected correlation falls with ν."""

    cells: int
    noise: float
    """Median ν, % Hz^(-1/2)."""
    frame_rate: float
    side: float | None
    """µm, side of the field, as a square of the same area; None where the pixel size is not known."""
    fit: tuple[float, float] | None
    """Fisher's z of the expected correlation = a + b log ν; None where it is not known."""
    low: float = math.nan
    high: float = math.nan
    """ν between which it was fitted."""

    def noise_for(self, factor: float) -> float:
        """ν with so many times the cells."""
        return optics.shared_noise_level(self.noise, 1, factor)

    def expected(self, noise: float) -> float | None:
        """Correlation with the true spike rate at a noise level, as this recording's cells have it."""
        if self.fit is None or not self.low <= noise <= self.high:
            return None
        return math.tanh(self.fit[0] + self.fit[1] * math.log(noise))


def context(inputs: SessionInputs) -> dict[str, Any]:
    card = inputs.card
    known, unknown = (
        [quantity for quantity in card.quantities if (quantity.value is None) == absent] for absent in (False, True)
    )
    groups = [(name, list(group)) for name, group in groupby(known, key=lambda quantity: quantity.group)]
    found = trade_off(inputs)
    told = [known for known in card.told if known.name not in MEASURED]
    return {
        "groups": groups,
        "unknown": unknown,
        "told": [(known.label, shown(known.value, known.unit), known.source) for known in told],
        "missing": list(card.missing().values()),
        "trade_off": found,
        "statements": [statement(found, 2.0), statement(found, 0.5)] if found else [],
        "value": lambda quantity: shown(quantity.value, quantity.unit),
        "inputs": inputs_of,
        "needs": lambda quantity: ", ".join(FACTS[name].label for name in quantity.needs),
    }


def data(inputs: SessionInputs) -> dict[str, Any]:
    found = trade_off(inputs)
    if found is None:
        return {"tradeOff": None}
    return {
        "tradeOff": {
            "cells": found.cells,
            "noise": found.noise,
            "frameRate": found.frame_rate,
            "side": found.side,
            "fit": found.fit,
            "low": found.low,
            "high": found.high,
        }
    }


def trade_off(inputs: SessionInputs) -> TradeOff | None:
    """None where there is no cell with a noise level."""
    noise, acquisition = median(inputs.cells["noise_level"]), inputs.acquisition
    if not (math.isfinite(noise) and noise > 0):
        return None
    size = acquisition.pixel_size
    side = size * math.sqrt(acquisition.height * acquisition.width) if size else None
    return TradeOff(inputs.cells.height, noise, acquisition.frame_rate, side, *_accuracy_by_noise(inputs.cell_spikes))


def _accuracy_by_noise(spikes: pl.DataFrame) -> tuple[Any, ...]:
    """Least squares of Fisher's z on log ν over the cells of which both are known, and the range of ν."""
    pairs = spikes.select("noise_level", "expected_correlation").cast(pl.Float64).drop_nulls().drop_nans()
    noise, expected = pairs["noise_level"].to_numpy(), pairs["expected_correlation"].to_numpy()
    good = (noise > 0) & (np.abs(expected) < 1)
    if good.sum() < FEWEST or noise[good].max() < SPREAD * noise[good].min():
        return (None,)
    slope, start = np.polyfit(np.log(noise[good]), np.arctanh(expected[good]), 1)
    return (float(start), float(slope)), float(noise[good].min()), float(noise[good].max())


def statement(found: TradeOff, factor: float) -> str:
    """What another field, at the same size of pixels, would do."""
    noise = found.noise_for(factor)
    expected, now = found.expected(noise), found.expected(found.noise)
    words = ("Twice", "half") if factor > 1 else ("Half", "twice")
    text = (
        f"{words[0]} the field at {words[1]} the rate ({number(found.frame_rate / factor)} Hz): "
        f"ν × {number(noise / found.noise, 2)} = {number(noise, 2)} %/√Hz"
    )
    if now is None:
        return f"{text}."
    if expected is None:
        return f"{text}; the correlation to expect is not known: no cell here has that ν."
    return f"{text}, expected correlation {number(expected, 2)} instead of {number(now, 2)}."


def shown(value: Any, unit: str) -> str:
    """A value with its unit, for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        parts = [" → ".join(map(number, part)) if isinstance(part, tuple) else number(part) for part in value]
        return f"{', '.join(parts)} {unit}".strip() if parts else "none"
    if unit == "s":
        unit, size = next(((name, size) for name, size in UNITS if abs(value) >= size), UNITS[-1])
        value = value / size
    return f"{number(value)} {unit}".strip()


def inputs_of(quantity: Quantity) -> str:
    """What a quantity was computed from; of what was told, where it was."""
    return "; ".join(
        f"{known.label} {shown(known.value, known.unit)}" + (f" ({known.source})" if known.name in FACTS else "")
        for known in quantity.inputs
    )


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    yield from disagreeing(inputs.card, inputs.acquisition.pixel_size)
    # Pixels as wide as the focus limit what is about as small as it, not somata.
    if inputs.acquisition.preparation == "dendrite" or (inputs.rois["kind"] == "process").any():
        yield from undersampled(inputs.card)


def disagreeing(card: Card, pixel_size: float | None) -> Iterator[Warning]:
    """Another size of the field by the optics, or by the file where the sheet gives the pixel size."""
    told: dict[str, Known] = {known.name: known for known in card.told}
    field, by_optics = card.value("field"), card.value("optical_field")
    others: list[tuple[str, Any]] = [("the optics in the config", by_optics)]
    if "field_width" in told:
        key = told["field_width"].source.removeprefix("file, ")
        others.append((f"the file ({key})", told["field_width"].value))
    for source, other in others:
        if field and isinstance(other, float) and abs(field / other - 1) > DISAGREEMENT:
            yield Warning(
                "warning",
                f"The field is {number(field)} µm wide by its pixel size, and {number(other)} µm by {source}",
                f"They differ by {number(100 * abs(field / other - 1), 2)} %. Sizes of cells, the search for them, "
                "and every length of this page follow the pixel size.",
                "Measure the field with a grid or a moved stage, then correct pixel_size in the sheet, or the lenses "
                "and the scan angle of the microscope in the config.",
                kind="field_disagrees",
            )
            return


def undersampled(card: Card) -> Iterator[Warning]:
    spots, width = card.value("spots_per_pixel"), card.value("lateral_width")
    if spots and width and spots > 1:
        yield Warning(
            "note",
            f"Undersampled: a pixel is {number(spots, 2)} times as wide as the focus ({number(width, 2)} µm)",
            "There is tissue between the lines that no line meets, so a shift by part of a pixel shows other tissue: "
            "motion then looks like a change of brightness.",
            "Nothing for somata that lie still. For dendrites or in moving animals: a higher zoom, or a narrower beam, "
            "which widens the focus.",
            kind="undersampled",
        )
