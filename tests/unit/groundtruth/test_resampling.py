"""Nothing moves: spikes and dF/F keep their times at any rate, over a whole recording; noise reaches its target."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.groundtruth.recordings import Recording, sample
from groundtrace.groundtruth.resampling import frame_interval, match_noise, resample, spike_counts
from groundtrace.traces.noise import noise_level

NATIVE = (2.5, 5.0, 7.8125, 15.017, 30.048, 59.058, 120.12, 500.0)
TARGETS = (5.0, 7.5, 30.0, 60.0)
MILLISECOND = 1e-3


def frame_times(native: float, duration: float, start: float = 0.0338) -> np.ndarray:
    """Times as recordings hold them: rounded to 10 µs."""
    return np.round(start + np.arange(int(duration * native)) / native, 5)


def bumps(time: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((time[:, None] - centres) / width) ** 2).sum(axis=1)


def displacement(grid: np.ndarray, dff: np.ndarray, centre: float, width: float) -> float:
    """Centre of mass of the bump at `centre`, less `centre`, s."""
    near = np.abs(grid - centre) < 5.5 * width
    return float((dff[near] * (grid[near] - centre)).sum() / dff[near].sum())


def spread_centres(time: np.ndarray, width: float) -> np.ndarray:
    """Up to nine bumps that do not touch, from the first to the last second of a recording."""
    first, last = time[0] + 6 * width, time[-1] - 6 * width
    return np.linspace(first, last, min(9, max(2, int((last - first) / (12 * width)))))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("native", NATIVE)
def test_dff_keeps_its_time_over_a_whole_recording(native, target):
    time = frame_times(native, 60 if native > 400 else 240)
    width = max(1 / native, 1 / target, 0.05)
    centres = spread_centres(time, width)
    grid, dff = resample(time, bumps(time, centres, width), target)
    assert grid[0] == time[0]
    assert -1e-9 < time[-1] - grid[-1] < 1 / target
    assert max(abs(displacement(grid, dff, centre, width)) for centre in centres) < MILLISECOND


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("native", NATIVE)
def test_spikes_keep_their_time_over_a_whole_recording(native, target):
    time = frame_times(native, 600 if native < 400 else 120)
    grid, _ = resample(time, np.zeros(len(time)), target)
    spikes = np.arange(grid[0], grid[-1], 0.37 * MILLISECOND)
    counts = spike_counts(spikes, grid, target)
    assert counts.sum() == len(spikes)
    # Whole frames at the start, middle and end; no mean over the recording that could hide a drift.
    for part in np.array_split(np.arange(1, len(grid) - 1), 10):
        inside = np.abs(spikes - grid[part[[0, -1]]].mean()) < (grid[part[-1]] - grid[part[0]] + 1 / target) / 2
        centre = (counts[part] * grid[part]).sum() / counts[part].sum()
        assert abs(centre - spikes[inside].mean()) < MILLISECOND


@given(
    native=st.floats(2.5, 500),
    target=st.floats(5, 60),
    start=st.floats(-20, 20),
    where=st.floats(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_the_target_peaks_in_the_frame_of_the_spike(native, target, start, where):
    time = start + np.arange(int(30 * native)) / native
    grid, _ = resample(time, np.zeros(len(time)), target)
    spike = grid[0] + where * (grid[-1] - grid[0])
    counts = spike_counts(np.array([spike]), grid, target)
    assert counts.sum() == 1
    assert abs(grid[np.argmax(counts)] - spike) <= 0.5 / target + 1e-9


@pytest.mark.parametrize("native", NATIVE)
def test_a_spike_and_its_bump_stay_together(native):
    time = frame_times(native, 120)
    width = max(1 / native, 1 / 30)
    spikes = spread_centres(time, width)
    recording = Recording("d", "n", 0, "GCaMP6f", "excitatory", time, bumps(time, spikes, width), spikes)
    found = sample(recording, 30.0, 0.05, np.random.default_rng(0))
    assert found is not None
    clean = resample(time, recording.dff, 30.0)[1]
    for spike in spikes:
        assert found.spikes[np.abs(found.time - spike) <= 0.5 / 30 + 1e-9].sum() == 1
        assert abs(displacement(found.time, clean, spike, width)) < MILLISECOND


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("native", [30.0, 59.058, 500.0])
@pytest.mark.parametrize("kind", ["jitter", "lost frames"])
def test_irregular_times_are_followed(native, target, kind):
    generator = np.random.default_rng(1)
    time = np.arange(int(60 * native)) / native
    if kind == "jitter":
        time = time + generator.uniform(-0.2, 0.2, len(time)) / native
    else:
        time = time[generator.random(len(time)) > 0.03]
    width = max(6 / native, 1 / target)
    centres = spread_centres(time, width)
    grid, dff = resample(time, bumps(time, centres, width), target)
    assert max(abs(displacement(grid, dff, centre, width)) for centre in centres) < MILLISECOND


def test_a_pause_does_not_move_what_follows():
    """Ten seconds without frames: later frames keep their own times."""
    time = np.concatenate([np.arange(900) / 30, 40 + np.arange(900) / 30])
    for target in TARGETS:
        grid, dff = resample(time, bumps(time, np.array([15.0, 55.0]), 0.3), target)
        assert abs(displacement(grid, dff, 15.0, 0.3)) < MILLISECOND
        assert abs(displacement(grid, dff, 55.0, 0.3)) < MILLISECOND
        assert np.abs(dff[(grid > 31) & (grid < 39)]).max() < 1e-3


def slow_mean(time: np.ndarray, dff: np.ndarray, start: float, stop: float) -> float:
    """Mean from start to stop of the signal that has each sample's value up to half-way to its neighbours."""
    fine = np.linspace(start, stop, 4001)
    middle = (fine[1:] + fine[:-1]) / 2
    nearest = np.abs(time[None] - middle[:, None]).argmin(axis=1)
    return float(dff[nearest].mean())


