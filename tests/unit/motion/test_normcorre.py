import sys

import numpy as np
import pytest

from groundtrace.errors import BackendError, InputError
from groundtrace.motion.base import Registration
from groundtrace.motion.moving import RIGID, Blocks
from groundtrace.motion.normcorre import NormCorre, displacements
from groundtrace.motion.quality import assess
from groundtrace.motion.tables import Shifts
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.tables import validate
from groundtrace.testing.movies import Tissue, frames_table, task
from tests.packages import require

BLOCKS = Blocks(np.array([20.0, 60.0, 75.0], np.float32), np.array([15.0, 45.0], np.float32))


def run(method: NormCorre, movie: np.ndarray, folder) -> tuple[np.ndarray, Registration]:
    np.save(folder / "movie.npy", movie)
    registered = create_movie(folder / "registered.npy", movie.shape, movie.dtype)
    scratch = folder / "scratch"
    scratch.mkdir()
    done = method.run(open_movie(folder / "movie.npy"), registered, task(movie, scratch))
    return np.array(registered), done


def test_shifts_of_patches_become_displacements_at_their_centres():
    """CaImAn moves the content back by its shifts, rows first, patch after patch along a row."""
    true_y = np.arange(6.0).reshape(1, 3, 2)
    true_x = 10 - true_y
    found = displacements(-true_y.reshape(1, 6), -true_x.reshape(1, 6), BLOCKS)
    assert found.y[0] == pytest.approx(true_y.mean())
    np.testing.assert_allclose(found.y[:, None] + found.block_y, true_y.reshape(1, 6), atol=1e-6)
    np.testing.assert_allclose(found.x[:, None] + found.block_x, true_x.reshape(1, 6), atol=1e-6)
    np.testing.assert_allclose(BLOCKS.grid(found.block_y)[0, 2, 1] + found.y[0], 5.0, atol=1e-6)


def test_rigid_shifts_have_no_blocks():
    found = displacements(np.array([[1.5], [-2.0]]), np.array([[0.5], [3.0]]), RIGID)
    np.testing.assert_array_equal(found.y, [-1.5, 2.0])
    np.testing.assert_array_equal(found.x, [-0.5, -3.0])
    assert found.block_y.shape == found.block_x.shape == (2, 0)


def test_without_caiman_says_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "caiman", None)
    monkeypatch.delitem(sys.modules, "caiman.source_extraction.cnmf", raising=False)
    movie = np.random.default_rng(0).poisson(100, (20, 64, 64)).astype(np.uint16)
    with pytest.raises(BackendError, match=r"conda-forge only.*--sdm conda"):
        run(NormCorre(nonrigid=False), movie, tmp_path)


def test_a_shift_below_a_pixel_and_a_closed_shutter_are_refused(tmp_path):
    movie = np.full((20, 64, 64), 7, np.uint16)
    with pytest.raises(InputError, match=r"max_shift 0\.005 .* less than one pixel"):
        run(NormCorre(max_shift=0.005), movie, tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(BackendError, match="shutter"):
        run(NormCorre(), movie, again)


@pytest.mark.parametrize("nonrigid", [False, True])
def test_known_displacement_has_its_sign_axis_and_scale(nonrigid, tmp_path):
    require(NormCorre())
    random = np.random.default_rng(1)
    tissue = Tissue(128, 112)
    y, x = random.uniform(-5, 5, (2, 60))
    x[:] = x / 2 + 1
    movie = np.array([tissue.image(a, b) for a, b in zip(y, x, strict=True)]).round().astype(np.uint16)
    registered, done = run(NormCorre(nonrigid=nonrigid, stride=(40, 32), overlap=(24, 32)), movie, tmp_path)
    for found, true in ((done.shift.y, y), (done.shift.x, x)):
        slope, offset = np.polyfit(true, found, 1)
        # The circular correlation of a patch is biased towards no shift.
        assert slope == pytest.approx(1, abs=0.2 if nonrigid else 0.1)
        assert np.std(found - slope * true - offset) < 0.2
    inner = (slice(None), slice(10, -10), slice(10, -10))
    assert registered[inner].std(axis=0).mean() < 0.2 * movie[inner].std(axis=0).mean()


def test_displacement_that_differs_across_the_field_is_found_where_it_is(tmp_path):
    """Content is stretched downwards: the lower part moves, the upper does not."""
    method = NormCorre(stride=(32, 32), overlap=(24, 24))
    require(method)
    tissue, random = Tissue(160, 128), np.random.default_rng(2)
    rows = np.arange(160)[:, None] / 160
    movie = np.empty((60, 160, 128), np.uint16)
    amount = random.uniform(-2.5, 2.5, 60)
    for t, a in enumerate(amount):
        still = [tissue.image(x=shift) for shift in (0.0, a / 2, a)]
        movie[t] = np.where(rows < 0.4, still[0], np.where(rows < 0.6, still[1], still[2])).round()
    registered, done = run(method, movie, tmp_path)
    table, _, _ = assess(movie, registered, done, frames_table(60))
    validate(Shifts, table)
    found = done.shift.at(np.array([20.0, 140.0]), np.array([64.0, 64.0]))
    assert np.polyfit(amount, found[1, :, 1] - found[1, :, 0], 1)[0] == pytest.approx(1, abs=0.2)
    assert np.abs(found[0] - np.median(found[0], axis=0)).mean() < 0.3, "rows do not move"
