"""The probability that a ROI is a cell: an additive model of its statistics, the same for every backend.

The log odds are a sum of one piecewise linear curve per statistic, so that a verdict can be explained. The curves were
fitted to ROIs of simulated recordings (groundtrace.extraction.learning), where what is a cell is known.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from groundtrace.arrays import FloatArray
from groundtrace.extraction.statistics import NAMES, Statistics
from groundtrace.indicators import resource

UNSURE = -0.85
"""Log odds, of a probability of 0.3, up to which the curves alone decide."""
LOGARITHMIC = ("peak", "energy", "relative_area")
"""Statistics that count by their ratios."""
REASONS = {
    "peak": "events too weak",
    "energy": "too little activity",
    "skewness": "activity without clear events",
    "relative_area": "size unlike a cell's",
    "compactness": "not compact",
    "solidity": "ragged outline",
    "inside": "as active around it as inside",
    "sharpness": "no edge against its surroundings",
    "mean_contrast": "not seen in the mean image",
}


@dataclass(frozen=True)
class Acceptance:
    """Additive log odds."""

    offset: float
    knots: FloatArray
    """(n_statistics, n_knots) ascending, of the transformed statistics."""
    values: FloatArray
    """(n_statistics, n_knots) log odds at the knots."""
    sharpening: float = 0.0
    """Share by which log odds above UNSURE grow. The curves were fitted to whole footprints; outlines tell more."""

    def terms(self, statistics: Statistics) -> FloatArray:
        """(n_rois, n_statistics) contributions to the log odds; nothing where a statistic is missing."""
        rows = transformed(statistics.matrix())
        terms = [np.interp(rows[:, k], self.knots[k], self.values[k]) for k in range(len(NAMES))]
        return np.nan_to_num(np.column_stack(terms)) if len(rows) else np.zeros((0, len(NAMES)))

    def probability(self, statistics: Statistics) -> FloatArray:
        """(n_rois,)"""
        odds = self.offset + self.terms(statistics).sum(axis=1)
        return expit(odds + self.sharpening * np.maximum(odds - UNSURE, 0))

    def reasons(self, statistics: Statistics) -> list[str]:
        """What counts most against each ROI being a cell, and what comes next when it weighs half as much."""
        terms = self.terms(statistics)
        found = []
        for row in terms:
            order = np.argsort(row, kind="stable")
            against = [k for k in order[:2] if row[k] < 0.5 * min(row[order[0]], 0)] or [order[0]]
            found.append("; ".join(REASONS[NAMES[k]] for k in against))
        return found


def transformed(rows: FloatArray) -> FloatArray:
    """(n_rois, n_statistics) on the scales that the curves are drawn over."""
    rows = np.array(rows, float)
    for name in LOGARITHMIC:
        column = rows[:, NAMES.index(name)]
        rows[:, NAMES.index(name)] = np.log(np.maximum(column, 1e-2))
    return rows


@cache
def acceptance() -> Acceptance:
    """The curves that ship with groundtrace."""
    content = json.loads(resource("models/acceptance.json").read_text(encoding="utf-8"))
    curves = [content["curves"][name] for name in NAMES]
    return Acceptance(
        content["offset"],
        np.array([curve["knots"] for curve in curves], float),
        np.array([curve["log_odds"] for curve in curves], float),
        content["sharpening"],
    )
