"""A backend of another package: installed, checked and scored without a file of ours being touched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from groundtrace.io import read_provenance
from tests.workflow.conftest import ROOT, SUITE2P, Project

SHEET = "subject\tsession\tindicator\tframe_rate\tsimulate\na\t1\tjGCaMP8m\t30\tsmall\n"
CHECK = """
import sys
from example_motion import Peak
from groundtrace.testing import check_motion
check_motion(Peak())
assert "pytest" not in sys.modules
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Where the example is installed."""
    source, site = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "tests/plugin", source)
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", site, source], check=True)
    return site


def test_it_keeps_what_motion_backends_promise(site):
    path = os.pathsep.join([str(site), str(ROOT / "workflow/src")])
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_workflow_runs_it_and_the_benchmark_scores_it(site, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(site))
    recipes = {"default": {"motion": "mine", "extract": "oracle", "spikes": "oasis"}}
    project = Project.make(tmp_path / "project", SHEET, motion={"mine": {"backend": "peak"}}, recipes=recipes)
    project.drop_methods(*SUITE2P, "phase: {backend: phase}")
    project.run("--", "benchmark")
    motion = pl.read_parquet(project.folder / "results/benchmark/motion.parquet")
    rows = {row["motion_method"]: row for row in motion.rows(named=True)}
    assert project.planned("--", "benchmark") == {}
    assert rows.keys() == {"none", "mine"}
    assert rows["mine"]["residual"] < 0.6 * rows["none"]["residual"]
    # What it says is kept with its tables.
    (shifts,) = (project.folder / "results/sub-a/ses-1/plane-0/motion-mine").glob("shifts.parquet")
    said = read_provenance(shifts)["history"][-1]["notices"]
    kept = {"kind": "whole_pixels", "found": "shifts are whole pixels", "advice": "use `phase` for parts of pixels"}
    assert said == [{"severity": "note", **kept}]
    # Its code is a part of what decides a result.
    module = site / "example_motion.py"
    text = module.read_text()
    module.write_text(text.replace("range(2)", "range(3)"))
    assert "motion correction (mine)" in project.run("-n", "--", "benchmark")
    module.write_text(text)
