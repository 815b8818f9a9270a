import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from groundtrace.traces.axial import axial_fit, axial_part

RATE, FRAMES, ROIS = 30.0, 9000, 24


@pytest.fixture(scope="module")
def depth():
    walk = gaussian_filter1d(np.random.default_rng(0).standard_normal(FRAMES), 200)
    return 1.5 * walk / walk.std()


def light(depth: np.ndarray, slope: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Traces (n_rois, n_frames) of cells that fire, what of them is depth, and what is events."""
    random = np.random.default_rng(seed)
    onsets = random.random((ROIS, FRAMES)) < 0.002
    kernel = np.exp(-np.arange(90) / 20)
    events = np.stack([np.convolve(row, kernel)[:FRAMES] for row in onsets]) * 80
    moved = 100 * (slope * depth + 0.3 * slope * (depth**2 - 1))
    return 200 + events + moved + random.normal(0, 8, (ROIS, FRAMES)), moved, events


@pytest.mark.parametrize("slope", [0, 0.05, 0.15])
def test_the_share_is_that_of_the_truth_within_its_error(depth, slope):
    traces, moved, _ = light(depth, slope)
    means = traces.reshape(ROIS, -1, 8)[:, : FRAMES // 8].mean(axis=2) if FRAMES % 8 == 0 else traces
    true = moved.var() / means.var(axis=1)
    found = axial_fit(traces, depth, RATE)
    assert found is not None
    away = np.abs(found.share - true)
    assert np.median(away) < 0.05
    assert np.mean(away < 3 * found.error + 0.01) > 0.8


def test_what_is_removed_is_depth_and_not_activity(depth):
    traces, moved, events = light(depth, 0.15)
    found = axial_part(traces, traces / 2, depth, np.ones(FRAMES, bool), RATE, "regress")
    left = found.fluorescence - traces + moved
    assert left.std() < 0.25 * moved.std()
    for before, after, true in zip(traces, found.fluorescence, events, strict=True):
        assert np.corrcoef(after, true)[0, 1] > np.corrcoef(before, true)[0, 1]
    assert np.ptp(found.neuropil, axis=1).mean() < np.ptp(traces / 2, axis=1).mean()


def test_nothing_is_touched_where_it_is_kept_or_not_known(depth):
    traces, _, _ = light(depth, 0.15)
    good = np.ones(FRAMES, bool)
    kept = axial_part(traces, traces, depth, good, RATE, "keep")
    assert kept.fluorescence is traces
    assert np.isfinite(kept.share).all()
    unknown = axial_part(traces, traces, None, good, RATE, "regress")
    assert unknown.fluorescence is traces
    assert np.isnan(unknown.share).all()
    still = axial_part(traces, traces, np.zeros(FRAMES), good, RATE, "regress")
    np.testing.assert_allclose(still.fluorescence, traces, rtol=1e-6)
