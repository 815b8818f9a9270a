"""Running mean and decomposition do what their formulas say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from groundtrace.denoising.base import DenoisingBackend
from groundtrace.denoising.boxcar import Boxcar
from groundtrace.denoising.decomposition import noise_edge
from groundtrace.denoising.svd import Svd
from groundtrace.movies.noise import REACH
from groundtrace.testing.movies import TAPS, correlated, task

SHAPE = (400, 40, 44)


def denoise(
    backend: DenoisingBackend,
    movie: np.ndarray,
    bad: np.ndarray | None = None,
    segment: np.ndarray | None = None,
):
    denoised, deviation = np.empty(movie.shape, np.float32), np.empty(movie.shape, np.float16)
    bad = () if bad is None else np.flatnonzero(bad)
    return (
        denoised,
        deviation,
        backend.run(movie, denoised, deviation, replace(task(movie, Path(), bad), segment=segment)),
    )


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """Three patterns that come and go."""
    random = np.random.default_rng(3)
    times = np.array([np.convolve(random.random(400) < 0.03, np.exp(-np.arange(40) / 8))[:400] for _ in range(3)])
    patterns = np.zeros((3, *SHAPE[1:]))
    for k in range(3):
        patterns[k, 5 + 12 * k : 12 + 12 * k, 8:15] = 100
    return 200 + np.einsum("kt,kyx->tyx", times, patterns)


@pytest.fixture(scope="module")
def noisy(clean) -> np.ndarray:
    return np.random.default_rng(4).poisson(clean).astype(np.uint16)


def test_the_running_mean_is_that_of_the_good_frames_around(noisy):
    bad = np.isin(np.arange(400), (30, 31, 200))
    denoised, _, _ = denoise(Boxcar(frames=5), noisy, bad)
    np.testing.assert_allclose(denoised[100], noisy[98:103].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[0], noisy[:3].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[399], noisy[397:].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[29], noisy[[27, 28, 29, 32, 33]].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[200], noisy[[198, 199, 201, 202]].mean(axis=0), rtol=1e-6)


def test_the_running_mean_stays_within_a_stretch(noisy):
    """A whole file is bad: its frames are those of the next one."""
    segment = np.searchsorted([100, 103, 106, 250], np.arange(400), side="right")
    bad = np.isin(np.arange(400), (99, *range(103, 106)))
    denoised, deviation, _ = denoise(Boxcar(frames=5), noisy, bad, segment)
    np.testing.assert_allclose(denoised[99], noisy[97:99].mean(axis=0), rtol=1e-6)
    for t in (100, 101, 102):
        np.testing.assert_allclose(denoised[t], noisy[100:103].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[104], noisy[106:108].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(denoised[249], noisy[247:250].mean(axis=0), rtol=1e-6)
    assert np.isfinite(deviation).all()


def test_an_even_number_of_frames_has_no_middle():
    with pytest.raises(ValidationError, match="odd"):
        Boxcar(frames=4)


@pytest.mark.parametrize("backend", [Boxcar(frames=3), Svd()], ids=["boxcar", "svd"])
def test_the_deviation_is_that_of_the_errors(backend, clean, noisy):
    still = np.random.default_rng(5).poisson(np.broadcast_to(clean[0], SHAPE)).astype(np.uint16)
    movie, truth = (still, clean[0]) if isinstance(backend, Boxcar) else (noisy, clean)
    denoised, deviation, _ = denoise(backend, movie)
    surprise = ((denoised - truth) / deviation.astype(np.float32))[5:-5]
    assert np.sqrt(np.square(surprise).mean()) == pytest.approx(1, abs=0.1)


def test_as_many_components_as_there_are_patterns(noisy):
    _, _, found = denoise(Svd(), noisy)
    assert found.about["components"] == 3
    _, _, found = denoise(Svd(components=7), noisy)
    assert found.about["components"] == 7


@pytest.mark.parametrize("frames", [150, 600])
def test_the_edge_is_the_largest_singular_value_of_correlated_noise(frames):
    noise = correlated(np.random.default_rng(6), (frames, 40, 44)).reshape(frames, -1)
    line, correlation = np.correlate(TAPS, TAPS, "full"), np.zeros((2 * REACH + 1, 2 * REACH + 1))
    correlation[REACH - 2 : REACH + 3, REACH - 2 : REACH + 3] = np.outer(line, line)
    largest = np.linalg.svd(noise, compute_uv=False)[0]
    assert noise_edge(frames, 40 * 44, correlation) == pytest.approx(largest, rel=0.01)
    assert noise_edge(frames, 40 * 44, np.ones((1, 1))) == pytest.approx(frames**0.5 + (40 * 44) ** 0.5, rel=1e-6)


def test_nothing_is_kept_of_noise_alone(tmp_path: Path):
    movie = np.random.default_rng(7).poisson(30, SHAPE).astype(np.uint16)
    denoised, _, found = denoise(Svd(), movie)
    assert found.about["components"] == 0
    np.testing.assert_allclose(denoised, np.broadcast_to(movie.mean(axis=0), SHAPE), rtol=1e-5)
