"""A file of sorted spikes: from the units of an NWB file to the page of their responses, through the same rules."""

import polars as pl
import pytest

from groundtrace.io import read_provenance
from tests.unit.adopted.units_example import write_units
from tests.workflow.conftest import Project

SHEET = (
    "subject\tsession\tpath\tformat\tunits\tstimuli\tstimulus_images\n"
    'A\t1\tecephys.nwb\tnwb_units\tarea == "VISam"\tecephys.nwb\tecephys.nwb\n'
)
RECIPE = {"default": {"motion": "phase", "extract": "transients", "spikes": "network"}}
ENCODING = {"encode": {"ln": {"backend": "linear"}}, "encoding": {"folds": 2, "cells": 1, "starts": 1, "steps": 2}}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("units") / "project", SHEET, recipes=RECIPE, **ENCODING)
    write_units(project.folder / "ecephys.nwb", units=12, images=16, repeats=3)
    project.run()
    return project


def test_nothing_is_made_but_what_spikes_have(project):
    plane = project.folder / "results/sub-A/ses-1/plane-0"
    names = sorted(path.name for path in plane.rglob("*.parquet"))
    assert names == [
        "encoding-given.parquet",
        "encoding_warnings-default.parquet",
        "frames.parquet",
        "in_silico_responses-given.parquet",
        "inside-given.parquet",
        "most_exciting_images-given.parquet",
        "presentations.parquet",
        "reliability-given.parquet",
        "responses-given.parquet",
        "spikes-given.parquet",
        "tuning-given.parquet",
        "warnings-default.parquet",
    ]
    units = pl.read_parquet(next(plane.rglob("spikes-given.parquet")))
    assert units["unit"].to_list() == ["1", "3", "5", "7", "9", "11"]
    steps = [step["step"] for step in read_provenance(next(plane.rglob("reliability-given.parquet")))["history"]]
    assert steps == ["adopt", "presentations", "responses"]


def test_its_page_has_responses_and_no_movie(project):
    page = next(project.folder.glob("results/sub-A/ses-1/plane-0/report-default.html")).read_text()
    assert "48 presentations of 16 conditions" in page
    assert 'id="responses"' in page
    assert 'id="motion"' not in page
    (row,) = pl.read_parquet(project.folder / "results/study.parquet").rows(named=True)
    assert (row["status"], row["cells"], row["noise_level"]) == ("done", 6, None)


def test_its_images_have_encoding_models_and_a_page(project):
    plane = project.folder / "results/sub-A/ses-1/plane-0"
    scores = pl.read_parquet(next(plane.rglob("encoding-given.parquet")))
    assert scores["model"].unique(maintain_order=True).to_list() == ["ln", "mean", "oracle"]
    # A unit fires for one image, alike in every trial: half of the trials tell the other half.
    assert scores.filter(model="oracle")["correlation"].to_list() == pytest.approx([1.0] * 6)
    assert set(scores["images"]) == {16}
    assert pl.read_parquet(next(plane.rglob("most_exciting_images-given.parquet"))).height == 1
    page = (plane / "encoding-default.html").read_text()
    assert "6 cells, 16 images" in page
    assert "No warning." in page


def test_other_units_rerun_all_and_another_window_only_responses(project):
    assert project.planned() == {}
    project.configure(responses={"duration": 0.2})
    encoded = {"encoding_model": 1, "encoding": 1, "encoding_report": 1}
    assert project.planned() == {"responses": 1, **encoded, "session_report": 1, "study": 1}
    project.configure(responses={})
    sheet = project.folder / "test.tsv"
    sheet.write_text(sheet.read_text().replace("VISam", "VISp"))
    made = {"adopt_units": 1, "presentations": 1, "responses": 1, **encoded, "session_report": 1, "study": 1}
    assert project.planned() == made


def test_too_few_images_for_a_model_are_said_and_fail_nothing(project, tmp_path):
    copy = project.copy(tmp_path / "copy")
    copy.configure(encoding={**ENCODING["encoding"], "folds": 40})
    copy.run()
    plane = copy.folder / "results/sub-A/ses-1/plane-0"
    assert "Model ln: 16 images were shown, too few for 40 folds" in (plane / "encoding-default.html").read_text()
    assert pl.read_parquet(next(plane.rglob("encoding-given.parquet"))).is_empty()
    told = pl.read_parquet(copy.folder / "results/warnings.parquet").filter(step="encoding")
    assert told["kind"].to_list() == ["no_encoding_model"]
    assert pl.read_parquet(copy.folder / "results/study.parquet")["status"].to_list() == ["done"]
