"""The movie in units of its noise: kernels against slow references, noise and rest against what was simulated."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from groundtrace.extraction.decay import activity_decay
from groundtrace.extraction.scene import (
    FEWEST_BINS,
    MOST_BINS,
    bin_size,
    noise_by_brightness,
    resting,
    surroundings,
    taps,
)
from groundtrace.extraction.scene_kernels import (
    bin_frames,
    coarse_means,
    in_noise_units,
    lower,
    matched,
    moments,
    negative_width,
    spread,
    tile_images,
)
from groundtrace.testing.movies import with_cells
from tests.unit.extraction.scenes import disk_image, scene_of


def poisson_images(photons: np.ndarray, frames: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and variance by second differences, of Poisson noise around `photons` (Y, X) or (T, Y, X)."""
    movie = np.random.default_rng(0).poisson(photons, (frames, *photons.shape[-2:])).astype(float)
    return movie.mean(axis=0), np.square(np.diff(movie, 2, axis=0)).mean(axis=0) / 6


def test_noise_is_that_of_the_quiet_pixels_of_a_brightness():
    """A twentieth of the pixels is active, and has ten times the variance."""
    photons = np.broadcast_to(np.linspace(60, 400, 64), (64, 64)).copy()
    mean, variance = poisson_images(photons)
    active = np.random.default_rng(1).random(photons.shape) < 0.05
    variance[active] *= 10
    noise = noise_by_brightness(mean, variance)
    np.testing.assert_allclose(noise, photons, rtol=0.15)
    assert np.mean(noise / photons) == pytest.approx(1, abs=0.02)


def test_noise_never_falls_with_brightness_and_is_never_zero():
    random = np.random.default_rng(0)
    mean, variance = random.uniform(0, 100, (50, 50)), random.uniform(0, 2, (50, 50))
    noise = noise_by_brightness(mean, variance).ravel()
    assert (np.diff(noise[np.argsort(mean, axis=None)]) >= 0).all()
    assert (noise_by_brightness(np.zeros((9, 9)), np.zeros((9, 9))) > 0).all()


@pytest.mark.parametrize("bins", [100, 2400])
def test_rest_is_unbiased_in_noise_that_drifts(bins):
    random = np.random.default_rng(0)
    drift = 3 * np.sin(np.arange(bins) / bins * 4)
    z = (random.normal(0, 1, (16, 16, bins)) + 50 + drift).astype(np.float32)
    if bins < 240:
        z -= drift.astype(np.float32)
    lower(z, resting(z))
    assert abs(z.mean()) < 0.03
    if bins > 240:
        slow = z.mean(axis=(0, 1)).reshape(-1, 60).mean(axis=1)
        assert np.abs(slow[2:-2]).max() < 0.1, "blocks are followed, all but the ends"


def test_rest_is_below_transients():
    """A tenth of the time active, far above the noise: rest moves by a small part of the noise."""
    random = np.random.default_rng(0)
    z = random.normal(0, 1, (16, 16, 480)).astype(np.float32)
    z[:, :, random.random(480) < 0.1] += 10
    assert abs(resting(z).mean()) < 0.2


def test_moments_and_bins_are_those_of_numpy():
    movie = np.random.default_rng(0).integers(0, 60_000, (40, 5, 7)).astype(np.uint16)
    follows = np.ones(40, bool)
    follows[[0, 1, 20, 21]] = False
    total, difference = np.zeros((2, 5, 7), np.float32)
    moments(movie, follows, total, difference)
    np.testing.assert_allclose(total + 38 * movie[0].astype(float), movie[2:].sum(axis=0), rtol=1e-6)
    change = np.diff(movie.astype(float), 2, axis=0)[follows[2:]]
    np.testing.assert_allclose(difference, np.square(change).sum(axis=0), rtol=1e-5)
    out = np.empty((10, 5, 7), np.float32)
    bin_frames(movie, np.arange(0, 40, 4)[:, None] + [0, 4], out)
    np.testing.assert_allclose(out, movie.reshape(10, 4, 5, 7).mean(axis=1), rtol=1e-6)


