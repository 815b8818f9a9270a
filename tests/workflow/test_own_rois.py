"""ROIs of one's own go through to their reports; an edited file reruns the extraction of its session alone."""

import numpy as np
import polars as pl
import pytest
import tifffile

from tests.unit.extraction.scenes import disk_image
from tests.workflow.conftest import Project

CHAIN = "results/sub-{}/ses-1/plane-0/motion-none/denoise-none/extract-{}"
SHEET = "subject\tsession\tframe_rate\tindicator\tsimulate\trois\n"
ROWS = "a\t1\t30\tGCaMP6s\tsmall\t{masks}\nb\t1\t30\tGCaMP6s\tsmall\t{other}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    folder = tmp_path_factory.mktemp("own")
    labels = np.zeros((96, 96), np.uint16)
    for number, (y, x) in enumerate([(25, 25), (25, 70), (70, 30)], start=1):
        labels[disk_image(labels.shape, y, x, 6) > 0] = number
    tifffile.imwrite(folder / "masks.tif", labels)
    rows = ROWS.format(masks=folder / "masks.tif", other=f"{CHAIN.format('a', 'own')}/rois.parquet")
    project = Project.make(
        folder / "project",
        SHEET + rows,
        recipes={"default": {"motion": "none", "extract": "own", "spikes": "oasis"}},
        extract={"own": {"backend": "masks"}},
        keep=["registered_movie"],
    )
    project.run()
    return project


def test_rois_reach_the_report_and_follow_to_another_session(project):
    first, second = (pl.read_parquet(project.folder / CHAIN.format(s, "own") / "rois.parquet") for s in "ab")
    assert first["origin"].to_list() == [f"masks.tif: label {k}" for k in (1, 2, 3)]
    assert second["origin"].to_list() == [f"rois.parquet: roi {k}" for k in (0, 1, 2)]
    assert first["accepted"].all()
    # The same tissue, simulated twice: it has not moved.
    assert second["pixel_y"].to_list() == first["pixel_y"].to_list()
    quality = pl.read_parquet(project.folder / CHAIN.format("b", "own") / "extraction_quality.parquet")
    assert quality.select("shift_y", "shift_x").rows() == [(0.0, 0.0)]
    assert quality["likeness"][0] > 0.9
    page = (project.folder / "results/sub-b/ses-1/plane-0/report-default.html").read_text()
    assert "3 ROIs given in rois.parquet, none searched for. They were moved by +0 px down" in page
    study = pl.read_parquet(project.folder / "results/study.parquet")
    assert study.select("status", "rois", "cells").rows() == [("done", 3, 3)] * 2


def test_an_edited_file_reruns_the_extraction_of_its_sessions_alone(project):
    assert project.planned() == {}
    path = project.folder.parent / "masks.tif"
    labels = tifffile.imread(path)
    labels[labels == 3] = 0
    tifffile.imwrite(path, labels)
    # Of a and of b, which takes those of a.
    assert project.planned() == {"extract": 2, "dff": 2, "spikes": 2, "session_report": 2, "study": 1}
    project.run()
    assert pl.read_parquet(project.folder / "results/study.parquet")["rois"].to_list() == [2, 2]
