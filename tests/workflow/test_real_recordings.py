"""Real two-photon movies go through to their reports."""

import polars as pl
import pytest
import roifile

from tests.workflow.conftest import Project


def test_real_movies_reach_their_reports(test_data, tmp_path):
    movies = test_data / "movies"
    sheet = "\n".join(
        [
            "subject\tsession\tpath\tframe_rate\tindicator",
            f"mouse\t1\t{movies}/mouse2p_128x128x2000.tiff\t30\tGCaMP6s",
            f"fissa\t1\t{movies}/fissa_A0*.tif\t30\tGCaMP6f",
        ]
    )
    project = Project.make(tmp_path / "project", sheet + "\n")
    project.run()
    study = pl.read_parquet(project.folder / "results/study.parquet")
    assert study["status"].to_list() == ["done", "done"]
    mouse, fissa = study.rows(named=True)
    # Loose on purpose: that cells are found and that their noise is that of the recording.
    assert mouse["cells"] > 20
    # Four were drawn by hand; with boutons, dendrites and a vessel it would be more than a dozen.
    assert 4 <= fissa["cells"] <= 12
    assert 3 < mouse["noise_level"] < 12
    assert 0.5 < fissa["noise_level"] < 3
    assert mouse["residual_motion"] < 0.5
    for row in (mouse, fissa):
        assert (project.folder / "results" / row["report"]).stat().st_size < 10e6


def test_rois_drawn_by_hand_on_a_real_recording_reach_its_report(test_data, tmp_path):
    """Three trials of mouse V1, four ROIs drawn in ImageJ; their files state neither rate nor indicator."""
    movies = test_data / "movies"
    if not (movies / "fissa_rois.zip").is_file():
        pytest.skip("no fissa_rois.zip in the test data")
    sheet = (
        "subject\tsession\tpath\tframe_rate\tindicator\trois\n"
        f"fissa\t1\t{movies}/fissa_A0*.tif\t30\tGCaMP6f\t{movies}/fissa_rois.zip\n"
    )
    recipe = {"motion": "phase", "extract": "own", "spikes": "network"}
    project = Project.make(
        tmp_path / "project", sheet, recipes={"default": recipe}, extract={"own": {"backend": "masks"}}
    )
    project.run()
    (row,) = pl.read_parquet(project.folder / "results/study.parquet").rows(named=True)
    assert (row["status"], row["rois"], row["cells"]) == ("done", 4, 4)
    plane = project.folder / "results/sub-fissa/ses-1/plane-0"
    folder = plane / "motion-phase/denoise-none/extract-own"
    drawn = [name.removeprefix("fissa_rois.zip: ") for name in pl.read_parquet(folder / "rois.parquet")["origin"]]
    assert drawn == [roi.name for roi in roifile.roiread(movies / "fissa_rois.zip")]
    traces = pl.read_parquet(folder / "traces.parquet")
    assert (traces["snr"] > 3).all()
    assert not traces["baseline_near_zero"].any()
    assert "4 ROIs given in fissa_rois.zip, none searched for" in (plane / "report-default.html").read_text()
