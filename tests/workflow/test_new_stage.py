"""Recipes 2 and 3 of CONTRIBUTING.md, followed: what a new stage costs, and what comes by itself."""

import os
import shutil
import subprocess
import sys

import polars as pl
import pytest

from groundtrace.io import read_provenance
from tests.workflow.conftest import ROOT, SOURCE, Project

ADDED = ROOT / "tests/stage"
"""The stage `bleaching`, laid over the project, and a section of the session page that shows it."""
LAYOUT, PAGES = f"{SOURCE}/groundtrace/running/layout.py", f"{SOURCE}/groundtrace/report/pages.py"
FILE = 'f"{PLANE}/bleaching.parquet"'
LINES = (
    ("workflow/Snakefile", 'include: "rules/ingest.smk"\n', 'include: "rules/bleaching.smk"\n'),
    (LAYOUT, "lambda entry: not entry.adopted),\n", f'    Stage("bleaching", f"{{PLANE}}/bleaching", {FILE}),\n'),
    (LAYOUT, "FILES = {\n", f'    "bleaching": {FILE},\n'),
    (PAGES, '        "recording",\n', '        "bleaching",\n'),
)
"""Lines that are added: file, line before it, line."""
SHEET = "subject\tsession\tframe_rate\tindicator\tsimulate\na\t1\t30\tjGCaMP8m\ttiny\n"
TABLE = "results/sub-a/ses-1/plane-0/bleaching.parquet"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project with the stage, of which only its table was made."""
    project = Project.make(tmp_path_factory.mktemp("stage") / "project", SHEET)
    project.configure(simulation={"tiny": {"frames": 300, "height": 32, "width": 32, "bleaching": 0.5}})
    project.own_source()
    shutil.copytree(ADDED, project.folder, dirs_exist_ok=True)
    for file, before, line in LINES:
        project.edit(file, before, before + line)
    project.run("--", TABLE)
    return project


def test_a_stage_costs_eight_files_at_most():
    files = {path for path in ADDED.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    section = {path for path in files if "report" in path.parts}
    edited = {file for file, *_ in LINES if file != PAGES}
    assert len(files - section) + len(edited) <= 8
    # A section is one folder and one line.
    assert len({path.parent for path in section}) == [file for file, *_ in LINES].count(PAGES) == 1


def test_its_table_has_values_with_errors_and_a_history(project):
    table = pl.read_parquet(project.folder / TABLE)
    assert table["rate"].item() > 3 * table["rate_error"].item() > 0
    steps = [step["step"] for step in read_provenance(project.folder / TABLE)["history"]]
    assert steps == ["ingest", "bleaching"]
    assert (project.folder / "results/logs/sub-a/ses-1/plane-0/bleaching.log").exists()


def test_the_status_counts_it(project):
    said = subprocess.run(
        [sys.executable, "-m", "groundtrace.running.status", "config/config.yaml", "test.yaml"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder / SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    counts = {line.split()[1]: line.split()[2:] for line in said.splitlines() if line.startswith("step ")}
    assert counts["bleaching"] == ["1", "0", "0", "0"]
    assert counts["spikes"] == ["0", "0", "0", "1"]


def test_the_session_page_waits_for_it(project):
    planned = project.planned()
    assert planned["bleaching"] == planned["session_report"] == 1


def test_its_code_is_followed(project):
    assert project.planned("--", TABLE) == {}
    fit = f"{SOURCE}/groundtrace/bleaching/fit.py"
    project.edit(fit, "minutes, light, 1,", "minutes, light, 2 - 1,")
    planned = project.planned("--", TABLE)
    project.edit(fit, "minutes, light, 2 - 1,", "minutes, light, 1,")
    assert planned == {"bleaching": 1}
