"""The column `exclude`: checked before any job starts, and nothing is told from these frames in any later step."""

import numpy as np
import polars as pl
import pytest

from tests.workflow.conftest import Project

SHEET = "subject\tsession\tframe_rate\tindicator\tsimulate\texclude\nA\t1\t30\tjGCaMP8m\tsmall\tbad.csv\n"
EXCLUDED = np.r_[60:90, 200]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("excluded") / "project", SHEET)
    (project.folder / "bad.csv").write_text("frame\n" + "\n".join(map(str, EXCLUDED)) + "\n")
    project.run()
    return project


def refused(project: Project) -> str:
    done = project.snakemake("-n")
    assert done.returncode != 0
    return done.said


def test_what_is_wrong_with_the_file_is_said_before_any_job(tmp_path):
    project = Project.make(tmp_path / "project", SHEET)
    bad = project.folder / "bad.csv"
    assert "row 2 (sub-A ses-1): exclude: 'bad.csv' does not exist" in refused(project)
    bad.write_text("frame\n300\n")
    assert "row 2 (sub-A ses-1): exclude: bad.csv: frame 300 is outside the recording" in refused(project)
    bad.write_text("from,to\n1,2\n")
    assert "row 2 (sub-A ses-1): exclude: bad.csv: the columns from, to are not known" in refused(project)


def test_excluded_frames_count_nowhere(project):
    results = project.folder / "results"
    table = {path.name: pl.read_parquet(path) for path in sorted(results.glob("sub-A/ses-1/plane-0/**/*.parquet"))}
    assert np.flatnonzero(table["frames.parquet"]["excluded"]).tolist() == EXCLUDED.tolist()
    reasons = table["shifts.parquet"].filter(pl.col("reason") == "excluded")
    assert reasons["frame"].to_list() == EXCLUDED.tolist()
    assert reasons["bad"].all()
    assert not table["brightness.parquet"]["usable"].to_numpy()[EXCLUDED].any()
    for name, column in (("traces.parquet", "dff"), ("spikes-network.parquet", "rate")):
        values = np.array(table[name][column].to_list())
        assert len(values)
        assert np.isnan(values[:, EXCLUDED]).all()
        assert np.isfinite(values[:, 100:200]).all()
    page = next(results.rglob("report-default.html")).read_text()
    assert "31 frames excluded by the sheet" in page


def test_other_content_reruns_the_session_and_another_place_does_not(project, tmp_path):
    project = project.copy(tmp_path / "copy")
    assert project.planned() == {}
    (project.folder / "bad.csv").rename(project.folder / "moved.csv")
    project.edit("test.tsv", "bad.csv", "moved.csv")
    assert project.planned() == {}
    (project.folder / "moved.csv").write_text("frame\n7\n")
    assert "ingest" in project.planned()
