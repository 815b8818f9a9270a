"""The hash of the code a rule uses: it must change with what is used, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from groundtrace import provenance

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that may be edited; `hashes()` gives the hash of each step's script."""
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "workflow/src/groundtrace")
    return tmp_path / "workflow"


def hashes(workflow: Path) -> dict[str, str]:
    provenance.source_hash.cache_clear()
    provenance._source.cache_clear()
    modules = {"spikes": ["groundtrace.spikes.oasis"], "motion": ["groundtrace.motion.suite2p"], "dff": []}
    return {name: provenance.source_hash(str(workflow / f"scripts/{name}.py"), *used) for name, used in modules.items()}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def changed(workflow: Path, file: str, old: str, new: str) -> set[str]:
    before = hashes(workflow)
    edit(workflow / file, old, new)
    after = hashes(workflow)
    return {name for name in before if before[name] != after[name]}


def test_a_backend_changes_its_own_step_only(package):
    old = "np.maximum(found.s, 0)"
    assert changed(package, "src/groundtrace/spikes/oasis.py", old, "np.maximum(found.s, 1)") == {"spikes"}


def test_a_shared_function_changes_all_that_use_it(package):
    old = "return 100 * median_absolute_difference(dff)"
    assert changed(package, "src/groundtrace/noise.py", old, "return 99 * median_absolute_difference(dff)") == {"dff"}
    old = "np.median(difference)"
    assert changed(package, "src/groundtrace/noise.py", old, "np.mean(difference)") == {"dff", "spikes"}


def test_a_table_changes_the_steps_that_write_it(package):
    old = '"Hz", "expected spikes per second'
    assert changed(package, "src/groundtrace/tables.py", old, '"kHz", "expected spikes per second') == {"spikes"}


def test_a_new_neighbour_changes_nothing(package):
    assert (
        changed(package, "src/groundtrace/tables.py", "class Frames(Table)", "X = 1\n\n\nclass Frames(Table)") == set()
    )


def test_comments_and_docstrings_change_nothing(package):
    file = package / "src/groundtrace/noise.py"
    before = hashes(package)
    file.write_text('"""Other words."""\n# a comment\n' + file.read_text().split('"""', 2)[2])
    edit(file, '    """Standardized noise level', '    """The standardized noise level')
    assert hashes(package) == before


def test_the_script_itself_counts(package):
    assert changed(package, "scripts/dff.py", '"numpy", "scipy"', '"numpy"') == {"dff"}


def test_history_accumulates_without_repeats(tmp_path):
    import numpy as np
    import polars as pl

    from groundtrace.io import read_provenance, write_table
    from groundtrace.tables import Fluorescence, list_column

    frame = pl.DataFrame(
        {
            "roi": [0],
            "fluorescence": list_column(np.ones((1, 3), np.float32)),
            "neuropil": list_column(np.ones((1, 3), np.float32)),
        },
        schema_overrides={"roi": pl.Int32},
    )
    first = provenance.provenance("one", {"a": 1}, ["numpy"], [])
    write_table(tmp_path / "one.parquet", Fluorescence, frame, first)
    second = provenance.provenance("two", {"b": 2}, [], [tmp_path / "one.parquet", tmp_path / "one.parquet"])
    write_table(tmp_path / "two.parquet", Fluorescence, frame, second)
    found = read_provenance(tmp_path / "two.parquet")
    assert [entry["step"] for entry in found["history"]] == ["one", "two"]
    assert found["table"] == "Fluorescence"
    assert found["schema_version"] == 1
