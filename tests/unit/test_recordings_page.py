"""The page about unusual recordings: every row names a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_row_names_a_test_that_is_there():
    page = (ROOT / "docs/recordings.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.endswith("said | Test |")]
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)\(", tests, re.M))
    named = [re.search(r"\| `(test_\w+)` \|$", row) for row in rows]
    assert len(rows) >= 60
    assert [row for row, name in zip(rows, named, strict=True) if name is None or name[1] not in known] == []
