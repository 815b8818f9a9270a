"""Stimuli in the sheet: from the file of presentations to the session page, and what a changed window reruns."""

import polars as pl
import pytest

from groundtrace.io import read_provenance
from tests.workflow.conftest import Project

SHEET = "subject\tsession\tframe_rate\tindicator\tsimulate\tstimuli\nA\t1\t30\tjGCaMP8m\tsmall\tstimuli.csv\n"
RECIPE = {"default": {"motion": "phase", "extract": "transients", "spikes": "network"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("stimuli") / "project", SHEET, recipes=RECIPE)
    rows = [f"{0.5 + 0.5 * i},{0.75 + 0.5 * i},gratings,{45 * (i % 4)}" for i in range(18)]
    (project.folder / "stimuli.csv").write_text("start_time,stop_time,stimulus,orientation\n" + "\n".join(rows) + "\n")
    project.run()
    return project


def test_every_table_is_there_with_its_history(project):
    plane = project.folder / "results/sub-A/ses-1/plane-0"
    presentations = pl.read_parquet(plane / "presentations.parquet")
    assert presentations["orientation"].to_list()[:4] == [0, 45, 90, 135]
    assert presentations["condition"].n_unique() == 4
    tables = {
        name: next(plane.rglob(f"{name}-network.parquet")) for name in ("responses", "reliability", "tuning", "spikes")
    }
    heights = {name: pl.read_parquet(path).height for name, path in tables.items()}
    assert len(set(heights.values())) == 1
    responses = pl.read_parquet(tables["responses"])
    assert responses["response"].list.len().unique().to_list() == [18]
    assert responses["response_error"].list.len().unique().to_list() == [18]
    steps = [step["step"] for step in read_provenance(tables["reliability"])["history"]]
    assert steps[-3:] == ["spikes", "presentations", "responses"]
    page = next(plane.glob("report-default.html")).read_text()
    assert "18 presentations of 4 conditions" in page


def test_a_changed_window_reruns_responses_and_what_follows(project):
    assert project.planned() == {}
    project.configure(responses={"duration": 0.5})
    assert project.planned() == {"responses": 1, "session_report": 1, "study": 1}
    project.configure(responses={})
    assert project.planned() == {}