def test_units_of_noise_are_those_of_numpy():
    random = np.random.default_rng(0)
    binned, field = random.normal(100, 9, (33, 4, 6)).astype("f4"), random.normal(0, 0.1, (33, 3, 4)).astype("f4")
    mean, light, inverse = random.uniform(0.5, 2, (3, 4, 6)).astype("f4")
    rows = np.array([[0, 0.0], [0, 0.5], [1, 0.25], [1, 0.75]], np.float32)
    columns = np.array([[0, 0.0], [0, 0.5], [1, 0.0], [1, 0.5], [2, 0.0], [2, 1.0]], np.float32)
    out, quieter = np.empty((4, 6, 33), np.float32), random.uniform(0.5, 1, 33).astype("f4")
    in_noise_units(binned, mean, light, field, rows, columns, inverse, quieter, out)
    for y, (top, down) in enumerate(rows):
        for x, (left, right) in enumerate(columns):
            i, j = int(top), int(left)
            above = field[:, i, j] * (1 - right) + field[:, i, j + 1] * right
            below = field[:, i + 1, j] * (1 - right) + field[:, i + 1, j + 1] * right
            around = above * (1 - down) + below * down
            expected = (binned[:, y, x] - mean[y, x] - around * light[y, x]) * inverse[y, x] * quieter
            np.testing.assert_allclose(out[y, x], expected, rtol=1e-4, atol=1e-4)


