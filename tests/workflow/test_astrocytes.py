"""A session of astrocytes: a table of events and a section of its page, in the default run."""

import polars as pl
import pytest

from groundtrace.io import read_provenance
from groundtrace.results import open_study
from tests.workflow.conftest import Project

SHEET = (
    "subject\tsession\tframe_rate\tpixel_size\tindicator\tpreparation\tsimulate\n"
    "a\t1\t8\t1\tGCaMP6s\tastrocyte\tevents\nb\t1\t8\t1\tGCaMP6s\t\tcells\n"
)
SIZE = {"frames": 480, "height": 96, "width": 96, "photons": 8, "motion": 0.5, "nonrigid": 0.2}
SMALL = {"frames": 120, "height": 48, "width": 48}
PLANE = "results/sub-a/ses-1/plane-0"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("astrocytes") / "project", SHEET)
    project.configure(simulation={"events": {**SIZE, "astrocytes": {"rate": 600}}, "cells": SMALL})
    project.run()
    return project


def test_its_events_are_those_of_the_truth(project):
    events = pl.read_parquet(project.folder / PLANE / "events-default.parquet")
    truth = pl.read_parquet(project.folder / "results/sub-a/ses-1/truth/events.parquet").filter(~pl.col("cut"))
    assert truth.height > 1
    found = 0
    for y, x, start in truth.select("y", "x", "start_time").iter_rows():
        away = (pl.col("y") - y) ** 2 + (pl.col("x") - x) ** 2
        found += events.filter((away < 64) & ((pl.col("start_time") - start).abs() < 1)).height
    assert found >= 0.6 * truth.height
    steps = [step["step"] for step in read_provenance(project.folder / PLANE / "events-default.parquet")["history"]]
    assert steps == ["ingest", "motion", "astrocytes"]


def test_only_its_page_has_a_section_of_events(project):
    pages = {
        name: (project.folder / f"results/sub-{name}/ses-1/plane-0/report-default.html").read_text() for name in "ab"
    }
    assert "Events of astrocytes" in pages["a"]
    assert "Events of astrocytes" not in pages["b"]
    assert not (project.folder / "results/sub-b/ses-1/plane-0/events-default.parquet").exists()
    assert open_study(project.folder / "results").sessions["status"].tolist() == ["done", "done"]


def test_nothing_is_left_to_do_and_its_parameters_are_followed(project):
    assert project.planned() == {}
    project.configure(
        simulation={"events": {**SIZE, "astrocytes": {"rate": 600}}, "cells": SMALL}, astrocytes={"threshold": 3}
    )
    assert project.planned()["astrocytes"] == 1
