"""Noise against population size."""

from typing import Any

from groundtrace.report.study import StudyInputs

REFERENCE_CELLS = 150
"""The √n line goes through this many neurons at ν = 1 % Hz^-1/2."""


def data(study: StudyInputs) -> dict[str, Any]:
    return {"referenceCells": REFERENCE_CELLS}
