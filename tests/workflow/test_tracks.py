"""Sessions of one field are tracked by the default run, each field apart, and again with the same bytes."""

import shutil

import polars as pl
import pytest

from tests.workflow.conftest import Project

COLUMNS = "subject\tsession\tfield\tframe_rate\tindicator\tsimulate\n"
ROWS = "a\t1\tF\t15\tjGCaMP8m\tstill\na\t2\tF\t15\tjGCaMP8m\tstill\n"
FOLDER = "results/sub-a/field-F/plane-0/default/track-mixture"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory) -> Project:
    still = {"seed": 1, "frames": 450, "height": 128, "width": 128, "motion": 0, "nonrigid": 0, "line_jitter": 0}
    project = Project.make(
        tmp_path_factory.mktemp("tracked"),
        COLUMNS + ROWS,
        recipes={"default": {"motion": "none", "spikes": "oasis"}},
    )
    project.configure(simulation={"still": still})
    project.run()
    return project


def tables(project: Project) -> dict[str, bytes]:
    return {
        name: content
        for table in ("tracks", "pairs", "alignment")
        for name, content in project.bytes_of(f"{table}.parquet").items()
    }


def test_the_default_run_tracks_fields_and_the_study_counts_tracked_cells(tracked):
    found = pl.read_parquet(tracked.folder / FOLDER / "tracks.parquet")
    study = pl.read_parquet(tracked.folder / "results/study.parquet")
    counted = found.filter(pl.col("sessions") > 1).group_by("session", maintain_order=True).len()
    assert counted["len"].to_list() == study["tracked"].to_list()
    assert (study["tracked"] > 0).all()
    assert "One cell, all sessions" in (tracked.folder / FOLDER / "tracks.html").read_text()
    assert tracked.planned() == {}


def test_tracking_again_gives_the_same_bytes(tracked, tmp_path):
    project = tracked.copy(tmp_path / "again")
    before = tables(project)
    assert len(before) == 3
    shutil.rmtree(project.folder / FOLDER)
    project.run("--", "track")
    assert tables(project) == before


def test_a_new_session_reruns_its_field_alone(tracked, tmp_path):
    project = tracked.copy(tmp_path / "more")
    with (project.folder / "test.tsv").open("a") as sheet:
        sheet.write("a\t3\tF\t15\tjGCaMP8m\tstill\n")
    own = (
        "simulate",
        "ingest",
        "motion",
        "extract",
        "dff",
        "spikes",
        "session_report",
        "study",
        "tracks",
        "tracks_page",
    )
    assert project.planned() == dict.fromkeys(own, 1)
    with (project.folder / "test.tsv").open("a") as sheet:
        sheet.write("b\t1\tF\t15\tjGCaMP8m\tstill\n")
    assert project.planned()["tracks"] == 1


def test_a_failed_session_is_named_and_the_others_are_tracked(tracked, tmp_path):
    """When it can be made, or is taken out of the field, the field is tracked anew."""
    project = tracked.copy(tmp_path / "failed")
    before = pl.read_parquet(project.folder / FOLDER / "tracks.parquet")
    sheet, (first, second) = project.folder / "test.tsv", ROWS.splitlines()
    header, bad = f"{COLUMNS.strip()}\tpath\n", "a\t1b\t{}\t15\tjGCaMP8m\t\tbad.tif\n"
    sheet.write_text(f"{header}{first}\t\n{bad.format('F')}{second}\t\n")
    (project.folder / "bad.tif").write_bytes(b"II*\0")
    done = project.snakemake()
    assert done.returncode != 0
    assert "tracked without sub-a/ses-1b" in done.said
    alignment = pl.read_parquet(project.folder / FOLDER / "alignment.parquet")
    assert alignment["session"].to_list() == ["sub-a/ses-1", "sub-a/ses-1b", "sub-a/ses-2"]
    assert alignment["aligned"].to_list() == [True, False, True]
    assert alignment["reason"][1].startswith("ingest: ")
    assert pl.read_parquet(project.folder / FOLDER / "tracks.parquet").equals(before)
    assert "sub-a/ses-1b failed" in (project.folder / FOLDER / "tracks.html").read_text()
    assert project.planned()["tracks"] == 1
    sheet.write_text(f"{header}{first}\t\n{bad.format('')}{second}\t\n")
    assert project.planned("--", "track") == {"tracks": 1, "tracks_page": 1, "track": 1}


def test_no_field_is_a_plain_error(tracked, tmp_path):
    project = tracked.copy(tmp_path / "none")
    (project.folder / "test.tsv").write_text(COLUMNS + ROWS.splitlines()[0] + "\n")
    done = project.snakemake("-n", "--", "track")
    assert done.returncode != 0
    assert "track: no subject of test.tsv has two sessions of one field; fill the column field" in done.said
