"""ROIs of one's own go through to their reports; an edited file reruns the extraction of its session alone."""

import numpy as np
import polars as pl
import pytest
import tifffile

from groundtrace.testing.movies import with_cells
from tests.unit.extraction.scenes import disk_image
from tests.workflow.conftest import Project

CHAIN = "results/sub-{}/ses-1/plane-0/motion-none/denoise-none/extract-own"
MOVE = (3, -5)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Two recordings of one field, which moved between them; ROIs are given for the first."""
    folder = tmp_path_factory.mktemp("own")
    truth = with_cells(shape=(300, 96, 96), count=9)
    tifffile.imwrite(folder / "a.tif", truth.movie)
    tifffile.imwrite(folder / "b.tif", np.roll(truth.movie[::-1], MOVE, axis=(1, 2)))
    labels = np.zeros((96, 96), np.uint16)
    for number, (y, x) in enumerate(zip(truth.y[3:6], truth.x[3:6], strict=True), start=1):
        labels[disk_image(labels.shape, y, x, 5) > 0] = number
    tifffile.imwrite(folder / "masks.tif", labels)
    sheet = "subject\tsession\tframe_rate\tindicator\tpath\trois\n"
    sheet += f"a\t1\t30\tGCaMP6s\t{folder}/a.tif\t{folder}/masks.tif\n"
    sheet += f"b\t1\t30\tGCaMP6s\t{folder}/b.tif\t{CHAIN.format('a')}/rois.parquet\n"
    project = Project.make(
        folder / "project",
        sheet,
        recipes={"default": {"motion": "none", "extract": "own", "spikes": "oasis"}},
        extract={"own": {"backend": "masks"}},
        keep=["registered_movie"],
    )
    project.run()
    return project


def test_rois_reach_the_report_and_follow_to_another_session(project):
    first, second = (pl.read_parquet(project.folder / CHAIN.format(s) / "rois.parquet") for s in "ab")
    assert first["origin"].to_list() == [f"masks.tif: label {k}" for k in (1, 2, 3)]
    assert second["origin"].to_list() == [f"rois.parquet: roi {k}" for k in (0, 1, 2)]
    assert first["accepted"].all()
    for axis, by in zip(("pixel_y", "pixel_x"), MOVE, strict=True):
        moved = [[place + by for place in places] for places in first[axis].to_list()]
        assert second[axis].to_list() == moved
    quality = pl.read_parquet(project.folder / CHAIN.format("b") / "extraction_quality.parquet")
    assert quality.select("shift_y", "shift_x").rows() == [MOVE]
    page = (project.folder / "results/sub-b/ses-1/plane-0/report-default.html").read_text()
    assert "3 ROIs given in rois.parquet, none searched for. They were moved by +3 px down and -5 px to the" in page
    study = pl.read_parquet(project.folder / "results/study.parquet")
    assert study.select("status", "rois", "cells").rows() == [("done", 3, 3)] * 2
    # An edited file reruns the extraction of its sessions alone.
    assert project.planned() == {}
    path = project.folder.parent / "masks.tif"
    labels = tifffile.imread(path)
    labels[labels == 3] = 0
    tifffile.imwrite(path, labels)
    # Of a and of b, which takes those of a.
    assert project.planned() == {"extract": 2, "dff": 2, "spikes": 2, "session_report": 2, "study": 1}
    project.run()
    assert pl.read_parquet(project.folder / "results/study.parquet")["rois"].to_list() == [2, 2]
