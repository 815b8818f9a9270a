import numpy as np
import polars as pl
import pytest

from groundtrace.io import read_table, write_table
from groundtrace.motion.base import Registration
from groundtrace.motion.moving import Blocks, Displacement
from groundtrace.motion.quality import assess, bad_reasons, coverage, crispness
from groundtrace.motion.tables import Shifts
from groundtrace.testing.movies import Tissue, frames_table, moving

FRAMES = 300


def registration(y=None, x=None, template=None, frames: int = FRAMES) -> Registration:
    zeros = np.zeros(frames, np.float32)
    moved = Displacement.rigid(zeros if y is None else y, zeros if x is None else x)
    return Registration(moved, zeros, np.ones((128, 128), np.float32) if template is None else template)


def test_template_correlation_is_pearsons():
    film = moving((30, 64, 64), "int16", offset=-20_000)
    template = film.movie.mean(axis=0).astype(np.float32)
    shifts, quality, _ = assess(film.movie, film.movie, registration(template=template, frames=30), frames_table(30))
    expected = [np.corrcoef(frame.ravel(), template.ravel())[0, 1] for frame in film.movie]
    np.testing.assert_allclose(shifts["template_correlation"].to_numpy(), expected, atol=1e-4)
    assert quality["template_correlation_before"][0] == pytest.approx(np.median(expected), abs=1e-4)


def test_means_leave_out_blank_frames():
    film = moving((40, 64, 64))
    movie = film.movie.copy()
    movie[10:20] = 3
    _, _, images = assess(
        movie,
        movie,
        registration(frames=40, template=film.still.astype("f4")),
        frames_table(40, blank=tuple(range(10, 20))),
    )
    expected = np.delete(movie, np.s_[10:20], axis=0).mean(axis=0)
    np.testing.assert_allclose(images["mean"], expected, rtol=1e-5)
    np.testing.assert_allclose(images["mean_before"], expected, rtol=1e-5)


def test_bad_frames_and_why():
    random = np.random.default_rng(0)
    y = random.normal(0, 0.5, FRAMES).astype(np.float32)
    y[150] = 12
    correlation = random.normal(0.6, 0.01, FRAMES)
    correlation[200:203] = 0.2
    correlation[30] = np.nan
    table = frames_table(FRAMES, blank=(30, 31), dropped=(40,))
    reasons = bad_reasons(registration(y=y), correlation, table, 128)
    found = {int(i): str(reasons[i]) for i in np.flatnonzero(reasons != "")}
    assert found == {30: "blank", 31: "blank", 40: "dropped", 150: "jump"} | dict.fromkeys(
        (200, 201, 202), "decorrelated"
    )


def test_slow_drift_and_a_run_of_the_animal_are_not_bad():
    t = np.arange(3000)
    y = (8 * t / 3000 + 3 * (t % 500 < 60)).astype(np.float32)
    correlation = 0.6 - 0.2 * t / 3000 + np.random.default_rng(0).normal(0, 0.01, 3000)
    reasons = bad_reasons(registration(y=y, frames=3000), correlation, frames_table(3000), 256)
    assert (reasons == "").all()


def test_all_frames_blank():
    movie = moving((20, 64, 64)).movie
    table = frames_table(20, blank=tuple(range(20)))
    shifts, quality, images = assess(movie, movie, registration(frames=20, template=movie[0].astype("f4")), table)
    assert shifts["bad"].all()
    assert quality["template_correlation"][0] is None
    assert quality["residual_motion"][0] is None
    assert np.isfinite(images["mean"]).all()


def test_displacement_is_measured_from_its_median_over_good_frames():
    y = np.full(FRAMES, 5, np.float32)
    y[:50] = 8
    y[100] = 40
    film = moving((FRAMES, 64, 64), amplitude=0.1)
    _, quality, _ = assess(
        film.movie, film.movie, registration(y=y, template=film.still.astype("f4")), frames_table(FRAMES)
    )
    row = quality.row(0, named=True)
    assert row["displacement"] == 0
    assert row["displacement_max"] == 3
    assert row["bad_frames"] == 1


def test_crispness_falls_with_blur_and_not_with_brightness():
    from scipy.ndimage import gaussian_filter

    image = Tissue(64, 64).image()
    assert crispness(gaussian_filter(image, 2)) < 0.8 * crispness(image)
    assert crispness(3 * image) == pytest.approx(crispness(image))


def test_blocks_survive_the_table(tmp_path):
    blocks = np.arange(12, dtype=np.float32).reshape(4, 3)
    film = moving((4, 64, 64))
    zeros = np.zeros(4, np.float32)
    where = Blocks(np.arange(3, dtype=np.float32), np.zeros(1, np.float32))
    result = Registration(Displacement(zeros, zeros, blocks, -blocks, where), zeros, film.still.astype("f4"))
    shifts, _, _ = assess(film.movie, film.movie, result, frames_table(4))
    write_table(tmp_path / "shifts.parquet", Shifts, shifts, {})
    back = read_table(tmp_path / "shifts.parquet")
    assert back["block_x"].to_list() == (-blocks).tolist()
    assert back.schema["block_y"] == pl.List(pl.Float32)


def test_coverage_is_the_share_of_frames_in_which_a_pixel_is_from_the_field():
    y, x = np.array([0, 2, 2, -1], np.float32), np.array([0, 0, 0.5, 0], np.float32)
    found = coverage(Displacement.rigid(y, x), np.arange(4), (6, 8))
    assert found.shape == (6, 8)
    np.testing.assert_array_equal(found[:, 0], [0.75, 1, 1, 1, 0.5, 0.5])
    np.testing.assert_array_equal(found[:, 7], [0.5, 0.75, 0.75, 0.75, 0.5, 0.5])
