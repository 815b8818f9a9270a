"""`snakemake benchmark` scores denoising where nothing moves, beside the movie that nothing was done to."""

import polars as pl
import pytest

from tests.workflow.conftest import Project

SHEET = "subject\tsession\tindicator\tframe_rate\tsimulate\na\t1\tGCaMP6s\t30\tstill\n"
STILL = {"frames": 300, "height": 64, "width": 64, "photons": 20, "motion": 0, "nonrigid": 0, "line_jitter": 0}
CONFIG = {
    "recipes": {"default": {"motion": "none", "denoise": "boxcar", "extract": "oracle", "spikes": "oasis"}},
    "denoise": {"boxcar": {"backend": "boxcar", "frames": 5}},
    "smoothing": {"draws": 40, "burn": 40},
    "benchmark": {"bootstrap": 20},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("denoising"), SHEET, **CONFIG)
    project.configure(simulation={"still": STILL})
    project.run("--", "benchmark")
    return project


def test_a_running_mean_is_scored_beside_the_movie_as_it_was_recorded(project):
    table = pl.read_parquet(project.folder / "results/benchmark/denoising.parquet")
    rows = {row["denoise"]: row for row in table.rows(named=True)}
    assert set(rows) == {"none", "boxcar"}
    none, boxcar = rows["none"], rows["boxcar"]
    assert none["rois"] == boxcar["rois"] > 0
    assert none["events"] == boxcar["events"] > 0
    # The noise of a frame, and a fifth of it.
    assert none["wobble"] == pytest.approx(1, rel=0.1)
    assert boxcar["wobble"] == pytest.approx(0.2, rel=0.15)
    assert boxcar["psnr"] > none["psnr"] + 4
    assert boxcar["ssim"] > none["ssim"]
    assert boxcar["movie_correlation"] > none["movie_correlation"] > 0.3
    assert none["movie_slope"] == pytest.approx(1, abs=0.3)
    assert 0.5 < boxcar["coverage"] <= 1
    assert boxcar["band_ratio"] > 0
    assert none["coverage"] is none["smoothed_slope"] is none["movie_false_events"] is None


def test_page_and_costs_come_with_it_and_the_movies_go(project):
    results = project.folder / "results"
    page = (results / "benchmark/recordings.html").read_text()
    section = page.split('<section id="denoising">')[1].split("</section>")[0]
    for words in ("boxcar, movie", "smoothed", "measured", "The 90 % credible band"):
        assert words in section
    timing = pl.read_csv(results / "benchmark/recordings_timing.tsv", separator="\t")
    # Where nothing moves only the motion corrections of recipes are scored.
    assert {row[:2] for row in timing.rows()} == {("simulate", "still"), ("motion", "none"), ("denoise", "boxcar")}
    assert not (results / "sub-a/ses-1/truth/clean.npy").exists()
    assert not list(results.rglob("movie.npy"))


def test_another_spike_inference_scores_traces_again_and_no_movie(project):
    project.configure(spikes={"oasis": {"backend": "oasis", "decay_time": 0.9}})
    planned = project.planned("--", "benchmark")
    project.configure(spikes={})
    assert "benchmark_denoising" in planned
    assert "benchmark_denoised_movie" not in planned
