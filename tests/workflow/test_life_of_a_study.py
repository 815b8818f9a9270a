"""What happens to a finished study when its sheet is corrected and its raw data move: only what has changed runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

from tests.workflow.conftest import Project

COLUMNS = "subject\tsession\tpath\tframe_rate\tindicator\tlocation\n"
ROW = "{subject}\t1\t{path}\t30\t{indicator}\t{location}\n"
DISCS = [(y, x) for y in range(8, 64, 16) for x in range(8, 64, 16)]


def sheet(**changes: str) -> str:
    """Of two sessions; changes are those of the first."""
    rows = ({"subject": "a", "path": "raw/a.tif"} | changes, {"subject": "b", "path": "raw/b.tif"})
    return COLUMNS + "".join(ROW.format(**{"indicator": "jGCaMP8m", "location": ""} | row) for row in rows)


def movie(seed: int) -> np.ndarray:
    """(T, Y, X) of discs that blink."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    light = np.full((300, 64, 64), 20.0)
    for at_y, at_x in DISCS:
        spikes = generator.random(300) < 0.03
        trace = np.convolve(spikes, np.exp(-np.arange(60) / 8))[:300]
        light += 30 * ((y - at_y) ** 2 + (x - at_x) ** 2 < 25) * (0.5 + trace[:, None, None])
    return generator.poisson(light).astype(np.uint16)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("study") / "project", sheet())
    project.configure(
        recipes={"default": {"motion": "none", "spikes": "oasis"}},
        motion={"none": {"backend": "none"}},
        spikes={"oasis": {"backend": "oasis"}},
    )
    (project.folder / "raw").mkdir()
    for seed, name in enumerate("ab"):
        tifffile.imwrite(project.folder / f"raw/{name}.tif", movie(seed))
    cut_short = project.folder / "raw/b.tif"
    cut_short.write_bytes(cut_short.read_bytes()[:-100])
    project.run()
    return project


@pytest.fixture
def finished_study(study, tmp_path) -> Project:
    return study.copy(tmp_path / "copy")


def correct(project: Project, **changes: str) -> None:
    (project.folder / "test.tsv").write_text(sheet(**changes))


def move(project: Project, file: str, to: str) -> Path:
    (project.folder / to).parent.mkdir(exist_ok=True)
    return Path(shutil.move(project.folder / file, project.folder / to))


def test_what_a_step_says_reaches_page_tables_and_status(finished_study):
    results = finished_study.folder / "results"
    assert "warning: raw/b.tif: is cut short" in (results / "logs/sub-b/ses-1/plane-0/ingest.log").read_text()
    found = pl.read_parquet(results / "warnings.parquet").filter(kind="cut_short")
    row = found.row(0, named=True)
    assert (row["session"], row["step"], row["severity"]) == ("sub-b/ses-1", "ingest", "warning")
    assert row["title"].startswith("b.tif: is cut short: its first 299 frames are read")
    assert row["advice"] == "If the original is longer, copy it again."
    own = pl.read_parquet(results / "sub-b/ses-1/plane-0/warnings-default.parquet")
    assert own.filter(kind="cut_short").rows() == found.rows()
    for page in ("index.html", "sub-b/ses-1/plane-0/report-default.html"):
        assert row["title"] in (results / page).read_text()
    command = [sys.executable, "-m", "groundtrace.running.status", "test.yaml"]
    package = {**os.environ, "PYTHONPATH": str(finished_study.folder / "workflow/src")}
    status = subprocess.run(
        command, cwd=finished_study.folder, env=package, capture_output=True, text=True, check=True
    ).stdout
    assert f"warning cut_short (ingest), 1 row: sub-b/ses-1 plane 0 default: {row['title']}" in status


def test_a_movie_that_was_moved_and_renamed_reruns_nothing(finished_study):
    moved = move(finished_study, "raw/a.tif", "archive/first.tif")
    correct(finished_study, path="archive/first.tif")
    assert finished_study.planned() == {}
    moved.touch()
    assert finished_study.planned() == {}
    tifffile.imwrite(moved, movie(7))
    assert finished_study.planned()["ingest"] == 1


