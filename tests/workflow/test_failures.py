"""One bad recording stops neither the others nor the study page, and leaves nothing half-written."""

import numpy as np
import polars as pl
import tifffile

from tests.workflow.conftest import Project

SHEET = """\
subject\tsession\tpath\tframe_rate\tindicator\tsimulate
good\t1\t\t30\tjGCaMP8m\tsmall
bad\t1\tbad.tif\t30\tGCaMP6s\t
"""


def movie(frames: int) -> np.ndarray:
    return np.random.default_rng(0).poisson(50, (frames, 64, 64)).astype(np.uint16)


def test_a_bad_movie_is_named_and_the_others_finish(tmp_path):
    project = Project.make(tmp_path / "project", SHEET)
    bad = project.folder / "bad.tif"
    tifffile.imwrite(bad, movie(200))
    bad.write_bytes(bad.read_bytes()[:500_000])

    done = project.snakemake()
    assert done.returncode != 0
    assert "bad.tif" in done.stdout + done.stderr
    results = project.folder / "results"
    assert (results / "sub-good/ses-1/plane-0/report-default.html").exists()
    assert [path for path in (results / "sub-bad").rglob("*") if path.is_file()] == []
    page = (results / "index.html").read_text()
    assert "truncated" in page
    assert "logs/sub-bad/ses-1/plane-0/ingest.log" in page

    # The movie is copied again, whole: only its session and the study run.
    tifffile.imwrite(bad, movie(200))
    one = ("ingest", "motion", "extract", "dff", "spikes", "session_report", "study")
    assert project.planned() == dict.fromkeys(one, 1)
    project.run()
    study = pl.read_parquet(results / "study.parquet")
    assert study["status"].to_list() == ["done", "done"]


def test_a_wrong_sheet_or_config_starts_no_job(tmp_path):
    project = Project.make(tmp_path / "project", "subject\tsession\tindicator\tframe_rate\npath\t1\tGCaMP9\t0\n")
    done = project.snakemake()
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "row 2 (sub-path ses-1): indicator: 'GCaMP9' is not known" in said
    assert "row 2 (sub-path ses-1): frame_rate: '0' is not allowed" in said
    assert "Traceback" not in said
    assert not (project.folder / "results").exists()

    project.configure(dff={"basline": {}})
    done = project.snakemake()
    assert "dff.basline: unknown key; known here: baseline, neuropil, subtract_offset" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
