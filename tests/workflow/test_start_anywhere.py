"""Sessions that start after motion correction, or from the ROIs and traces of another pipeline, reach their reports."""

import numpy as np
import polars as pl
import pytest

from groundtrace.testing.movies import with_cells
from tests.unit.adopted.results import ACTIVE, FRAMES, caiman, nwb, suite2p
from tests.workflow.conftest import Project

GIVEN = "results/sub-{}/ses-1/plane-0/motion-given/denoise-given/extract-given"
RECIPE = {"motion": "phase", "extract": "own", "spikes": "oasis"}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    folder = tmp_path_factory.mktemp("anywhere")
    truth = with_cells(shape=(200, 64, 64), count=4, dtype="int16")
    moved = folder / "moved"
    moved.mkdir()
    truth.movie.tofile(moved / "data.bin")
    np.save(moved / "ops.npy", np.array({"Ly": 64, "Lx": 64, "nframes": 200, "fs": 10.0}, object), allow_pickle=True)
    labels = np.zeros((64, 64), np.uint8)
    labels[10:20, 10:20] = 1
    np.save(folder / "labels.npy", labels)
    rows = [
        f"s\t{suite2p(folder / 'plane0', 1)}\tsuite2p_rois\t",
        f"n\t{nwb(folder / 'a.nwb')}\tnwb_rois\t",
        f"c\t{caiman(folder / 'a.hdf5')}\tcaiman_rois\t",
        f"m\t{moved}/data.bin\t\t{folder}/labels.npy",
    ]
    sheet = "subject\tpath\tformat\trois\tsession\tindicator\n" + "".join(f"{row}\t1\tGCaMP6s\n" for row in rows)
    project = Project.make(
        folder / "project", sheet, recipes={"default": RECIPE}, extract={"own": {"backend": "masks"}}
    )
    project.run()
    return project


def test_every_start_reaches_its_report_and_the_study(project):
    study = pl.read_parquet(project.folder / "results/study.parquet")
    assert study.select("session", "status", "rois", "cells", "frame_rate").rows() == [
        ("sub-s/ses-1", "done", 3, 2, 10.0),
        ("sub-n/ses-1", "done", 3, 2, 10.0),
        ("sub-c/ses-1", "done", 3, 2, 10.0),
        ("sub-m/ses-1", "done", 1, 1, 10.0),
    ]
    for subject in "snc":
        folder = project.folder / GIVEN.format(subject)
        spikes = pl.read_parquet(folder / "spikes-oasis.parquet")
        for rate, active in zip(spikes["rate"], ACTIVE, strict=True):
            onsets = np.flatnonzero(np.diff(active, prepend=0) > 0.5)
            onsets = onsets[(onsets > 3) & (onsets < FRAMES - 1)]
            found = np.nan_to_num(rate.to_numpy())
            assert found[onsets].mean() > 4 * found.mean()
        page = (folder.parents[2] / "report-default.html").read_text()
        assert "no movie was seen" in page
        assert 'id="motion"' not in page
    # A changed result reruns its session alone.
    assert project.planned() == {}
    verdict = project.folder.parent / "plane0/iscell.npy"
    np.save(verdict, np.ones((3, 2)))
    assert project.planned() == {"adopt": 1, "dff": 1, "spikes": 1, "session_report": 1, "study": 1}
    project.run()
    assert pl.read_parquet(project.folder / "results/study.parquet")["cells"].to_list() == [3, 2, 2, 1]


def test_a_registered_movie_is_not_moved_again(project):
    plane = project.folder / "results/sub-m/ses-1/plane-0"
    shifts = pl.read_parquet(plane / "motion-given/shifts.parquet")
    assert (shifts["y"] == 0).all()
    assert not (plane / "motion-phase").exists()
    assert "is taken as it is: its motion is not corrected again" in (plane / "report-default.html").read_text()
