"""Neuropils lose their noise, alone and together."""

import numpy as np
import pytest

from groundtrace.traces.neuropil_factors import Surroundings, without_noise

FRAMES = 2000
TIME = np.arange(FRAMES)


def field(rois: int, random: np.random.Generator) -> np.ndarray:
    """Neuropils that share two slow time courses: (rois, FRAMES) around 100."""
    courses = np.stack([np.sin(TIME / 12), np.cos(TIME / 31 + 1)])
    return 100 + 5 * random.standard_normal((rois, 2)) @ courses


def test_slow_light_stays_and_white_noise_goes():
    random = np.random.default_rng(0)
    slow = np.stack([3 * np.sin(TIME / 20), TIME / 500.0])
    left = without_noise(slow + random.standard_normal(slow.shape)) - slow
    assert (left**2).mean(axis=1) == pytest.approx(0, abs=0.05)


def test_of_noise_alone_little_is_left():
    traces = np.random.default_rng(1).standard_normal((20, FRAMES))
    assert (without_noise(traces) ** 2).mean() < 0.1


def test_a_neuropil_is_known_better_together_with_those_around_it():
    random = np.random.default_rng(2)
    clean = field(30, random)
    # One has light of its own, and all have noise of other size.
    clean[3] += 4 * np.sin(TIME / 5)
    noise = random.uniform(4, 40, 30)
    seen = clean + np.sqrt(noise)[:, None] * random.standard_normal(clean.shape)
    found = Surroundings.of(seen.astype(np.float32), noise)
    together = np.stack([found.around(roi) for roi in range(30)])
    alone = without_noise(seen - seen.mean(axis=1, keepdims=True)) + seen.mean(axis=1, keepdims=True)
    errors = [((each - clean) ** 2).mean(axis=1) for each in (together, alone)]
    assert errors[0].mean() < 0.5 * errors[1].mean()
    assert (errors[0] < 0.1 * noise).all()


def test_modes_span_what_all_have_in_common_and_have_the_size_of_their_part():
    random = np.random.default_rng(3)
    clean = field(30, random)
    found = Surroundings.of((clean + random.standard_normal(clean.shape)).astype(np.float32), np.ones(30))
    # Two there are. Strongest first, and of those that are noise little is left.
    size = found.factors.std(axis=1)
    assert (size[:2] > 2).all()
    assert (size[2:] < 0.1).all()
    design = np.vstack([found.factors[:2], np.ones(FRAMES)]).T
    rest = clean.T - design @ np.linalg.lstsq(design, clean.T, rcond=None)[0]
    assert (rest**2).mean() < 0.02
    # Each adds its own standard deviation to the neuropils, root mean square over ROIs.
    assert (found.factors.var(axis=1)).sum() == pytest.approx(clean.var(axis=1).mean(), rel=0.1)


@pytest.mark.parametrize("rois", [0, 1, 3])
def test_few_neuropils_have_few_factors(rois):
    found = Surroundings.of(np.full((rois, 50), 7, np.float32), np.ones(rois))
    assert len(found.factors) == rois
    assert all((found.around(roi) == 7).all() for roi in range(rois))
