"""The detector's statistics are those of its parameters."""

import numpy as np
import pytest
from scipy.stats import poisson

from groundtrace.simulation.detector import detect, noise_variance
from groundtrace.simulation.parameters import Simulation


def frames_of(expected, parameters, count=400):
    random = np.random.default_rng(0)
    return np.stack([detect(random, expected, parameters) for _ in range(count)]).astype(np.float64)


@pytest.mark.parametrize(("gain", "excess", "offset"), [(100.0, 1.2, 200.0), (40.0, 1.0, -50.0), (150.0, 1.6, 0.0)])
def test_variance_mean_line_gives_gain_and_offset(gain, excess, offset):
    parameters = Simulation(gain=gain, excess_noise=excess, offset=offset, read_noise=0, noise_correlation=0)
    expected = np.tile(np.linspace(2, 30, 64, dtype=np.float32), (32, 1))
    movie = frames_of(expected, parameters)
    slope, intercept = np.polyfit(movie.mean(axis=0).ravel(), movie.var(axis=0).ravel(), 1)
    assert slope == pytest.approx(gain * excess, rel=0.02)
    assert -intercept / slope == pytest.approx(offset, abs=0.3 * gain)
    assert movie.mean() == pytest.approx(offset + gain * expected.mean(), rel=0.01)


def test_dark_pixels_show_offset_and_read_noise():
    movie = frames_of(np.zeros((32, 32), np.float32), Simulation(offset=200, read_noise=20, noise_correlation=0))
    assert movie.mean() == pytest.approx(200, abs=0.2)
    assert movie.std() == pytest.approx(20, rel=0.01)


def test_photons_are_counted_exactly():
    parameters = Simulation(gain=100, excess_noise=1, offset=0, read_noise=0, noise_correlation=0)
    counts = frames_of(np.full((64, 64), 3.0, np.float32), parameters, 100) / 100
    np.testing.assert_array_equal(counts, counts.round())
    share = np.bincount(counts.astype(int).ravel(), minlength=10)[:10] / counts.size
    np.testing.assert_allclose(share, poisson.pmf(np.arange(10), 3), atol=0.003)


def test_the_converter_saturates_instead_of_wrapping():
    bright = detect(np.random.default_rng(0), np.full((8, 8), 1e4, np.float32), Simulation(gain=100))
    assert bright.dtype == np.int16
    assert np.all(bright == 32767)
    assert detect(np.random.default_rng(0), np.full((8, 8), 1e4, np.float32), Simulation(saturation=8191)).max() == 8191


@pytest.mark.parametrize("correlation", [0.1, 0.2, 0.4])
def test_noise_of_neighbouring_pixels_correlates_as_asked_and_keeps_its_variance(correlation):
    expected = np.full((64, 64), 10.0, np.float32)
    noise = {
        value: frames_of(expected, Simulation(noise_correlation=value), 100)[:, 2:-2, 2:-2]
        for value in (0, correlation)
    }
    noise = {value: movie - movie.mean() for value, movie in noise.items()}
    variance = (noise[correlation] ** 2).mean()
    assert variance == pytest.approx((noise[0] ** 2).mean(), rel=0.02)
    assert (noise[correlation][:, 1:] * noise[correlation][:, :-1]).mean() / variance == pytest.approx(
        correlation, abs=0.01
    )
    assert (noise[correlation][..., 1:] * noise[correlation][..., :-1]).mean() / variance == pytest.approx(
        correlation, abs=0.01
    )
    # What detectability is computed from: the noise of a sum over many pixels.
    blocks = noise[correlation][:, :60, :60].reshape(100, 3, 20, 3, 20).sum(axis=(2, 4))
    photons = np.full(1, 10.0)
    expected_variance = 400 * noise_variance(photons, Simulation(noise_correlation=correlation))[0] * 100**2
    assert blocks.var() == pytest.approx(expected_variance, rel=0.15)
