"""Frames without light, and steps of brightness, cost what they must and no more."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.light import watch

RATE, FRAMES, ROIS = 30.0, 6000, 40
GOOD = np.zeros(FRAMES, bool)


@pytest.fixture(scope="module")
def plane() -> tuple[np.ndarray, np.ndarray]:
    """F and Fneu (n_rois, n_frames) above an offset of 200; neuropil is shared in part."""
    random = np.random.default_rng(0)
    spikes = random.poisson(0.5 / RATE, (ROIS, FRAMES))
    kernel = 0.4 * np.exp(-np.arange(90) / (0.6 * RATE))
    calcium = np.stack([np.convolve(row, kernel)[:FRAMES] for row in spikes])
    waves = gaussian_filter1d(random.normal(0, 1, (ROIS + 1, FRAMES)), 15, axis=1) * 7
    around = 300 * (1 + 0.05 * waves[:-1] + 0.05 * waves[-1])
    return 200 + 500 * (1 + calcium) + 0.7 * around + random.normal(0, 40, calcium.shape), 200 + around


def of(f: np.ndarray, around: np.ndarray, **known):
    return compute_dff(f.astype(np.float32), around.astype(np.float32), RATE, 200.0, DffParameters(), **known)


def test_activity_and_bleaching_are_no_steps_and_no_darkness(plane):
    f, around = plane
    bleached = 200 + np.stack([f - 200, around - 200]) * np.exp(-np.arange(FRAMES) / FRAMES)
    for light in ([values - 200 for values in plane], list(bleached - 200)):
        found = watch(light, RATE, GOOD)
        assert not found.dark.any()
        assert not len(found.steps)
        assert (found.gain == 1).all()


def test_a_small_step_is_believed_where_cells_and_neuropil_agree(plane):
    """Of 9 %, which is less than six times what activity changes from one stretch to the next."""
    later = np.where(np.arange(FRAMES) < 2500, 1.0, 0.91)
    f, around = (values - 200 for values in plane)
    steps = watch([f * later, around * later], RATE, GOOD).steps
    assert len(steps) == 1
    assert abs(int(steps[0]) - 2500) <= 3
    assert not len(watch([f, around * later], RATE, GOOD).steps)
    assert not len(watch([f * later**0.2, around * later], RATE, GOOD).steps)


@pytest.mark.parametrize("length", [60, 1500, FRAMES])
def test_activity_of_all_cells_is_no_step(length):
    """Of cells and neuropil, which begins and ends at once and lasts for some seconds; in files of `length` frames."""
    random = np.random.default_rng(4)
    shape = 100 * np.repeat(random.random(FRAMES // 60) < 0.3, 60)
    share = np.exp(random.normal(0, 0.7, (ROIS, 1)))
    cells = 300 + share * shape + random.normal(0, 20, (ROIS, FRAMES))
    around = 300 + 0.5 * shape + random.normal(0, 10, (ROIS, FRAMES))
    found = watch([cells, around], RATE, GOOD, np.arange(FRAMES) // length)
    assert np.abs(found.gain - 1).max() < 0.05
    assert not found.dark.any()


def test_a_flash_is_no_step(plane):
    flashed = [values - 200 for values in plane]
    for values in flashed:
        values[:, 2000:2010] *= 3
    assert not len(watch(flashed, RATE, GOOD).steps)


def test_dark_frames_have_no_dff_and_change_no_other(plane):
    f, around = (values.copy() for values in plane)
    whole = of(*plane)
    dark = np.arange(FRAMES) % 300 < 15
    random = np.random.default_rng(1)
    f[:, dark], around[:, dark] = 200 + random.normal(0, 5, (2, ROIS, int(dark.sum())))
    # Half of the first frame after it was cut by the shutter.
    cut = np.arange(FRAMES) % 300 == 15
    for values in (f, around):
        values[:, cut] = 200 + 0.5 * (values[:, cut] - 200)
    found = of(f, around)
    np.testing.assert_array_equal(~found.usable, dark | cut)
    assert np.isnan(found.dff[:, ~found.usable]).all()
    rest = found.dff[:, found.usable]
    difference = rest - whole.dff[:, found.usable]
    assert np.abs(difference.mean()) < 0.01
    assert difference.std() < 0.02
    apart = (found.coefficient - whole.coefficient) / whole.coefficient_error
    assert np.abs(apart).max() < 2.5
    assert not found.near_zero.any()


def test_frames_that_are_known_to_be_bad_count_for_nothing(plane):
    f, around = (values.copy() for values in plane)
    bad = np.zeros(FRAMES, bool)
    bad[1000:1100] = True
    f[:, bad] = 9000
    found, whole = of(f, around, bad_frames=bad), of(*plane, bad_frames=bad)
    np.testing.assert_array_equal(found.dff, whole.dff)
    assert np.isnan(found.dff[:, bad]).all()
    assert np.isfinite(found.dff[:, ~bad]).all()


def test_steps_of_brightness_are_found_and_divided_out(plane):
    factors = np.repeat([1.0, 0.7, 1.3, 1.1, 0.9, 1.1], FRAMES // 6)
    lit = [200 + factors * (values - 200) for values in plane]
    found, whole = of(*lit), of(*plane)
    assert found.light.steps.tolist() == [1000, 2000, 3000, 4000, 5000]
    np.testing.assert_allclose(found.light.gain, factors / factors.mean(), rtol=0.03)
    away = np.abs(np.arange(FRAMES)[:, None] - found.light.steps).min(axis=1) > 1
    rest = (found.dff - whole.dff)[:, away]
    assert np.abs(np.median(rest, axis=1)).max() < 0.03
    assert rest.std() < 0.03


def common_error(found, whole) -> np.ndarray:
    """(n_frames,) by how much dF/F of all ROIs is off together."""
    return np.abs(np.median(found.dff - whole.dff, axis=0))


def test_a_short_file_between_two_has_its_brightness(plane):
    segment = np.select([np.arange(FRAMES) < 3000, np.arange(FRAMES) < 3050], [0, 1], 2)
    lit = [200 + np.array([1, 0.5, 1.2])[segment] * (values - 200) for values in plane]
    found = of(*lit, segment=segment)
    assert found.light.steps.tolist() == [3000, 3050]
    assert found.usable.all()
    assert common_error(found, of(*plane)).max() < 0.03


@pytest.mark.parametrize(("length", "told"), [(60, True), (100, False)])
def test_steps_that_follow_closely(plane, length, told):
    """Trials of 2 s, each a file; and steps every 3.3 s that no file tells."""
    trial = np.arange(FRAMES) // length
    factors = np.random.default_rng(3).uniform(0.6, 1.4, trial[-1] + 1)[trial]
    lit = [200 + factors * (values - 200) for values in plane]
    found = of(*lit, segment=trial if told else None)
    assert common_error(found, of(*plane)).mean() < 0.05


def test_light_that_is_lost_for_a_moment_leaves_no_dff(plane):
    dimmed = (np.arange(FRAMES) >= 3000) & (np.arange(FRAMES) < 3030)
    lit = [200 + np.where(dimmed, 0.5, 1) * (values - 200) for values in plane]
    found, whole = of(*lit), of(*plane)
    np.testing.assert_array_equal(~found.usable, dimmed)
    assert not len(found.light.steps)
    assert (found.dff - whole.dff)[:, found.usable].std() < 0.01


def test_frames_without_a_value_cost_themselves(plane):
    f, around = (values.copy() for values in plane)
    whole = of(*plane)
    f[:, :300] = around[:, :300] = np.nan
    f[3, 1000:1100] = np.nan
    found = of(f, around)
    missing = np.zeros(f.shape, bool)
    missing[:, :300] = missing[3, 1000:1100] = True
    np.testing.assert_array_equal(np.isnan(found.dff), missing)
    assert np.nanstd(found.dff - whole.dff) < 0.02
    f[5] = np.nan
    found = of(f, around)
    assert np.isnan(found.dff[5]).all()
    assert np.isfinite(found.dff[[4, 6], 300:]).all()


def test_darkness_throughout_is_no_shutter():
    nothing = np.random.default_rng(0).normal(0, 1, (3, 200))
    found = watch([nothing], RATE, np.zeros(200, bool))
    assert not found.dark.any()
