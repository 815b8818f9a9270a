"""One bad recording stops neither the others nor the study page, and leaves nothing half-written."""

import os
import re
import shutil

import numpy as np
import polars as pl
import pytest
import tifffile

import groundtrace
from groundtrace.running.layout import UNFINISHED
from tests.workflow.conftest import SUITE2P, Project

SHEET = """\
subject\tsession\tpath\tframe_rate\tindicator\tsimulate
good\t1\t\t30\tjGCaMP8m\tsmall
bad\t1\tbad.tif\t30\tGCaMP6s\t
"""


def movie(frames: int) -> np.ndarray:
    return np.random.default_rng(0).poisson(50, (frames, 64, 64)).astype(np.uint16)


@pytest.fixture(scope="module")
def failed(tmp_path_factory) -> tuple[Project, str]:
    """A project with a movie of which hardly anything was copied, and what its run said."""
    project = Project.make(tmp_path_factory.mktemp("failures") / "project", SHEET)
    project.drop_methods(*SUITE2P)
    bad = project.folder / "bad.tif"
    tifffile.imwrite(bad, movie(200))
    bad.write_bytes(bad.read_bytes()[:4000])
    done = project.snakemake()
    assert done.returncode != 0
    return project, done.said


@pytest.fixture(scope="module")
def mended(failed, tmp_path_factory) -> Project:
    """A copy of it in which the movie is whole: only its session and the study run."""
    project = failed[0].copy(tmp_path_factory.mktemp("mended") / "project")
    tifffile.imwrite(project.folder / "bad.tif", movie(200))
    one = ("ingest", "motion", "extract", "dff", "spikes", "session_report", "study")
    assert project.planned() == dict.fromkeys(one, 1)
    project.run()
    return project


def test_a_bad_movie_is_named_and_the_others_finish(failed):
    project, said = failed
    assert "bad.tif" in said
    results = project.folder / "results"
    assert (results / "sub-good/ses-1/plane-0/report-default.html").exists()
    assert [path for path in (results / "sub-bad").rglob("*") if path.is_file()] == []
    page = (results / "index.html").read_text()
    assert "cut short inside its first frame" in page
    assert "logs/sub-bad/ses-1/plane-0/ingest.log" in page


def test_a_study_with_a_failed_session_opens(failed):
    study = groundtrace.open_study(failed[0].folder / "results")
    assert [session.session for session in study] == ["sub-good/ses-1"]
    (bad,) = study.sessions.query("status == 'failed'").itertuples()
    assert (bad.session, "cut short" in bad.reason) == ("sub-bad/ses-1", True)


def test_a_run_says_what_it_does_and_sums_up(failed):
    _, said = failed
    assert "ingest sub-bad/ses-1, plane 0" in said
    summary = said[said.index("Not everything was made.") :]
    assert re.search(r"step ingest +1 +0 +1 +0\n", summary)
    assert re.search(r"step report +1 +0 +0 +1\n", summary)
    assert re.search(r"  results/logs/sub-bad/ses-1/plane-0/ingest.log: .*cut short", summary)
    assert "results/index.html" in summary
    # One line a job; only one that failed is shown with its files.
    assert "fluorescence.parquet" not in said


def test_what_failed_is_tried_again_though_nothing_has_changed(failed):
    project, _ = failed
    assert project.planned() == dict.fromkeys(
        ("ingest", "motion", "extract", "dff", "spikes", "session_report", "study"), 1
    )


def test_a_session_whose_folder_is_deleted_is_made_again(mended, tmp_path):
    folder, kept = mended.folder / "results/sub-bad", tmp_path / "kept"
    shutil.move(folder, kept)
    planned = mended.planned()
    shutil.move(kept, folder)
    assert planned["ingest"] == planned["study"] == 1
    assert mended.planned() == {}


def test_only_what_failed_runs_again(mended):
    study = pl.read_parquet(mended.folder / "results/study.parquet")
    assert study["status"].to_list() == ["done", "done"]
    assert not (mended.folder / "results" / UNFINISHED).exists()


def test_a_movie_that_was_only_touched_reruns_nothing(mended):
    bad = mended.folder / "bad.tif"
    assert bad.stat().st_size > 1_000_000  # from where on Snakemake compares files by their time alone
    bad.touch()
    assert mended.planned() == {}


def test_results_that_are_copied_to_a_fresh_clone_rerun_nothing(mended, tmp_path):
    clone = Project.make(tmp_path / "clone", SHEET)
    clone.drop_methods(*SUITE2P)
    for part in ("results", ".snakemake", "bad.tif"):
        copy = shutil.copy2 if part == "bad.tif" else shutil.copytree
        copy(mended.folder / part, clone.folder / part)
    assert clone.planned() == {}


def test_another_movie_reruns_its_session_alone(mended):
    bad = mended.folder / "bad.tif"
    kept, state = bad.read_bytes(), bad.stat()
    tifffile.imwrite(bad, movie(200)[::-1])
    one = ("ingest", "motion", "extract", "dff", "spikes", "session_report", "study")
    assert mended.planned() == dict.fromkeys(one, 1)
    bad.write_bytes(kept)
    os.utime(bad, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_realism_and_suggestions_come_from_real_and_simulated_sessions(mended, tmp_path):
    project = mended.copy(tmp_path / "copy")  # movies are made again, and pages are then older than what they show
    project.run("--", "realism", "suggest")
    results = project.folder / "results"
    realism = pl.read_parquet(results / "realism.parquet")
    assert set(realism["session"]) == {"sub-good/ses-1", "sub-bad/ses-1"}
    suggested = pl.read_parquet(results / "suggest.parquet")
    assert set(suggested["session"]) == {"sub-bad/ses-1"}
    assert set(suggested["recipe"]) == {"default"}
    for page in ("realism.html", "suggest.html"):
        assert "sub-bad/ses-1" in (results / page).read_text()


def test_a_wrong_sheet_or_config_starts_no_job(tmp_path):
    project = Project.make(tmp_path / "project", "subject\tsession\tindicator\tframe_rate\npath\t1\tGCaMP9\t0\n")
    done = project.snakemake()
    said = done.said
    assert done.returncode != 0
    assert "row 2 (sub-path ses-1): indicator: 'GCaMP9' is not known" in said
    assert "row 2 (sub-path ses-1): frame_rate: '0' is not allowed" in said
    assert "Traceback" not in said
    assert not (project.folder / "results").exists()

    project.configure(dff={"basline": {}})
    done = project.snakemake()
    assert "dff.basline: unknown key; known here: axial, baseline, neuropil, subtract_offset" in done.said
    assert "Traceback" not in done.said
