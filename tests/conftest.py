"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder with real recordings; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("GROUNDTRACE_TEST_DATA", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("real recordings are not here; set GROUNDTRACE_TEST_DATA to their folder")
    return folder
