"""Real two-photon movies go through to their reports."""

import polars as pl

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
    assert fissa["cells"] > 10
    assert 3 < mouse["noise_level"] < 12
    assert 0.5 < fissa["noise_level"] < 3
    assert mouse["residual_motion"] < 0.5
    for row in (mouse, fissa):
        assert (project.folder / "results" / row["report"]).stat().st_size < 10e6
