"""Statistics of a movie, taken chunk by chunk, are those of the whole."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.movies.quality import MovieStatistics, Quality
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.tables import validate


def statistics_of(movie: np.ndarray, cuts: list[int] | None = None) -> MovieStatistics:
    statistics = MovieStatistics(*movie.shape, movie.dtype)
    for part in np.split(movie, sorted(cuts or [])):
        if len(part):
            statistics.add(part)
    return statistics


def quality_of(movie: np.ndarray, cuts: list[int] | None = None) -> Quality:
    return statistics_of(movie, cuts).quality(movie)


def recording(frames: int = 300, gain: int = 40, offset: int = 100, dtype: str = "uint16") -> np.ndarray:
    field = np.outer(np.linspace(0.5, 5, 40), np.linspace(0.5, 2, 36))
    return (offset + gain * np.random.default_rng(0).poisson(field, (frames, 40, 36))).astype(dtype)


@settings(deadline=None, max_examples=30)
@given(
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int16", "int32"]),
    frames=st.integers(2, 30),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_chunks_give_what_the_whole_movie_gives(dtype, frames, cuts, seed):
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(seed)
    movie = generator.integers(limits.min, limits.max, (frames, 5, 7), dtype, endpoint=True)
    found = quality_of(movie, cuts)
    exact = movie.astype(float)
    lit = exact[~found.frames.select(pl.any_horizontal("blank", "flash")).to_series().to_numpy()]
    lit = lit if len(lit) else exact
    span = np.ptp(exact) or 1
    np.testing.assert_allclose(found.images["mean"], lit.mean(0), atol=1e-5 * span)
    np.testing.assert_allclose(found.images["std"], lit.std(0), atol=1e-4 * span)
    np.testing.assert_allclose(found.frames["brightness"], exact.mean((1, 2)), atol=1e-5 * span, rtol=1e-5)
    timed = found.frames.with_columns(
        excluded=pl.lit(False), time=pl.col("frame").cast(pl.Float64), segment=pl.lit(0, pl.Int32)
    )
    assert validate(Frames, timed).height == frames
    assert validate(RawQuality, found.summary).height == 1


def test_gain_offset_and_photons_are_in_the_summary():
    found = quality_of(recording(), [64, 128])
    row = found.summary.row(0, named=True)
    assert (found.gain, found.offset) == (pytest.approx(row["gain"]), pytest.approx(row["offset"]))
    assert row["gain"] == pytest.approx(40, rel=0.05)
    assert row["offset"] == pytest.approx(100, abs=8)
    assert row["photons"] == pytest.approx(2.75 * 1.25, rel=0.05)
    assert row["brightness"] == pytest.approx(100 + 40 * 2.75 * 1.25, rel=0.01)


def test_large_offset_does_not_spoil_the_deviation():
    movie = np.random.default_rng(0).normal(60_000, 4, (500, 20, 20)).astype("uint16")
    np.testing.assert_allclose(quality_of(movie).images["std"], movie.std(0), rtol=1e-3)


@pytest.mark.parametrize("cuts", [[], [10], [11], [12]])
def test_dropped_frames_are_exact_repeats(cuts):
    movie = recording(40)
    movie[11] = movie[10]
    movie[12] = movie[10]
    movie[30] = movie[28]  # a repeat, but not of the frame before
    movie[20] = movie[19]
    movie[20, -1, -2] += 1  # one pixel differs
    found = quality_of(movie, cuts)
    assert found.frames["dropped"].arg_true().to_list() == [11, 12]
    assert found.summary["dropped_frames"].to_list() == [2]


def test_blank_frames_show_no_tissue_and_are_left_out_of_brightness():
    movie = recording(200)
    movie[50] = 100
    movie[51] = 100
    movie[120:125] = 100 + np.random.default_rng(1).integers(0, 6, (5, 40, 36))
    found = quality_of(movie)
    assert found.frames["blank"].arg_true().to_list() == [50, 51, 120, 121, 122, 123, 124]
    assert not found.frames["dropped"].any()
    row = found.summary.row(0, named=True)
    assert row["blank_frames"] == 7
    assert row["brightness"] == pytest.approx(recording(200).mean(), rel=0.01)
    assert row["gain"] == pytest.approx(40, rel=0.05)
    shown = np.delete(movie, [50, 51, *range(120, 125)], axis=0)
    np.testing.assert_allclose(found.images["mean"], shown.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.images["std"], shown.std(axis=0), rtol=1e-3)


def test_dim_and_flashing_frames_are_not_blank():
    movie = recording(100, offset=0)
    movie[40] //= 3
    movie[41] += 3000
    assert not quality_of(movie).frames["blank"].any()


def test_pile_up_at_the_top_is_saturation():
    movie = recording(gain=700).clip(max=4095)
    found = quality_of(movie, [100, 200])
    assert found.saturation == 4095
    np.testing.assert_allclose(found.frames["saturated"], (movie == 4095).mean((1, 2)), rtol=1e-5)
    assert found.summary["saturated"].item() == pytest.approx((movie == 4095).mean(), rel=1e-4)
    np.testing.assert_allclose(found.images["saturated"], (movie == 4095).mean(0), rtol=1e-5)


def test_rare_pile_up_is_found():
    movie = recording(gain=40)
    movie[5, :5, :6] = movie[77, :5, :6] = 8191
    found = quality_of(movie)
    assert found.saturation == 8191
    assert found.frames["saturated"].arg_max() in (5, 77)
    assert np.flatnonzero(found.frames["saturated"]).tolist() == [5, 77]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_without_pile_up_saturation_is_the_types_maximum(dtype):
    gain = 4 if dtype == "uint8" else 40
    found = quality_of(recording(gain=gain, dtype=dtype, offset=20))
    assert found.saturation == np.iinfo(dtype).max
    assert found.frames["saturated"].max() == 0
    assert found.images["saturated"].max() == 0


def test_drift_is_that_of_the_light():
    """Fading to half of the light, offset left out."""
    movie = recording(400)
    fade = np.linspace(1, 0.5, 400)[:, None, None]
    movie = (100 + (movie - 100.0) * fade).astype("uint16")
    drift = quality_of(movie).summary["brightness_drift"].item()
    assert drift == pytest.approx(0.525 / 0.975 - 1, abs=0.03)


def test_negative_movies():
    """Detectors whose zero lies below their noise: int16 with negative pixels throughout."""
    movie = recording(dtype="int16") - np.int16(20_000)
    found = quality_of(movie, [100])
    np.testing.assert_allclose(found.images["mean"], movie.mean(0), rtol=1e-4)
    assert found.saturation == 32767
    assert not statistics_of(movie).constant
