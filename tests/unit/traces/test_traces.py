"""The table of traces joins what is known of a ROI."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import skew

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.tables import Fluorescence, Rois
from groundtrace.tables import empty, list_column, stack
from groundtrace.traces.dff import DffParameters
from groundtrace.traces.smoothing import SmoothingParameters
from groundtrace.traces.steps import compute_traces, skewness


@pytest.mark.parametrize("subtracted", [True, False])
def test_the_detectors_offset_is_subtracted_if_wanted(subtracted):
    """A transient of 0.5 on a baseline of 100 above an offset of 300 is 0.5, or 50 of 400."""
    trace = np.full((1, 600), 400.0)
    trace[0, 300:310] += 50
    fluorescence = pl.DataFrame({"fluorescence": list_column(trace), "neuropil": list_column(np.full((1, 600), 300.0))})
    rois = pl.DataFrame({"roi": [0], "accepted": [True], "pixel_y": [[0]], "pixel_x": [[0]], "weight": [[1.0]]})
    acquisition = Acquisition.model_construct(frame_rate=30.0, offset=300.0, gain=None)
    parameters = DffParameters.model_validate({"subtract_offset": subtracted, "neuropil": {"coefficient": 0}})
    found, brightness = compute_traces(
        fluorescence, rois, acquisition, np.zeros((1, 1)), np.zeros(600, bool), parameters
    )
    assert stack(found["dff"]).max() == pytest.approx(0.5 if subtracted else 0.125, rel=1e-3)

    assert brightness["usable"].all()
    assert (brightness["gain"] == 1).all()


def test_a_plane_without_rois_has_empty_tables():
    fluorescence, rois = empty(Fluorescence), empty(Rois)
    acquisition = Acquisition.model_construct(frame_rate=30.0, offset=300.0, gain=None)
    found, brightness = compute_traces(
        fluorescence,
        rois,
        acquisition,
        np.zeros((4, 4)),
        np.zeros(90, bool),
        DffParameters(),
        segment=np.zeros(90, int),
    )
    assert found.is_empty()
    assert brightness.height == 90


def test_skewness_is_that_of_scipy():
    traces = np.random.default_rng(0).exponential(size=(4, 500)).astype(np.float32)
    assert skewness(traces).tolist() == skew(traces, axis=1).tolist()
    assert np.isnan(skewness(np.ones((1, 5), np.float32))).all()
    assert skewness(np.zeros((0, 5), np.float32)).size == 0


@pytest.mark.parametrize("axial", ["keep", "regress"])
def test_depth_is_taken_out_of_denoised_traces_too(axial):
    """A cell that never fires, whose light follows the depth by a fifth."""
    random, frames = np.random.default_rng(0), 1500
    depth = np.sin(np.arange(frames) / 120)
    clean = np.full((1, frames), 1000.0) + 200 * depth
    around = np.full((1, frames), 300.0)
    columns = {"fluorescence": clean, "neuropil": around, "fluorescence_denoised": clean, "neuropil_denoised": around}
    noisy = {
        name: list_column((values + random.normal(0, 2 if "denoised" in name else 20, values.shape)).astype(np.float32))
        for name, values in columns.items()
    }
    noise = {"fluorescence_noise": [400.0], "neuropil_noise": [400.0], "dark": [0.0]}
    rois = pl.DataFrame({"roi": [0], "accepted": [True], "pixel_y": [[0]], "pixel_x": [[0]], "weight": [[1.0]]})
    found, _ = compute_traces(
        pl.DataFrame(noisy | noise),
        rois,
        Acquisition.model_construct(frame_rate=30.0, offset=0.0, gain=None, indicator="GCaMP6s"),
        np.zeros((1, 1)),
        np.zeros(frames, bool),
        DffParameters.model_validate({"axial": axial, "neuropil": {"method": "fixed", "coefficient": 0}}),
        SmoothingParameters(draws=20, burn=20),
        depth=depth,
    )
    follows = np.corrcoef(stack(found["dff_denoised"])[0], depth)[0, 1]
    assert found["axial_motion"].all()
    assert (follows > 0.9) == (axial == "keep")
    assert np.ptp(stack(found["dff_denoised"])) < (1 if axial == "keep" else 0.1)
