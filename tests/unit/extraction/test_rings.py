"""Light from out of focus is taken out of one-photon movies, and cells stay."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from groundtrace.extraction.rings import blocked, complete, spread, without_background

DIAMETER, SIDE, FRAMES = 9.0, 90, 400
PLACES = ((25, 30), (60, 22), (45, 65))


def lit(background: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A movie uint16 of three cells in 1,200 photons whose background changes by a share; their masks and activity."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.array([np.hypot(rows - y, columns - x) < DIAMETER / 2 for y, x in PLACES])
    kernel = np.exp(-np.arange(40) / 8)
    events = random.random((len(PLACES), FRAMES)) < 0.015
    activity = np.array([np.convolve(row, kernel)[:FRAMES] for row in events])
    modes = gaussian_filter(random.standard_normal((8, SIDE, SIDE)), (0, 14, 14))
    course = gaussian_filter(random.standard_normal((8, FRAMES)), (0, 6))
    light = np.einsum("kt,kyx->tyx", course / course.std(), modes / modes.std()) / np.sqrt(8)
    lamp = 1 - 0.4 * ((rows - SIDE / 2) ** 2 + (columns - SIDE / 2) ** 2) / (SIDE**2 / 2)
    expected = lamp * (1200 * (1 + background * light) + 60 * np.einsum("kt,kyx->tyx", activity, masks))
    return random.poisson(expected).astype(np.uint16), masks, activity


def flat(movie: np.ndarray, folder, threads: int = 1) -> np.ndarray:
    with ThreadPoolExecutor(threads) as pool:
        made, mean = without_background(movie, np.zeros(len(movie), bool), DIAMETER, folder / "flat.npy", pool)
    np.testing.assert_allclose(mean, movie.mean(axis=0))
    return np.asarray(made[:])


def test_cells_are_seen_once_the_background_is_taken_out(tmp_path):
    movie, masks, activity = lit(0.15)
    made = flat(movie, tmp_path)
    for mask, course in zip(masks, activity, strict=True):
        before, after = (np.corrcoef(frames[:, mask].mean(axis=1), course)[0, 1] for frames in (movie, made))
        assert before < 0.4
        assert after > 0.85  # 0.96 without background
    middle = slice(20, -20)
    dark = ~np.any(masks[:, middle, middle], axis=0)
    pixels = np.compress(dark.ravel(), made[:, middle, middle].reshape(FRAMES, -1), axis=1).astype(float)
    # What is left is noise of photons, of which the mean over the field is steady.
    assert pixels.mean(axis=1).std() < 0.01 * pixels.mean()
    assert np.sqrt(pixels.var(axis=0).mean() / pixels.mean()) == pytest.approx(1, abs=0.1)


def test_a_movie_without_background_is_left_alone(tmp_path):
    movie, masks, _ = lit(0.0)
    made = flat(movie, tmp_path)
    for mask in masks:
        one, other = (frames[:, mask].mean(axis=1) for frames in (movie, made))
        assert np.corrcoef(one, other)[0, 1] > 0.99
        assert other.std() == pytest.approx(one.std(), rel=0.1)


def test_the_same_bytes_with_any_number_of_threads(tmp_path):
    movie, *_ = lit(0.15)
    one = flat(movie, tmp_path)
    (tmp_path / "two").mkdir()
    np.testing.assert_array_equal(one, flat(movie, tmp_path / "two", 2))


def test_lines_that_registration_filled_in_are_left_out(tmp_path):
    movie, *_ = lit(0.15)
    mean = movie.mean(axis=0).astype(np.uint16)
    movie[::7, :3] = mean[:3]
    movie[::9, :, -2:] = mean[:, -2:]
    assert complete(movie, np.arange(FRAMES)) == (slice(3, SIDE), slice(0, SIDE - 2))
    made = flat(movie, tmp_path)
    assert (np.ptp(made[:, :3], axis=0) == 0).all()
    assert (np.ptp(made[:, 3:, :-2], axis=0) > 0).all()


@pytest.mark.parametrize("side", [1, 3, 4])
def test_blocks_of_a_slope_are_the_slope_again(side):
    slope = np.add.outer(np.arange(24.0), 2 * np.arange(36.0))[None]
    again = spread(blocked(slope, side), side, slope.shape[1:])
    np.testing.assert_allclose(again[:, side:-side, side:-side], slope[:, side:-side, side:-side])
