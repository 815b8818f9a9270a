"""How much was simulated."""

from typing import Any

from groundtrace.report.comparison import Recordings
from groundtrace.report.figure import Figure
from groundtrace.report.html import number


def context(data: Recordings) -> dict[str, Any]:
    return {"figures": totals(data)}


def totals(data: Recordings) -> list[Figure]:
    own = data.counted.unique(["session", "plane", "cell"])
    controls = sum(row.control for row in data.board)
    return [
        Figure("sessions", number(data.sessions.height, 9), "", "simulated, each with its truth"),
        Figure("indicators", number(data.sessions["indicator"].n_unique(), 9), "", ""),
        Figure("cells", number(own.height, 9), "", "somata that can be seen and that fired"),
        Figure("spikes", number(int(own["true_spikes"].sum() or 0), 9), "", "of these cells"),
        Figure("recipes", number(len(data.board) - controls, 9), "", f"and {controls} with a control in them"),
    ]
