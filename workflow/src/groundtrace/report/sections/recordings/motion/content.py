"""Scores of motion correction."""

from typing import Any

from groundtrace.benchmark.ranking import NO_MOTION
from groundtrace.report.comparison import ALONG, BoardRow, Methods, Recordings, board, paint, trend
from groundtrace.report.svg import Axis, Panel

COLUMNS = (
    ("residual", "all", "px, RMS over field and frames of the displacement that is left"),
    ("residual_rigid", "rigid part", "px, the same of its mean over the field"),
    ("residual_99", "99 %", "px, 99th percentile over frames of the RMS over the field"),
    ("residual_rest", "at rest", "px, over the frames at rest"),
    ("residual_moving", "moving", "px, over the frames during locomotion"),
    ("frames_lost", "frames lost", "share of frames off by more than 2 px or marked bad"),
)


def context(data: Recordings) -> dict[str, Any]:
    return {
        "rows": motion_board(data),
        "columns": COLUMNS,
        "panels": motion_charts(data),
        "legend": list(motion_colours(data).items()),
    }


def motion_colours(data: Recordings) -> dict[str, str]:
    names = sorted(set(data.motion["motion_method"]))
    return paint([name for name in names if name != NO_MOTION], [name for name in names if name == NO_MOTION])


def motion_board(data: Recordings) -> list[BoardRow]:
    """The smallest residual first."""
    axis = Axis("", 0, max(data.motion["residual"].to_list(), default=1))
    table = data.motion.with_columns(label="motion_method")
    return board(data, table, "motion", COLUMNS, motion_colours(data), axis)


def motion_charts(data: Recordings) -> list[Panel]:
    methods = Methods("motion_method", motion_colours(data), [NO_MOTION])
    residual = Axis("residual (px)", 0, 0.1)
    panels = []
    for along in ("photons", "motion", "nonrigid", "axial"):
        panels += trend(data, data.motion, along, ALONG[along], residual, methods, "residual")
    return panels
