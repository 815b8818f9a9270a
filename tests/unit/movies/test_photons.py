"""Gain and offset come out of a movie's noise, whatever moves and flashes in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, shift
from scipy.stats import theilslopes

from groundtrace.movies.photons import photon_line, theil_sen

PAIRS = 400


def tissue(size: int, generator: np.random.Generator) -> np.ndarray:
    """Photons per pixel of a field with contrast."""
    field = gaussian_filter(generator.normal(size=(size, size)), 4)
    return 0.5 + 4 * (field - field.min()) / np.ptp(field)


def record(field: np.ndarray, gain: float, offset: float, generator: np.random.Generator) -> np.ndarray:
    return offset + gain * generator.poisson(field)


def line_of(frames: np.ndarray) -> tuple[float, float] | None:
    """Fit to a movie (2 × pairs, height, width)."""
    rows, columns = np.gradient(frames.mean(0))
    first, second = (frames[later::2].reshape(len(frames) // 2, -1) for later in range(2))
    return photon_line(first, second, (rows**2 + columns**2).ravel())


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 32]), st.booleans())
def test_the_line_and_its_interval_are_those_of_scipy(seed, count, ties):
    generator = np.random.default_rng(seed)
    x = np.append(generator.integers(0, 5, count - 1), 7) if ties else np.arange(count)
    y = 2.0 * x + (generator.integers(0, 3, count) if ties else generator.normal(size=count))
    assert theil_sen(x, y) == tuple(theilslopes(y, x))


@settings(deadline=None, max_examples=15)
@given(
    gain=st.floats(0.5, 3000),
    offset=st.floats(-500, 5000),
    light=st.floats(0.2, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_poisson_gain_and_offset_are_recovered(gain, offset, light, seed):
    generator = np.random.default_rng(seed)
    field = light * tissue(64, generator)
    frames = record(np.broadcast_to(field, (2 * PAIRS, 64, 64)), gain, offset, generator)
    found_gain, found_offset = line_of(frames)
    assert found_gain == pytest.approx(gain, rel=0.05)
    # In photons: an error of the offset is worth as many photons per pixel as it shifts every mean.
    assert (found_offset - offset) / gain == pytest.approx(0, abs=0.05 * field.mean())


@pytest.mark.parametrize("light", [0.3, 3, 30])
def test_motion_does_not_raise_the_gain(light):
    generator = np.random.default_rng(1)
    field = light * tissue(72, generator)
    moved = np.array([shift(field, generator.normal(0, 0.4, 2), order=1, mode="nearest") for _ in range(2 * PAIRS)])
    gain, _ = line_of(record(moved, 20, 100, generator)[:, 4:-4, 4:-4])
    assert gain == pytest.approx(20, rel=0.05)


def test_active_cells_do_not_raise_the_gain():
    generator = np.random.default_rng(2)
    field = tissue(64, generator)
    active = field > np.quantile(field, 0.85)
    transients = 1 + 2 * active * (generator.random((2 * PAIRS, 1, 1)) < 0.1)
    gain, offset = line_of(record(field * transients, 20, 100, generator))
    assert gain == pytest.approx(20, rel=0.05)
    assert offset == pytest.approx(100, abs=4)


def test_jumps_and_repeats_do_not_count():
    generator = np.random.default_rng(3)
    field = np.broadcast_to(tissue(64, generator), (2 * PAIRS, 64, 64)).copy()
    field[::50] *= 3
    frames = record(field, 20, 100, generator)
    frames[101::20] = frames[100:-1:20]
    gain, _ = line_of(frames)
    assert gain == pytest.approx(20, rel=0.05)


def test_read_noise_moves_the_offset_not_the_gain():
    """Half of variance is noise of the amplifier: the line is as steep, and crosses zero further down."""
    generator = np.random.default_rng(4)
    field = np.broadcast_to(tissue(64, generator), (2 * PAIRS, 64, 64))
    frames = record(field, 20, 100, generator) + generator.normal(0, 30, field.shape)
    gain, offset = line_of(frames)
    assert gain == pytest.approx(20, rel=0.05)
    assert offset == pytest.approx(100 - 30**2 / 20, abs=6)


@pytest.mark.parametrize(
    "frames",
    [
        np.random.default_rng(5).poisson(4, (2 * PAIRS, 64, 64)),
        np.random.default_rng(6).poisson(4, (16, 64, 64)),
        np.random.default_rng(7).normal(np.linspace(5, 500, 64), 3, (2 * PAIRS, 64, 64)).round(),
        np.broadcast_to(np.linspace(5, 500, 64), (2 * PAIRS, 64, 64)),
    ],
    ids=["no contrast", "few frames", "noise that does not grow with light", "no noise"],
)
def test_no_line_where_there_is_none(frames):
    assert line_of(frames) is None
