"""Presence and persistence of the cells of a field."""

from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.report.svg import Axis, Line, Panel, lines
from groundtrace.report.tracks import TracksInputs

DRAWS = 400
"""Of presences by their probabilities, for the error of the persistence."""


def context(given: TracksInputs) -> dict[str, Any]:
    count = len(given.sessions)
    mean, error = persistence(given.presence)
    numbers = [float(k) for k in range(1, count + 1)]
    x = Axis("sessions, at least", 1, max(count, 2), ticks=numbers)
    y = Axis("cells", 0, max(1.0, float((mean + 2 * error).max(initial=0))))
    low, high = (mean - 1.96 * error).tolist(), (mean + 1.96 * error).tolist()
    kept = lines(
        [Line("cells", "accent", numbers, mean.tolist(), low, high)], x, y, "Cells in at least so many sessions"
    )
    numbered = given.alignment.with_row_index("number", 1)
    seen, alike = (numbered.drop_nulls(name) for name in ("found", "likeness"))
    found, off = seen["found"].to_numpy(), 1.96 * seen["found_error"].to_numpy()
    days = Axis("session", 1, max(count, 2), ticks=numbers)
    share = Axis("", 0, 1)
    change = lines(
        [
            Line(
                "found in another session", "accent", seen["number"].to_list(), found.tolist(),
                (found - off).tolist(), (found + off).tolist(),
            ),
            Line("likeness of the image", "spike", alike["number"].to_list(), alike["likeness"].to_list(), dashed=True),
        ],
        days, share, "Share of each session's cells found again, and likeness of its image",
    )  # fmt: skip
    panels = [
        Panel(
            "Persistence",
            kept,
            "Cells that were found in at least so many sessions; bars: 95 % by the probabilities of the matches.",
        ),
        Panel(
            "Loss", change, "Axial displacement between days lowers both: cells leave the plane, and the image changes."
        ),
    ]
    return {"panels": panels, "legend": [("found in another session", "accent"), ("likeness of the image", "spike")]}


def persistence(presence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Number of cells in at least k of the n sessions (n,), and its standard error by the probabilities.

    A ROI that does not belong to its track is drawn as a cell of its own.
    """
    random, count = np.random.default_rng(0), presence.shape[1]
    there = np.isfinite(presence)

    def curve(kept: np.ndarray, loose: int) -> FloatArray:
        size = np.concatenate([kept.sum(axis=1), np.ones(loose, int)])
        return np.array([(size >= k).sum() for k in range(1, count + 1)], float)

    chance = np.where(there.sum(axis=1, keepdims=True) > 1, np.nan_to_num(presence), there * 1.0)
    drawn = []
    for _ in range(DRAWS):
        kept = random.random(presence.shape) < chance
        drawn.append(curve(kept, int((there & ~kept).sum())))
    return curve(there, 0), np.std(drawn, axis=0)


def data(given: TracksInputs) -> dict[str, Any]:
    return {"presence": [[None if p != p else round(p, 2) for p in row] for row in given.presence.tolist()]}
