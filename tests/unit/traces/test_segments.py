"""Files and stretches between gaps have their own brightness and baseline."""

import numpy as np
import pytest

from groundtrace.spikes.oasis import deconvolve_trace
from groundtrace.traces.dff import BaselineParameters, DffParameters, NeuropilParameters, baseline, compute_dff
from groundtrace.traces.light import watch
from groundtrace.traces.noise import noise_sd, overall_noise_sd

RATE, EACH, FILES = 10.0, 400, 4
SEGMENT = np.repeat(np.arange(FILES), EACH)
LEVEL = np.array([1.0, 1.03, 1.0, 1.02])[SEGMENT]


def recording(cells: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """F and Fneu of quiet cells in neuropil that fluctuates for each, above the offset."""
    random = np.random.default_rng(0)
    around = 300 * (1 + 0.03 * random.standard_normal((cells, FILES * EACH)))
    f = 500 + 0.7 * around + random.normal(0, 10, around.shape)
    return LEVEL * f, LEVEL * around


def test_a_small_step_is_divided_out_where_a_file_begins():
    f, around = recording()
    alone = watch([f, around], RATE, np.zeros(f.shape[1], bool))
    told = watch([f, around], RATE, np.zeros(f.shape[1], bool), SEGMENT)
    assert told.steps.tolist() == [400, 800, 1200]
    np.testing.assert_allclose(told.gain / told.gain.mean(), LEVEL / LEVEL.mean(), rtol=0.005)
    assert not np.allclose(alone.gain / alone.gain.mean(), LEVEL / LEVEL.mean(), rtol=0.005)


def test_steps_near_a_border_are_that_border_and_short_files_have_none():
    f, around = recording()
    light = [np.where(np.arange(f.shape[1]) < 398, values, 1.5 * values) for values in (f, around)]
    assert watch(light, RATE, np.zeros(f.shape[1], bool), SEGMENT).steps.tolist() == [400, 800, 1200]
    images = np.arange(f.shape[1])
    assert not len(watch([f, around], RATE, np.zeros(f.shape[1], bool), images // 20).steps) > f.shape[1] // 50


def test_each_long_segment_has_the_baseline_that_it_has_alone():
    f, around = recording()
    f = f + 200 * (SEGMENT == 2)
    fixed = DffParameters(
        neuropil=NeuropilParameters(method="fixed", coefficient=0), baseline=BaselineParameters(window=20)
    )
    found = compute_dff(f, around, RATE, 0.0, fixed, segment=SEGMENT)
    part = found.light.gain
    for number in range(FILES):
        here = number == SEGMENT
        alone = f[:, here] / part[here]
        f0 = baseline(alone, RATE, fixed.baseline)
        np.testing.assert_allclose(found.dff[:, here], (alone - f0) / f0, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["fixed", "fitted"])
def test_the_fitted_coefficient_is_told_whichever_is_used(method):
    random = np.random.default_rng(1)
    around = 300 * (1 + 0.1 * random.standard_normal((8, 1600)).repeat(2, axis=1)[:, :1600])
    f = 500 + 0.3 * around + random.normal(0, 5, around.shape)
    found = compute_dff(f, around, RATE, 0.0, DffParameters(neuropil=NeuropilParameters(method=method)))
    np.testing.assert_allclose(found.fitted, 0.3, atol=0.05)
    assert (found.fitted_error > 0).all()
    np.testing.assert_allclose(found.coefficient, 0.7 if method == "fixed" else found.fitted)
    assert (found.coefficient_error == 0).all() == (method == "fixed")


def test_noise_that_changes_counts_by_its_mean_square():
    random = np.random.default_rng(2)
    steady = random.normal(0, 0.1, 6000)
    assert overall_noise_sd(steady) == noise_sd(steady)[0]
    changing = steady * np.where(np.arange(6000) < 4000, 1, 3)
    assert overall_noise_sd(changing) == pytest.approx(changing.std(), rel=0.05)
    events, _ = deconvolve_trace(changing, 30.0, 0.5)
    assert events.sum() < 0.2 * np.abs(changing).sum()
    assert events.sum() < 30