def test_filter_width_and_pictures_are_those_of_numpy():
    random = np.random.default_rng(0)
    z, kernel = random.normal(0, 1, (9, 8, 50)).astype("f4"), np.array([0.2, 0.5, 1, 0.5, 0.2], np.float32)
    padded = np.pad(z, ((2, 2), (2, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))
    np.testing.assert_allclose(matched(z, kernel), windows @ kernel @ kernel, atol=1e-5)
    negative = np.where(z < 0, z, np.nan)
    np.testing.assert_allclose(negative_width(z), np.sqrt(np.nanmean(negative**2, axis=2)), rtol=1e-5)
    deviation, highest, correlation = (np.empty((9, 8), np.float32) for _ in range(3))
    tile_images(z, 0.0, deviation, highest, correlation)
    np.testing.assert_allclose(deviation, z.std(axis=2), rtol=1e-4)
    np.testing.assert_allclose(highest, z.max(axis=2), rtol=1e-5)
    near = [np.corrcoef(z[4, 4], z[i, j])[0, 1] for i, j in ((3, 4), (5, 4), (4, 3), (4, 5))]
    assert correlation[4, 4] == pytest.approx(np.mean(near), abs=1e-4)
    corner = [np.corrcoef(z[0, 0], z[i, j])[0, 1] for i, j in ((0, 1), (1, 0))]
    assert correlation[0, 0] == pytest.approx(np.mean(corner), abs=1e-4)


@pytest.mark.parametrize("brightness", [3, 50, 2000])
def test_noise_has_unit_width_at_any_light(brightness, tmp_path):
    photons = np.broadcast_to(brightness * np.linspace(0.5, 3, 64), (64, 64))
    movie = np.random.default_rng(0).poisson(photons, (300, 64, 64)).astype(np.uint16)
    z, smooth = scene_of(movie, tmp_path).patch(0, 64, 0, 64)
    assert z.std() == pytest.approx(1, abs=0.07)
    assert smooth[8:-8, 8:-8].std() == pytest.approx(1, abs=0.12)
    assert abs(smooth.mean()) < 0.1


def test_what_the_surroundings_do_together_is_taken_away_and_cells_stay(tmp_path):
    """Light that swells everywhere by a fifth makes no activity; a cell keeps its own."""
    random = np.random.default_rng(0)
    truth = with_cells((400, 96, 96), count=4)
    swell = 1 + 0.2 * np.sin(np.arange(400) / 6)
    tissue = truth.movie + random.poisson(np.linspace(0, 300, 96), truth.movie.shape)
    scene = scene_of((tissue * swell[:, None, None]).round().astype(np.uint16), tmp_path)
    z = scene.patch(0, 96, 0, 96)[0]
    for y, x, activity in zip(truth.y.round().astype(int), truth.x.round().astype(int), truth.activity, strict=True):
        trace = z[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
        assert np.corrcoef(trace, activity)[0, 1] > 0.95
        assert abs(np.corrcoef(trace, swell)[0, 1]) < 0.25
    assert abs(scene.dark) < 10


def test_coarse_means_are_those_of_the_pixels():
    random = np.random.default_rng(0)
    binned, mean = random.random((3, 10, 13)).astype("f4"), random.random((10, 13)).astype("f4")
    found = np.empty((3, 3, 4), np.float32)
    coarse_means(binned, mean, 4, found)
    for k in range(3):
        for y in range(3):
            for x in range(4):
                part = (slice(4 * y, 4 * y + 4), slice(4 * x, 4 * x + 4))
                assert found[k, y, x] == pytest.approx((binned[k] - mean)[part].mean(), abs=1e-6)


def test_spread_is_a_gaussian_with_nothing_outside():
    images, kernel = np.random.default_rng(0).random((2, 9, 14)).astype("f4"), taps(1.3)
    expected = correlate1d(correlate1d(images, kernel, 1, mode="constant"), kernel, 2, mode="constant")
    np.testing.assert_allclose(spread(images, kernel), expected, rtol=1e-5)


def test_activity_is_no_background():
    binned = np.full((60, 40, 40), 100, np.float32) + np.random.default_rng(0).normal(0, 1, (60, 40, 40)).astype("f4")
    binned[30, 16:24, 16:24] += 300
    mean = binned.mean(axis=0)
    field = surroundings(binned, mean, mean, 4, 2.0)
    assert np.abs(field).max() < 0.05


def test_bins_follow_the_decay_within_bounds():
    assert bin_size(100, 20) == 1, "few frames are not averaged"
    assert bin_size(7000, 20) == 6
    assert bin_size(100_000, 100) == -(-100_000 // MOST_BINS[0])
    assert bin_size(20_000, 6) <= 7, "a long movie does not average its transients away"
    assert bin_size(1_000_000, 1) == -(-1_000_000 // MOST_BINS[1])
    for frames in (20, 500, 3000, 40_000):
        for decay in (1.0, 5.0, 50.0):
            bins = frames // bin_size(frames, decay)
            assert min(frames, FEWEST_BINS) <= bins <= MOST_BINS[1]


@pytest.mark.parametrize("decay", [3.0, 12.0])
def test_decay_is_that_of_the_transients(decay, tmp_path):
    movie = with_cells((1000, 64, 64), count=4, decay=decay, rate=0.01).movie
    mean = movie.mean(axis=0)
    found = activity_decay(movie, np.arange(1000), mean, mean)
    assert found == pytest.approx(decay, rel=0.35)


def test_a_cell_that_stays_active_is_no_resting_level_and_drift_of_a_fifth_is(tmp_path):
    random = np.random.default_rng(0)
    later = np.arange(2000) >= 1200
    cell = disk_image((64, 64), 32, 32, 5)
    active = scene_of(random.poisson(50 + cell * 50 * later[:, None, None]).astype(np.uint16), tmp_path)
    z, _ = active.patch(0, 64, 0, 64)
    busy = np.arange(z.shape[2]) * active.size >= 1200
    middle = z[31:34, 31:34]
    assert middle[..., busy].mean() - middle[..., ~busy].mean() > 4
    (tmp_path / "drift").mkdir()
    ramp = np.linspace(0, 0.2, 2000)[:, None, None]
    z, _ = scene_of(random.poisson(50 * (1 + cell * ramp)).astype(np.uint16), tmp_path / "drift").patch(0, 64, 0, 64)
    assert abs(z[29:36, 29:36, -40:].mean() - z[29:36, 29:36, :40].mean()) < 1, "of 3"
