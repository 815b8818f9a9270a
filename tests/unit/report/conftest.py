"""Fixtures of the report tests."""

from pathlib import Path

import pytest

from groundtrace.report.session import SessionInputs
from tests.unit.report.report_example import example_session


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def session() -> SessionInputs:
    """A recording of 40 ROIs without faults but two dropped frames."""
    return example_session(rois=40, frames=3000, side=128)
