"""A made-up session of two planes, as exports get it."""

from pathlib import Path

import pytest

import groundtrace
from groundtrace.results import SessionResults
from tests.study import example_entry, example_plane, write_example_study


@pytest.fixture(scope="session")
def planes(tmp_path_factory) -> list[SessionResults]:
    """Planes of 4 and 6 ROIs with 600 frames of 48 × 64 px, four of them bad."""
    folder: Path = tmp_path_factory.mktemp("exports") / "results"
    sessions = [example_plane(0), example_plane(1, rois=6)]
    write_example_study(folder, [(example_entry(folder, session), session) for session in sessions])
    return list(groundtrace.open_study(folder))
