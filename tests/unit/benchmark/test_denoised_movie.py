"""Measures of a denoised movie: planted faults have the sizes that they were planted with."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from groundtrace.benchmark.denoised_movie import PixelNoise, open_plane, score_movie
from groundtrace.simulation.detector import detect
from groundtrace.simulation.parameters import Simulation
from groundtrace.testing.movies import acquisition

PARAMETERS = Simulation()
NOISE = PixelNoise.of(PARAMETERS)
FRAMES, SIDE = 240, 64


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """Still structures of some 15 photons; a patch in a corner flickers."""
    random = np.random.default_rng(0)
    image = 15 + 40 * gaussian_filter(random.standard_normal((SIDE, SIDE)), 2.5, mode="wrap")
    movie = np.repeat(np.maximum(image, 2)[None], FRAMES, axis=0)
    movie[:, :16, :16] *= 1 + random.random(FRAMES)[:, None, None]
    return (movie * PARAMETERS.gain + PARAMETERS.offset).astype(np.float32)


def noisy(clean: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(clean.shape)
    return clean + noise * np.sqrt(NOISE.variance(clean))


def test_the_movie_itself_has_no_fault(clean):
    found = score_movie(clean, clean, PARAMETERS)
    assert found["psnr"] is None
    assert found["ssim"] == pytest.approx(1)
    assert found["wobble"] == pytest.approx(0, abs=1e-9)
    assert found["border_shift"] == pytest.approx(0, abs=1e-6)


def test_noise_wobbles_by_its_own_variance_and_a_mean_over_frames_by_its_share(clean):
    movie = noisy(clean)
    assert score_movie(movie, clean, PARAMETERS)["wobble"] == pytest.approx(1, rel=0.01)
    mean = np.broadcast_to(movie.reshape(-1, 4, SIDE, SIDE).mean(axis=1, keepdims=True), (FRAMES // 4, 4, SIDE, SIDE))
    assert score_movie(mean.reshape(movie.shape), clean, PARAMETERS)["wobble"] == pytest.approx(0.25, rel=0.03)


def test_a_wrong_but_steady_image_and_lost_activity_do_not_wobble(clean):
    steady = clean * np.linspace(0.8, 1.2, SIDE, dtype=np.float32)
    assert score_movie(steady, clean, PARAMETERS)["wobble"] < 1e-3
    still = np.repeat(clean.mean(axis=0, keepdims=True), FRAMES, axis=0)
    found = score_movie(still, clean, PARAMETERS)
    assert found["wobble"] < 1e-6
    assert found["psnr"] < 40


def test_an_error_of_known_size_has_its_peak_signal_to_noise_ratio(clean):
    stable = NOISE.stabilised(clean)
    movie = NOISE.dark + NOISE.slope * ((stable + 0.5) / 2) ** 2
    span = stable.max() - stable.min()
    assert score_movie(movie, clean, PARAMETERS)["psnr"] == pytest.approx(20 * np.log10(span / 0.5), abs=0.01)


@pytest.mark.parametrize("size", [0.05, 0.2])
def test_borders_that_jump_are_found_with_their_size(clean, size):
    jumps = size * np.random.default_rng(2).standard_normal((FRAMES, 2))
    movie = np.stack([shift(frame, -jump, order=3, mode="nearest") for frame, jump in zip(clean, jumps, strict=True)])
    found = score_movie(movie, clean, PARAMETERS)["border_shift"]
    assert found == pytest.approx(np.sqrt((np.diff(jumps, axis=0) ** 2).sum(axis=1).mean()), rel=0.1)


def test_blur_costs_structure(clean):
    blurred = np.stack([gaussian_filter(frame, 2) for frame in clean])
    assert score_movie(blurred, clean, PARAMETERS)["ssim"] < 0.9
    assert score_movie(noisy(clean), clean, PARAMETERS)["ssim"] < score_movie(blurred, clean, PARAMETERS)["ssim"]


def test_noise_of_the_simulated_detector_has_the_variance_that_is_divided_by():
    frames = detect(np.random.default_rng(3), np.full((400, 400), 8.0, np.float32), PARAMETERS).astype(float)
    assert frames.var() == pytest.approx(NOISE.variance(frames.mean()), rel=0.02)
    assert NOISE.stabilised(frames).var() == pytest.approx(1, rel=0.1)


def test_planes_of_a_movie_without_noise_come_in_turn(tmp_path):
    movie, one = np.arange(12)[:, None, None] * np.ones((1, 2, 2)), acquisition((4, 2, 2), plane=1, planes=3)
    np.save(tmp_path / "all.npy", movie)
    np.save(tmp_path / "own.npy", movie[:4])
    assert open_plane(tmp_path / "all.npy", one)[:, 0, 0].tolist() == [1, 4, 7, 10]
    assert len(open_plane(tmp_path / "own.npy", one)) == 4
