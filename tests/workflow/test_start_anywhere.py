"""Sessions that start after motion correction, or from the ROIs and traces of another pipeline, reach their reports."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import groundtrace
from groundtrace.tables import stack
from groundtrace.testing.movies import Cells, with_cells
from tests.unit.adopted.results import ACTIVE, FRAMES, caiman, extract, minian, nwb, suite2p
from tests.workflow.conftest import Project

GIVEN = "results/sub-{}/ses-1/plane-0/motion-given/denoise-given/extract-given"
RECIPE = {"motion": "phase", "extract": "own", "spikes": "oasis"}
SUITE2P = """
import sys, suite2p
settings = suite2p.default_settings()
settings |= {"fs": 10.0, "tau": 0.7, "diameter": [10.0, 10.0]}
settings["registration"]["nonrigid"] = False
suite2p.run_s2p(db={"data_path": [sys.argv[1]], "save_path0": sys.argv[1], "nplanes": 1, "nchannels": 1,
                    "input_format": "tif"}, settings=settings)
"""


@pytest.fixture(scope="module")
def truth() -> Cells:
    """A movie of 400 frames at 10 Hz that Suite2p itself analyses."""
    return with_cells(shape=(400, 128, 128), dtype="int16")


def run_suite2p(folder: Path, movie: np.ndarray) -> Path:
    """Its plane folder, in which it leaves settings.npy and what belongs to it."""
    folder.mkdir()
    tifffile.imwrite(folder / "movie.tif", movie)
    # It writes into the home folder when it is imported.
    command, home = [sys.executable, "-c", SUITE2P, str(folder)], {**os.environ, "HOME": str(folder)}
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "suite2p/plane0/settings.npy").is_file()
    return folder / "suite2p/plane0"


@pytest.fixture(scope="module")
def project(tmp_path_factory, truth) -> Project:
    folder = tmp_path_factory.mktemp("anywhere")
    moved = folder / "moved"
    moved.mkdir()
    with_cells(shape=(200, 64, 64), count=4, dtype="int16").movie.tofile(moved / "data.bin")
    np.save(moved / "ops.npy", np.array({"Ly": 64, "Lx": 64, "nframes": 200, "fs": 10.0}, object), allow_pickle=True)
    labels = np.zeros((64, 64), np.uint8)
    labels[10:20, 10:20] = 1
    np.save(folder / "labels.npy", labels)
    rows = [
        f"s\t{suite2p(folder / 'plane0', 1)}\tsuite2p_rois\t",
        f"n\t{nwb(folder / 'a.nwb')}\tnwb_rois\t",
        f"c\t{caiman(folder / 'a.hdf5')}\tcaiman_rois\t",
        f"e\t{extract(folder / 'a.mat')}\textract_rois\t",
        f"i\t{minian(folder / 'minian')}\tminian_rois\t",
        f"t\t{run_suite2p(folder / 'itself', truth.movie)}\tsuite2p_rois\t",
        f"m\t{moved}/data.bin\t\t{folder}/labels.npy",
    ]
    header = "subject\tpath\tformat\trois\tsession\tindicator\tframe_rate\n"
    sheet = header + "".join(f"{row}\t1\tGCaMP6s\t10\n" for row in rows)
    project = Project.make(
        folder / "project", sheet, recipes={"default": RECIPE}, extract={"own": {"backend": "masks"}}
    )
    project.run()
    return project


def test_every_start_reaches_its_report_and_the_study(project):
    study = pl.read_parquet(project.folder / "results/study.parquet")
    own = study.filter(pl.col("session") != "sub-t/ses-1")
    assert own.select("session", "status", "rois", "cells", "frame_rate").rows() == [
        ("sub-s/ses-1", "done", 3, 2, 10.0),
        ("sub-n/ses-1", "done", 3, 2, 10.0),
        ("sub-c/ses-1", "done", 3, 2, 10.0),
        ("sub-e/ses-1", "done", 3, 2, 10.0),
        ("sub-i/ses-1", "done", 3, 3, 10.0),
        ("sub-m/ses-1", "done", 1, 1, 10.0),
    ]
    for subject in "sncei":
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
    cells = pl.read_parquet(project.folder / "results/study.parquet").filter(pl.col("session") != "sub-t/ses-1")
    assert cells["cells"].to_list() == [3, 2, 2, 2, 3, 1]


def test_a_folder_made_by_suite2p_itself_reaches_its_report(project, truth):
    folder = project.folder / GIVEN.format("t")
    rois, traces = (pl.read_parquet(folder / f"{name}.parquet") for name in ("rois", "traces"))
    dff = stack(traces["dff"])
    for y, x, activity in zip(truth.y, truth.x, truth.activity, strict=True):
        away = np.hypot(rois["centroid_y"].to_numpy() - y, rois["centroid_x"].to_numpy() - x)
        assert away.min() < 1
        assert rois["accepted"][int(away.argmin())]
        known = np.isfinite(dff[away.argmin()])
        assert np.corrcoef(dff[away.argmin()][known], activity[known])[0, 1] > 0.98
    shifts = pl.read_parquet(project.folder / "results/sub-t/ses-1/plane-0/motion-given/shifts.parquet")
    assert shifts["y"].null_count() == 0
    study = pl.read_parquet(project.folder / "results/study.parquet").filter(pl.col("session") == "sub-t/ses-1")
    assert study["status"].to_list() == ["done"]
    page = (folder.parents[2] / "report-default.html").read_text()
    assert "ROIs and traces of" in page
    assert "Suite2p" in page


def test_what_another_pipeline_left_is_exported_as_our_own(project, tmp_path):
    """CaImAn tells no shifts and no neuropil."""
    project = project.copy(tmp_path / "copy")
    path = project.folder / "test.tsv"
    header, *rows = path.read_text().splitlines()
    more = "VISp\t2026-03-01T14:05:00+01:00\tSpontaneous activity"
    lines = [f"{header}\tlocation\tstart_time\tsession_description", *(f"{row}\t{more}" for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    (project.folder / "config/subjects.tsv").write_text("subject\tspecies\tsex\tage\nc\tMus musculus\tF\tP90D\n")
    scope = {"description": "Resonant", "excitation_wavelength": 920, "emission_wavelength": 525}
    project.configure(microscopes={"scope": scope}, nwb={"registered_movie": True})
    nwb, folder = "results/nwb/default/sub-c/sub-c_ses-1_ophys.nwb", "results/suite2p/default/sub-c/ses-1/plane0"
    project.run("--", nwb, f"{folder}/ops.npy")
    traces = pl.read_parquet(project.folder / GIVEN.format("c") / "traces.parquet")
    np.testing.assert_array_equal(np.load(project.folder / folder / "F.npy"), stack(traces["fluorescence"]))
    assert "yoff" not in np.load(project.folder / folder / "ops.npy", allow_pickle=True).item()
    assert groundtrace.load_traces(project.folder / nwb).roi.tolist() == [0, 2]


def test_a_registered_movie_is_not_moved_again(project):
    plane = project.folder / "results/sub-m/ses-1/plane-0"
    shifts = pl.read_parquet(plane / "motion-given/shifts.parquet")
    assert (shifts["y"] == 0).all()
    assert not (plane / "motion-phase").exists()
    assert "is taken as it is: its motion is not corrected again" in (plane / "report-default.html").read_text()