def test_another_movie_reruns_its_session_though_it_is_older(finished_study):
    correct(finished_study, path="raw/b.tif")
    assert finished_study.planned()["ingest"] == 1


def test_a_label_reruns_pages_alone(finished_study):
    correct(finished_study, location="V1")
    assert finished_study.planned() == {"session_report": 1, "study": 1}
    finished_study.run()
    assert "V1" in (finished_study.folder / "results/sub-a/ses-1/plane-0/report-default.html").read_text()
    assert finished_study.planned() == {}


def test_an_indicator_reruns_what_reads_it(finished_study):
    correct(finished_study, indicator="jGCaMP8s")
    assert finished_study.planned() == {"spikes": 1, "session_report": 1, "study": 1}


def test_without_its_raw_data_a_finished_session_stays(finished_study):
    (finished_study.folder / "raw/a.tif").unlink()
    said = finished_study.snakemake("-n").said
    assert "row 2 (sub-a ses-1): path: 'raw/a.tif' does not exist; its results stay" in said
    assert finished_study.planned() == {}
    # What needs no movie is still made of both; the other session alone has a movie to find cells in.
    finished_study.configure(spikes={"oasis": {"backend": "oasis", "decay_time": 0.5}})
    assert finished_study.planned() == {"spikes": 2, "session_report": 2, "study": 1}
    finished_study.configure(extract={"transients": {"backend": "transients", "max_rois": 50}})
    planned = finished_study.planned()
    assert {rule: planned[rule] for rule in ("ingest", "extract", "spikes")} == {"ingest": 1, "extract": 1, "spikes": 2}


def test_a_renamed_session_is_recognised_and_keeps_what_was_made(finished_study):
    curation = finished_study.folder / "curation/sub-a/ses-1/plane-0/default.tsv"
    curation.parent.mkdir(parents=True)
    curation.write_text("session\troi\taccepted\nsub-a/ses-1\t0\tfalse\n")
    finished_study.run()
    text = (finished_study.folder / "test.tsv").read_text().replace("\na\t1\t", "\nmouse\t7\t")
    (finished_study.folder / "test.tsv").write_text(text)
    said = finished_study.snakemake("-n").said
    assert "row 2 (sub-mouse ses-7): its raw data are those of results/sub-a/ses-1, which the sheet does not" in said
    assert "ingest" in finished_study.planned()
    results = finished_study.folder / "results"
    before = (results / "sub-a/ses-1/plane-0/frames.parquet").read_bytes()
    command = re.search(r"python -m (groundtrace.running.renaming \S+ \S+)", said)
    assert command
    package = {**os.environ, "PYTHONPATH": str(finished_study.folder / "workflow/src")}
    done = subprocess.run(
        [sys.executable, "-m", *command[1].split(), "test.yaml"],
        cwd=finished_study.folder, env=package, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert finished_study.planned() == {"session_report": 1, "study": 1}
    finished_study.run()
    assert not (results / "sub-a").exists()
    assert not curation.exists()
    assert (results / "sub-mouse/ses-7/plane-0/frames.parquet").read_bytes() == before
    assert "sub-mouse/ses-7" in (results / "sub-mouse/ses-7/plane-0/report-default.html").read_text()
    assert finished_study.planned() == {}
    # What is recorded of its files came along: a change is still noticed.
    finished_study.configure(spikes={"oasis": {"backend": "oasis", "decay_time": 0.5}})
    assert finished_study.planned() == {"spikes": 2, "session_report": 2, "study": 1}


def test_a_new_session_without_raw_data_fails_alone(finished_study):
    with (finished_study.folder / "test.tsv").open("a") as lines:
        lines.write(ROW.format(subject="c", path="raw/c.tif", indicator="jGCaMP8m", location=""))
    correct_b = finished_study.folder / "raw/b.tif"
    tifffile.imwrite(correct_b, movie(5))
    done = finished_study.snakemake()
    assert done.returncode != 0
    page = (finished_study.folder / "results/index.html").read_text()
    assert "&#39;raw/c.tif&#39; does not exist; copy the raw data back" in page or "'raw/c.tif' does not exist" in page
    summary = done.said.split("Not everything was made.")[1]
    assert "step report           2        0        0        1" in summary
