"""What stretches of a recording do to the search for cells: no bin reaches across, and steps of brightness are gone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from groundtrace.extraction.evenness import Even
from groundtrace.extraction.scene import Scene, bins_of, observe
from groundtrace.extraction.transients import Transients
from groundtrace.testing.movies import task, with_cells

FRAMES, FILES, OFFSET = 1200, 4, 100.0
"""The background of `with_cells` is 105, of which 5 are light here, or all."""
GAIN = np.repeat([1.3, 0.7, 1.0, 1.2], FRAMES // FILES)
SEGMENT = np.arange(FRAMES) // (FRAMES // FILES)


@pytest.fixture(scope="module")
def truth():
    return with_cells((FRAMES, 96, 96), count=6, decay=4, rate=0.02)


def scene(movie: np.ndarray, folder: Path, segment: np.ndarray | None = None, bad: tuple[int, ...] = ()) -> Scene:
    folder.mkdir(exist_ok=True)
    with ThreadPoolExecutor(1) as pool:
        return observe(movie, np.isin(np.arange(len(movie)), bad), 10.0, folder, pool, segment)


def stepped(movie: np.ndarray, dark: float) -> np.ndarray:
    return np.rint((movie - dark) * GAIN[:, None, None] + dark).astype(movie.dtype)


def test_bins_lie_between_borders_and_a_short_stretch_is_one():
    assert bins_of(np.array([7, 9]), 16, 3).tolist() == [[0, 3], [3, 6], [7, 9], [9, 12], [12, 15]]
    assert bins_of(np.zeros(0, int), 7, 3).tolist() == [[0, 3], [3, 6]]


def test_bins_are_means_within_files_and_shorter_ones_are_noisier(tmp_path):
    random = np.random.default_rng(0)
    segment = np.searchsorted([101, 103, 300], np.arange(600), side="right")
    movie = random.poisson(400, (600, 40, 40)).astype(np.uint16)
    found = scene(movie, tmp_path / "own", segment, bad=(5,))
    good = np.flatnonzero(np.arange(600) != 5)
    bins = bins_of(np.flatnonzero(np.diff(segment[good])) + 1, 599, found.size)
    for (first, last), image in zip(bins, found.binned[:], strict=True):
        assert len(set(segment[good[first:last]])) == 1, "a bin is in two files"
        np.testing.assert_allclose(image, movie[good[first:last]].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.noisier, np.sqrt(found.size / np.diff(bins, axis=1)[:, 0]), rtol=1e-6)


@pytest.mark.parametrize("told", [True, False], ids=["files", "one file"])
@pytest.mark.parametrize("dark", [0.0, 90.0], ids=["gain", "light"])
def test_steps_of_brightness_are_divided_out_and_noise_is_followed(truth, tmp_path, told, dark):
    movie = stepped(truth.movie, dark)
    plain = scene(truth.movie, tmp_path / "plain")
    found = scene(movie, tmp_path / "steps", SEGMENT if told else None)
    bins = min(len(plain.binned), len(found.binned)) // FILES
    for number in range(FILES):
        here = slice(number * bins + 2, (number + 1) * bins - 2)
        levels = [np.median(each.binned[here], axis=0) - each.mean for each in (found, plain)]
        assert abs(np.median(levels[0] - levels[1])) < 0.02 * (105 - dark)
    z, _ = found.patch(10, 80, 10, 80)
    parts = np.array_split(z, FILES, axis=2)
    spread = [1.4826 * np.median(np.abs(part - np.median(part))) for part in parts]
    np.testing.assert_allclose(spread, 1, atol=0.1)


def test_an_even_movie_is_left_as_it_is(truth, tmp_path):
    found, alone = scene(truth.movie, tmp_path / "files", SEGMENT), scene(truth.movie, tmp_path / "alone")
    assert (found.noisier == 1).all()
    np.testing.assert_array_equal(found.mean, alone.mean)
    np.testing.assert_allclose(found.noise, alone.noise, rtol=1e-2)


def test_steps_make_no_cells_and_lose_none(truth, tmp_path):
    found = []
    for name, movie in (
        ("even", truth.movie),
        ("light", stepped(truth.movie, 90.0)),
        ("gain", stepped(truth.movie, 0.0)),
    ):
        folder = tmp_path / name
        folder.mkdir()
        found.append(Transients(visible=False).run(movie, task(movie, folder, pixel_size=1.2)))
    assert [int(each.accepted.sum()) for each in found] == [6, 6, 6]
    assert max(len(each.weight) for each in found) <= len(found[0].weight) + 1


def test_a_part_of_an_even_movie_is_read_as_it_says():
    movie = np.random.default_rng(0).integers(100, 200, (20, 3, 4)).astype(np.uint16)
    gain, level = np.linspace(0.5, 2, 20, dtype=np.float32), np.linspace(0, 9, 20, dtype=np.float32)
    which = np.array([3, 7, 7, 19])
    even = Even(movie, gain, level, np.zeros(0, int))
    expected = (movie[which] - level[which, None, None]) / gain[which, None, None]
    np.testing.assert_allclose(even[which], expected, rtol=1e-6)
