"""Stimuli in the sheet: from the file of presentations to the session page, and what a changed window reruns."""

import numpy as np
import polars as pl
import pytest

from groundtrace.io import read_provenance
from tests.workflow.conftest import Project

SHEET = """\
subject\tsession\tframe_rate\tindicator\tsimulate\tstimuli\tstimulus_images
A\t1\t30\tjGCaMP8m\tsmall\tstimuli.csv\timages.npy
"""
ENCODING = {"encode": {"ln": {"backend": "linear"}}, "encoding": {"folds": 2, "cells": 1, "starts": 1, "steps": 2}}
RECIPE = {"default": {"motion": "phase", "extract": "transients", "spikes": "network"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("stimuli") / "project", SHEET, recipes=RECIPE, **ENCODING)
    rows = [f"{0.5 + 0.28 * i},{0.7 + 0.28 * i},gratings,{45 * (i % 4)},{i % 16}" for i in range(32)]
    head = "start_time,stop_time,stimulus,orientation,image\n"
    (project.folder / "stimuli.csv").write_text(head + "\n".join(rows) + "\n")
    np.save(project.folder / "images.npy", np.random.default_rng(0).random((16, 12, 16)))
    project.run()
    return project


def test_every_table_is_there_with_its_history(project):
    plane = project.folder / "results/sub-A/ses-1/plane-0"
    presentations = pl.read_parquet(plane / "presentations.parquet")
    assert presentations["orientation"].to_list()[:4] == [0, 45, 90, 135]
    assert presentations["condition"].n_unique() == 16
    tables = {
        name: next(plane.rglob(f"{name}-network.parquet")) for name in ("responses", "reliability", "tuning", "spikes")
    }
    heights = {name: pl.read_parquet(path).height for name, path in tables.items()}
    assert len(set(heights.values())) == 1
    responses = pl.read_parquet(tables["responses"])
    assert responses["response"].list.len().unique().to_list() == [32]
    assert responses["response_error"].list.len().unique().to_list() == [32]
    steps = [step["step"] for step in read_provenance(tables["reliability"])["history"]]
    assert steps[-3:] == ["spikes", "presentations", "responses"]
    page = next(plane.glob("report-default.html")).read_text()
    assert "32 presentations of 16 conditions" in page


def test_a_changed_window_reruns_responses_and_what_follows(project):
    assert project.planned() == {}
    project.configure(responses={"duration": 0.5})
    assert project.planned() == {
        "responses": 1,
        "encoding_model": 1,
        "encoding": 1,
        "encoding_report": 1,
        "session_report": 1,
        "study": 1,
    }
    project.configure(responses={})
    assert project.planned() == {}


def test_encoding_models_have_tables_and_a_page(project):
    plane = project.folder / "results/sub-A/ses-1/plane-0"
    scores = pl.read_parquet(next(plane.rglob("encoding-network.parquet")))
    assert set(scores["model"]) == {"ln", "mean", "oracle"}
    page = (plane / "encoding-default.html").read_text()
    assert "what a model predicts, not what a cell was seen to do" in page


def test_a_changed_encoder_reruns_itself_and_what_follows(project):
    after = {"encoding": 1, "encoding_report": 1, "study": 1}
    project.configure(encode={"ln": {"backend": "linear", "smoothness": 2}})
    assert project.planned() == {"encoding_model": 1, **after}
    project.configure(encode={**ENCODING["encode"], "more": {"backend": "gabor"}})
    assert project.planned() == {"encoding_model": 1, **after}
    project.configure(encode=ENCODING["encode"], encoding={**ENCODING["encoding"], "steps": 3})
    assert project.planned() == after
    project.configure(**ENCODING)
    assert project.planned() == {}
