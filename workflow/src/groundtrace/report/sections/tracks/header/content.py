"""Key figures of a field, and what to know before trusting its tracks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundtrace.report.figure import Figure
from groundtrace.report.html import number
from groundtrace.report.tracks import TracksInputs
from groundtrace.report.warning import Warning

UNLIKE, LOST = 0.4, 0.4
"""Likeness of a session, and share of its cells that were found again, below which a reader is warned."""


def context(given: TracksInputs) -> dict[str, Any]:
    sessions, aligned = len(given.sessions), int(given.alignment["aligned"].sum())
    size = np.isfinite(given.presence).sum(axis=1)
    sure = given.presence[size > 1]
    chance = float(np.nanmean(sure)) if sure.size else float("nan")
    left = given.alignment.filter("aligned")["found"].drop_nulls()
    return {
        "figures": [
            Figure("sessions", f"{aligned} of {sessions}", "", "aligned", aligned < sessions),
            Figure("tracked cells", number(given.several, 9), "", "found in two sessions or more"),
            Figure(
                "in all sessions", number(int((size == aligned).sum()), 9), "", f"of the {aligned} that are aligned"
            ),
            Figure(
                "found again",
                number(100 * float(np.mean(left.to_numpy())) if len(left) else None, 3),
                "%",
                "of a session's cells, in any other; mean",
            ),
            Figure("probability", number(chance, 3), "", "mean over the ROIs of tracked cells"),
        ]
    }


def warnings(given: TracksInputs) -> Iterator[Warning]:
    for row in given.alignment.iter_rows(named=True):
        if row["rois"] is None:
            yield Warning(
                "critical",
                f"{row['session']} failed",
                row["reason"],
                "Mend it and run again: its field is tracked anew.",
            )
        elif not row["aligned"]:
            yield Warning(
                "critical",
                f"{row['session']} was left out",
                row["reason"],
                "Look at its mean image below. If it shows other tissue, empty its column field.",
            )
        elif row["likeness"] is not None and row["likeness"] < UNLIKE:
            yield Warning(
                "warning",
                f"{row['session']} looks unlike the others",
                f"Its image correlates with theirs by {number(row['likeness'], 2)}: the plane is at another depth, or "
                "its light has changed.",
                "Compare its cells with those of the others by eye before counting cells that are lost.",
            )
        elif row["found"] is not None and row["found"] < LOST and row["rois"] >= 10:
            yield Warning(
                "warning",
                f"Few cells of {row['session']} were found again",
                f"{number(100 * row['found'], 2)} % of its {row['rois']} cells are in another session.",
                "An axial displacement of a few µm does this: compare mean images before speaking of turnover.",
            )
