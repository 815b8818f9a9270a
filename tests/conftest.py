"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What Numba compiles is kept for all tests and all processes that they start, whatever their home.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache/numba"))


LONG = ("test_extraction.py", "workflow", "browser", "contract", "training", "motion")
"""Files and folders whose tests take longest."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that no worker is left with one at the end."""
    items.sort(key=lambda item: min((LONG.index(part) for part in item.path.parts if part in LONG), default=len(LONG)))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder with real recordings; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("GROUNDTRACE_TEST_DATA", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("real recordings are not here; set GROUNDTRACE_TEST_DATA to their folder")
    return folder
