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
    yield tmp_path / "workflow"
    forget()


def forget() -> None:
    for function in (provenance.source_hash, provenance._source, provenance._module_path):
        function.cache_clear()


def hashes(workflow: Path) -> dict[str, str]:
    forget()
    modules = {
        "ingest": ["groundtrace.movies.formats.bruker"],
        "motion": ["groundtrace.motion.suite2p"],
        "dff": [],
        "spikes": ["groundtrace.spikes.oasis"],
    }
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


def test_a_reader_changes_the_sessions_of_its_format_only(package):
    formats = "src/groundtrace/movies/formats"
    assert changed(package, f"{formats}/bruker.py", '"bidirectionalZ"', '"bidirectional"') == {"ingest"}
    assert changed(package, f"{formats}/thor.py", '"averageNum"', '"average"') == set()


def test_a_shared_function_changes_all_that_use_it(package):
    old = "return 100 * median_absolute_difference(dff)"
    assert changed(package, "src/groundtrace/traces/noise.py", old, "return 99 * median_absolute_difference(dff)") == {
        "dff"
    }
    old = "np.median(difference)"
    assert changed(package, "src/groundtrace/traces/noise.py", old, "np.mean(difference)") == {"dff", "spikes"}


def test_a_table_changes_the_steps_that_write_it(package):
    old = '"Hz", "expected spikes per second'
    assert changed(package, "src/groundtrace/spikes/tables.py", old, '"kHz", "expected spikes per second') == {"spikes"}


def test_a_new_neighbour_changes_nothing(package):
    assert (
        changed(package, "src/groundtrace/traces/tables.py", "class Traces(Table)", "X = 1\n\n\nclass Traces(Table)")
        == set()
    )


def test_comments_and_docstrings_change_nothing(package):
    file = package / "src/groundtrace/traces/noise.py"
    before = hashes(package)
    file.write_text('"""Other words."""\n# a comment\n' + file.read_text().split('"""', 2)[2])
    edit(file, '    """Standardized noise level', '    """The standardized noise level')
    assert hashes(package) == before


def test_what_a_job_asks_for_changes_nothing(package):
    assert changed(package, "src/groundtrace/spikes/oasis.py", "Need(310,", "Need(320,") == set()
    assert changed(package, "src/groundtrace/spikes/oasis.py", "    need: Class", "    other: Class") == {"spikes"}


def test_the_script_itself_counts(package):
    assert changed(package, "scripts/dff.py", '"numpy", "scipy"', '"numpy"') == {"dff"}


def test_where_a_definition_lives_changes_nothing(package):
    """The last move of modules that reran everybody's results is behind us."""
    before = hashes(package)
    source = package / "src/groundtrace"
    (source / "traces/noise.py").rename(source / "sound.py")
    for path in package.rglob("*.py"):
        path.write_text(path.read_text().replace("groundtrace.traces.noise", "groundtrace.sound"))
    assert hashes(package) == before
    # Two imports instead of one.
    edit(source / "traces/dff.py", "import noise_sd, shot_noise_level", "import noise_sd")
    edit(
        source / "traces/dff.py",
        "import noise_sd\n",
        "import noise_sd\nfrom groundtrace.sound import shot_noise_level\n",
    )
    assert hashes(package) == before


def test_definitions_that_read_alike_are_followed_each(package):
    """`run` of two modules is the same line, and calls what each of them means by `inner`."""
    source = package / "src/groundtrace"
    for name, value in (("one", 1), ("two", 2)):
        (source / f"{name}.py").write_text(f"def inner():\n    return {value}\n\n\ndef run():\n    return inner()\n")
    script = package / "scripts/dff.py"
    script.write_text("from groundtrace import one, two\n" + script.read_text())
    edit(script, "with job(", "one.run(), two.run()\nwith job(")
    assert changed(package, "src/groundtrace/two.py", "return 2", "return 3") == {"dff"}


def test_history_accumulates_without_repeats(tmp_path):
    import numpy as np
    import polars as pl

    from groundtrace.extraction.tables import Fluorescence
    from groundtrace.io import read_provenance, write_table
    from groundtrace.tables import list_column

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
