"""The columns of the study that the scripts of its page read."""

from typing import Any

from groundtrace.report.study import StudyInputs

COLUMNS = (
    "session",
    "plane",
    "recipe",
    "status",
    "indicator",
    "frame_rate",
    "duration",
    "rois",
    "cells",
    "tracked",
    "curated",
    "noise_level",
    "snr",
    "spike_rate",
    "expected_correlation",
    "residual_motion",
    "field_width",
    "axial_width",
    "photon_rate",
    "bad_frames",
    "warnings",
    "reason",
    "report",
)


def data(study: StudyInputs) -> dict[str, Any]:
    return {"columns": {name: study.table[name].to_list() for name in COLUMNS}}
