"""What is no dF/F of raw noise is recognised, and dF/F is not mistaken for it."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from groundtrace.errors import InputError
from groundtrace.spikes import checks
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE, noise_level

RATE = 30.0


def good(level: float = 2.0, rois: int = 6, frames: int = 3000, seed: int = 0) -> np.ndarray:
    """dF/F with transients of 0.3 s and white noise of ν = `level`."""
    generator = np.random.default_rng(seed)
    kernel = 0.2 * np.exp(-np.arange(60) / 9)
    calcium = np.stack([np.convolve(row, kernel)[:frames] for row in generator.poisson(0.03, (rois, frames))])
    return calcium + generator.normal(0, level / 100 / GAUSSIAN_DIFFERENCE * np.sqrt(RATE), (rois, frames))


@pytest.mark.parametrize("level", [0.5, 2.0, 8.0])
def test_good_recordings_pass_in_silence(level):
    dff = good(level)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checks.check_frame_rate(RATE) == RATE
        assert checks.check_array(dff) is dff
        checks.say_gaps(dff, RATE)
        checks.check_units(dff, RATE)
        checks.check_raw(dff)
        checks.check_noise_level(noise_level(dff, RATE))


@pytest.mark.parametrize("level", [0.5, 2.0, 8.0])
def test_per_cent_is_refused(level):
    with pytest.raises(InputError, match="in per cent; give a fraction, dff / 100"):
        checks.check_units(100 * good(level), RATE)


def test_raw_fluorescence_is_refused():
    with pytest.raises(InputError, match="raw fluorescence; give dF/F"):
        checks.check_units(300 * (1 + good()), RATE)


def test_one_absurd_roi_does_not_condemn_the_others():
    dff = good()
    dff[0] *= 1000
    checks.check_units(dff, RATE)


def test_swapped_axes_are_refused_and_many_short_traces_are_not():
    dff = good(rois=20, frames=500)
    with pytest.raises(InputError, match=r"\(500, 20\) looks like \(n_frames, n_rois\); give dff\.T"):
        checks.check_array(dff.T)
    many = good(rois=300, frames=100)
    assert checks.check_array(many) is many


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(100), r"dff\[None\]"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.array([["a", "b"]]), "needs numbers"),
    ],
)
def test_other_shapes_are_refused(array, said):
    with pytest.raises(InputError, match=said):
        checks.check_array(array)


def test_spikes_instead_of_dff_are_refused_and_single_ones_told():
    spikes = np.random.default_rng(0).poisson(0.05, (4, 2000)) * 0.3
    with pytest.raises(InputError, match=r"4 of 4 ROIs .* output of a deconvolution"):
        checks.check_raw(spikes)
    mixed = good(frames=2000)
    mixed[2] = spikes[2]
    with pytest.warns(UserWarning, match="1 of 6 ROIs .* output of a deconvolution"):
        checks.check_raw(mixed)


def test_a_silent_roi_is_no_deconvolution():
    assert not checks.looks_deconvolved(np.zeros((1, 100))).any()


@pytest.mark.parametrize("width", [1.0, 2.0, 5.0])
def test_smoothed_traces_are_told(width):
    smoothed = gaussian_filter1d(good(), width, axis=1)
    assert checks.looks_denoised(smoothed).all()
    with pytest.warns(UserWarning, match="6 of 6 ROIs is correlated"):
        checks.check_raw(smoothed)


def test_model_calcium_is_told():
    # CaImAn's C: exact decays without noise.
    assert checks.looks_denoised(good(level=1e-6)).all()


def test_real_recordings_are_not_called_denoised(test_data):
    import polars as pl

    folder, key = test_data / "ground_truth", ["dataset", "neuron", "recording"]
    if not folder.is_dir():
        pytest.skip("no ground truth here")
    chosen = pl.read_parquet(folder / "recordings.parquet").filter(pl.col("plausible")).sort(key)
    chosen = chosen.group_by("dataset", maintain_order=True).first()
    rows = pl.scan_parquet(folder / "traces.parquet").join(chosen.lazy(), on=key, how="semi").collect()
    told = [checks.looks_denoised(np.asarray(dff)[None, :10000])[0] for dff in rows["dff"]]
    assert len(told) > 20
    assert np.mean(told) < 0.1


@pytest.mark.parametrize(("level", "said"), [(0.1, "below 0.3"), (20.0, "above 12")])
def test_noise_levels_outside_what_was_measured_are_told(level, said):
    with pytest.warns(UserWarning, match=rf"1 of 3 ROIs \(the first: 1\) is {said}"):
        checks.check_noise_level(np.array([2.0, level, np.nan]))


@pytest.mark.parametrize("rate", [2.5, 120.0])
def test_unusual_frame_rates_are_told(rate):
    with pytest.warns(UserWarning, match=f"{rate:g} Hz is outside 5 to 60 Hz"):
        checks.check_frame_rate(rate)


@pytest.mark.parametrize("rate", [None, 0.0, -30.0, float("nan")])
def test_impossible_frame_rates_are_refused(rate):
    with pytest.raises(InputError, match=r"frame_rate: .* is not allowed"):
        checks.check_frame_rate(rate)


def test_indicators_are_found_in_any_case_and_others_refused_with_the_nearest():
    assert checks.known_indicator(None) is None
    assert checks.known_indicator("gcamp6F").name == "GCaMP6f"
    with pytest.raises(InputError, match=r"'GCaMP8m' is not known; did you mean 'jGCaMP8m'\? Known are .*jRGECO1a"):
        checks.known_indicator("GCaMP8m")


def test_gaps_are_said_and_change_no_verdict():
    dff = good()
    dff[1, 100:110] = np.nan
    dff[2, 200:260] = np.inf
    dff[4] = np.nan
    with pytest.warns(UserWarning, match="ROIs") as told:
        checks.say_gaps(dff, RATE)
    gaps, lost = (str(warning.message) for warning in told)
    assert "2 of 6 ROIs have gaps (NaN or infinity), of up to 60 frames (2.0 s)" in gaps
    assert "1 of 6 ROIs (the first: 4) have a value in less than 10% of their frames" in lost
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checks.check_raw(dff)
        checks.check_units(dff, RATE)


@pytest.mark.parametrize("gap", [False, True])
def test_normalised_traces_are_refused(gap):
    dff = good()
    if gap:
        dff[:, 100:200] = np.nan
    mean, sd = np.nanmean(dff, axis=1, keepdims=True), np.nanstd(dff, axis=1, keepdims=True)
    with pytest.raises(InputError, match=r"6 of 6 ROIs have mean 0 and standard deviation 1: they were z-scored"):
        checks.check_raw((dff - mean) / sd)
    low, high = np.nanmin(dff, axis=1, keepdims=True), np.nanmax(dff, axis=1, keepdims=True)
    with pytest.raises(InputError, match="run from exactly 0 to exactly 1"):
        checks.check_raw((dff - low) / (high - low))


@pytest.mark.parametrize("frames", [2, 3, 4, 5])
def test_a_running_mean_is_told_with_its_length(frames):
    dff = np.apply_along_axis(np.convolve, 1, good(), np.ones(frames) / frames, "same")
    assert (checks.frames_averaged(dff) == frames).all()
    assert (checks.frames_averaged(good()) == 1).all()
    with pytest.warns(UserWarning, match=f"they are a running mean of {frames} frames"):
        checks.check_raw(dff)


def test_events_that_point_down_are_said():
    dff = good(rois=6)
    for late in range(9):
        dff[:, late::300] += 1.5 * np.exp(-late / 9)
    with pytest.warns(UserWarning, match="6 of 6 ROIs point down"):
        checks.check_raw(-dff)
