"""A recipe that denoises: both traces, a credible band, and the model that made them."""

import numpy as np
import polars as pl
import pytest

from groundtrace.indicators import indicators
from groundtrace.io import read_provenance
from groundtrace.spikes.gaps import run_across_gaps
from groundtrace.spikes.oasis import Oasis
from groundtrace.tables import stack
from tests.workflow.conftest import Project

SHEET = "subject\tsession\tindicator\tframe_rate\tsimulate\na\t1\tGCaMP6f\t30\tsmall\n"
CONFIG = {
    "recipes": {
        "default": {"denoise": "network", "spikes": "oasis"},
        "linear": {"denoise": "svd", "spikes": "oasis"},
        "measured": {"denoise": "network", "spikes": "measured"},
    },
    "spikes": {"measured": {"backend": "oasis", "trace": "measured"}},
    "denoise": {"network": {"backend": "network", "members": 1, "steps": 100}, "svd": {"backend": "svd"}},
    "smoothing": {"draws": 40, "burn": 40},
}
CHAIN = "results/sub-a/ses-1/plane-0/motion-phase/denoise-network"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("denoising"), SHEET, **CONFIG)
    project.run()
    return project


def test_measured_and_denoised_traces_stand_side_by_side(project):
    traces = pl.read_parquet(project.folder / CHAIN / "extract-transients/traces.parquet")
    assert traces.height > 0
    measured, denoised, low, high = (
        np.array(traces[name].to_list()) for name in ("dff", "dff_denoised", "dff_low", "dff_high")
    )
    # Bad frames have no dF/F, of no ROI and in no column.
    frames, usable = np.isfinite(measured).any(axis=0), np.isfinite(measured).any(axis=1)
    assert frames.mean() > 0.5
    assert usable.any()
    measured, denoised, low, high = (values[usable][:, frames] for values in (measured, denoised, low, high))
    assert np.isfinite(measured).all()
    assert ((low <= denoised) & (denoised <= high)).all()
    # Of steps from frame to frame, the median: events make large ones in both.
    assert np.median(np.abs(np.diff(denoised, axis=1))) < 0.6 * np.median(np.abs(np.diff(measured, axis=1)))
    correlation = [np.corrcoef(*pair)[0, 1] for pair in zip(measured, denoised, strict=True)]
    assert np.median(correlation) > 0.3


def test_deconvolution_reads_the_denoised_trace_unless_told_otherwise(project):
    folder = project.folder / CHAIN / "extract-transients"
    traces = pl.read_parquet(folder / "traces.parquet")
    indicator = indicators()["GCaMP6f"]
    for name, column in (("oasis", "dff_denoised"), ("measured", "dff")):
        own = run_across_gaps(Oasis(), stack(traces[column]), 30.0, indicator).rate
        np.testing.assert_array_equal(stack(pl.read_parquet(folder / f"spikes-{name}.parquet")["rate"]), own)
        recorded = read_provenance(folder / f"spikes-{name}.parquet")["history"]
        assert column in [step["parameters"].get("column") for step in recorded]


def test_the_model_stays_and_the_movies_go(project):
    curve = pl.read_parquet(project.folder / CHAIN / "training.parquet")
    assert curve["calibration_error"].min() < 1.5
    assert (project.folder / CHAIN / "model.safetensors").stat().st_size > 10_000
    assert not (project.folder / CHAIN / "movie.npy").exists()


def test_the_pages_tell_how_well_it_went(project):
    plane = project.folder / "results/sub-a/ses-1/plane-0"
    check = pl.read_parquet(project.folder / CHAIN / "check.parquet")
    assert check.filter(what="pixels")["coverage"].to_list() == pytest.approx([0.5, 0.8, 0.9, 0.95], abs=0.05)
    trained, linear = ((plane / f"report-{name}.html").read_text() for name in ("default", "linear"))
    assert "Raw frames that were not learnt from" in trained
    without = "Not known for this method: it denoises every frame"
    assert without not in trained
    assert without in linear
    assert pl.read_parquet(plane / "motion-phase/denoise-svd/training.parquet").is_empty()


def test_draws_of_another_seed_smooth_again_and_nothing_before(project):
    assert project.planned() == {}
    project.configure(smoothing={"draws": 40, "burn": 40, "seed": 5})
    planned = project.planned()
    project.configure(smoothing=CONFIG["smoothing"])
    assert "dff" in planned
    assert not {"denoise", "extract", "motion"} & set(planned)