@pytest.mark.parametrize("target", [5.0, 7.5, 13.3, 30.0])
@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_bins_are_the_mean_of_the_piecewise_constant_signal(target, jitter):
    generator = np.random.default_rng(3)
    time = 0.2 + (np.arange(240) + generator.uniform(-jitter, jitter, 240)) / 60.06
    dff = generator.standard_normal(240)
    grid, found = resample(time, dff, target)
    expected = [slow_mean(time, dff, at - 0.5 / target, at + 0.5 / target) for at in grid[1:-1]]
    assert np.allclose(found[1:-1], expected, atol=5e-3)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("native", NATIVE)
def test_the_mean_is_kept(native, target):
    time = frame_times(native, 120)
    slow = 1.5 + np.sin(2 * np.pi * (time - time[0]) / 10)
    assert resample(time, np.full(len(time), 0.7), target)[1] == pytest.approx(0.7)
    grid, dff = resample(time, slow, target)
    whole = grid - grid[0] < 110
    assert dff[whole].mean() == pytest.approx(1.5, abs=0.01)


def test_the_same_rate_changes_nothing():
    dff = np.random.default_rng(0).standard_normal(500)
    grid, same = resample(2 + np.arange(500) / 30.0, dff, 30.0)
    assert len(grid) == 500
    assert np.allclose(same, dff, atol=1e-9)


@pytest.mark.parametrize("target", [30.0, 29.0, 24.0, 18.0, 10.0, 7.5])
def test_white_noise_keeps_its_level_all_along(target):
    """Two close rates beat: no part of a recording may come out smoother than another."""
    dff = np.random.default_rng(0).standard_normal(36000)
    _, found = resample(np.arange(36000) / 30.048, dff, target)
    levels = [noise_level(part[None], target)[0] for part in np.array_split(found, 8)]
    assert np.mean(levels) == pytest.approx(noise_level(dff[None], 30.048)[0], rel=0.15)
    assert np.std(levels) < 0.06 * np.mean(levels)


@pytest.mark.parametrize("native", [2.5, 7.8125, 15.017, 30.048])
def test_upsampling_keeps_slow_signals(native):
    time = frame_times(native, 200)
    frequency = 0.3 * native
    grid, dff = resample(time, np.sin(2 * np.pi * frequency * (time - time[0])), 60.0)
    inner = (grid > time[0] + 20 / native) & (grid < time[-1] - 20 / native)
    assert np.abs(dff - np.sin(2 * np.pi * frequency * (grid - time[0])))[inner].max() < 0.07


def test_rounded_times_give_the_exact_interval():
    time = np.round(np.arange(20000) / 120.1137, 4)
    assert 1 / frame_interval(time) == pytest.approx(120.1137, rel=1e-6)
    lost = np.delete(time, np.arange(50, 20000, 97))
    assert 1 / frame_interval(lost) == pytest.approx(120.1137, rel=1e-4)


@pytest.mark.parametrize("level", [0.5, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("frame_rate", [7.5, 30.0, 60.0])
def test_the_noise_level_is_reached(level, frame_rate):
    time = np.arange(6000) / frame_rate
    dff = 0.3 * bumps(time, np.linspace(5, time[-1] - 5, 40), 0.5)
    noisy = match_noise(dff, frame_rate, level, np.random.default_rng(0))
    assert noisy is not None
    assert noise_level(noisy[None], frame_rate)[0] == pytest.approx(level, rel=0.01)


def test_noise_grows_as_the_root_of_brightness():
    dff = np.repeat([0.0, 3.0, 8.0], 40000)
    noisy = match_noise(dff, 30.0, 4.0, np.random.default_rng(0))
    assert noisy is not None
    sd = [part.std() for part in np.split(noisy - dff, 3)]
    assert sd[1] / sd[0] == pytest.approx(2, rel=0.02)
    assert sd[2] / sd[0] == pytest.approx(3, rel=0.02)


def test_a_noisier_recording_is_left_out():
    generator = np.random.default_rng(0)
    dff = 0.2 * generator.standard_normal(3000)
    level = float(noise_level(dff[None], 30.0)[0])
    assert match_noise(dff, 30.0, 0.99 * level, generator) is None
    assert match_noise(dff, 30.0, 1.01 * level, generator) is not None
    recording = Recording("d", "n", 0, "GCaMP6f", "excitatory", np.arange(3000) / 30.0, dff, np.array([1.0]))
    assert sample(recording, 30.0, 0.5 * level, generator) is None
