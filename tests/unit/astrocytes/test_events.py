"""Events of astrocytes in movies whose events are known."""

import numpy as np
import polars as pl
import pytest
from scipy.ndimage import label

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.astrocytes.averaged import averaged
from groundtrace.astrocytes.components import components, least_mass, noise_alone, standardised
from groundtrace.astrocytes.parameters import EventParameters
from groundtrace.astrocytes.spreading import spread_of
from groundtrace.astrocytes.steps import find_events
from groundtrace.astrocytes.tables import AstrocyteEvents, EventQuality
from groundtrace.tables import validate

RATE, FRAMES, SIDE = 8.0, 480, 64
PLACES = ((18.0, 18.0, 10.0, 12.0), (44.0, 44.0, 14.0, 20.0), (18.0, 46.0, 35.0, 30.0))
"""Row, column, start (s) and speed (px/s) of the events."""
RADIUS, PEAK, DECAY = 12.0, 1.0, 4.0


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """dF/F of each pixel: discs whose light spreads from their left edge."""
    y, x = np.mgrid[:SIDE, :SIDE]
    time = np.arange(FRAMES)[:, None, None] / RATE
    total = np.zeros((FRAMES, SIDE, SIDE), np.float32)
    for row, column, start, speed in PLACES:
        since = time - start - np.hypot(y - row, x - column + RADIUS) / speed
        shape = (1 - np.exp(-np.maximum(since, 0) / 0.4)) * np.exp(-np.maximum(since, 0) / DECAY)
        total += PEAK * 1.4 * shape * (np.hypot(y - row, x - column) < RADIUS)
    return total


def movie_of(light: np.ndarray, seed: int = 0, photons: float = 10) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (100 + 20 * random.poisson(photons * (1 + light))).astype(np.int16)


def acquisition(**changes) -> Acquisition:
    fields = {"subject": "x", "session": "1", "plane": 0, "planes": 1, "channels": 1, "functional_channel": 1,
              "frames": FRAMES, "height": SIDE, "width": SIDE, "dtype": "int16", "frame_rate": RATE, "saturation": 0,
              "pixel_size": 1.0, "indicator": "GCaMP6s", "offset": 100.0,
              "sources": (SourceFile(name="m", sha256="0", frames=FRAMES),)}  # fmt: skip
    return Acquisition(**fields | changes)


def found_in(movie: np.ndarray, folder, bad=None, **changes):
    bad = np.zeros(FRAMES, bool) if bad is None else bad
    return find_events(movie, bad, np.arange(FRAMES) / RATE, acquisition(**changes), EventParameters(), folder)


@pytest.fixture(scope="module")
def found(clean, tmp_path_factory):
    return found_in(movie_of(clean), tmp_path_factory.mktemp("events"))


def test_each_event_is_found_once_with_its_numbers(found):
    table, quality = found
    validate(AstrocyteEvents, table)
    validate(EventQuality, quality)
    assert table.height == len(PLACES)
    for row, (y, x, start, speed) in zip(table.iter_rows(named=True), PLACES, strict=True):
        assert (row["y"], row["x"]) == (pytest.approx(y, abs=1), pytest.approx(x, abs=1))
        assert row["area"] == pytest.approx(np.pi * RADIUS**2, rel=0.2)
        assert start < row["start_time"] < start + 2 * RADIUS / speed + 0.5
        assert row["duration"] == pytest.approx(DECAY * np.log(2) + 0.6, abs=0.9)
        assert row["peak"] == pytest.approx(PEAK, abs=0.25)
        assert row["speed"] is None or abs(row["speed"] - speed) < 4 * row["speed_error"] + 0.1 * speed
        assert 0 < row["duration_error"] < 1
        onset, column = np.array(row["onset"]), np.array(row["pixel_x"])
        known = np.isfinite(onset)
        assert np.corrcoef(onset[known], column[known])[0, 1] > 0.5, "from left to right"
        assert not row["cut"]
    assert table["speed"].null_count() < table.height


def test_noise_makes_no_more_events_than_is_said(tmp_path):
    table, quality = found_in(movie_of(np.zeros((1, SIDE, SIDE)).repeat(FRAMES, axis=0)), tmp_path)
    assert table.height <= 1
    assert quality["false_events"][0] <= 0.1 + 1e-6
    movie = averaged(movie_of(np.zeros((FRAMES, SIDE, SIDE))), np.ones(FRAMES, bool), np.arange(FRAMES) / RATE, RATE,
                     1.0, 100.0, EventParameters(), tmp_path)  # fmt: skip
    limit, stated = least_mass(movie, 2.5, 20.0)
    more = components(standardised(movie), len(movie.movie), 1000, 2.5).larger(limit)
    assert len(more.mass) <= 2 * stated * FRAMES / RATE / 60
    assert np.std(noise_alone(movie)(slice(0, 200))) == pytest.approx(1, abs=0.05)


def test_bad_frames_are_no_events(clean, tmp_path):
    movie, bad = movie_of(clean), np.zeros(FRAMES, bool)
    bad[200:216] = True
    movie[bad] = 30000
    table, _ = found_in(movie, tmp_path, bad)
    assert table.height == len(PLACES)


def test_without_a_pixel_size_areas_are_in_pixels(clean, tmp_path):
    table, _ = found_in(movie_of(clean), tmp_path, pixel_size=None)
    assert table["area"].null_count() == table["speed"].null_count() == table.height > 0
    assert table["area_px"].median() == pytest.approx(np.pi * RADIUS**2, rel=0.2)


@pytest.mark.parametrize("at_once", [7, 16, 1000])
def test_components_do_not_depend_on_the_frames_that_are_held(at_once):
    """Against labels of the whole."""
    volume = np.random.default_rng(1).normal(size=(60, 12, 15)).astype(np.float32)
    found = components(lambda frames: volume[frames], 60, at_once, 0.8)
    labels, count = label(volume > 0.8)
    masses = np.bincount(labels.ravel(), (volume - 0.8).ravel())[1:]
    np.testing.assert_allclose(np.sort(found.mass), np.sort(masses), rtol=1e-5)
    largest = int(found.mass.argmax())
    where = np.argwhere(labels == masses.argmax() + 1)
    np.testing.assert_array_equal(found.low[largest], where.min(axis=0))
    np.testing.assert_array_equal(found.high[largest], where.max(axis=0) + 1)
    inside = np.where(labels == masses.argmax() + 1, volume, 0)
    assert tuple(found.top[largest]) == np.unravel_index(inside.argmax(), volume.shape)
    assert len(found.mass) == count


@pytest.mark.parametrize("origin", [(10.0, 10.0), (-200.0, 0.0)])
def test_the_speed_of_a_front_has_its_error(origin):
    random = np.random.default_rng(2)
    y, x = (values.ravel() for values in np.mgrid[:20, :20])
    away = np.hypot(y - origin[0], x - origin[1])
    covered = []
    for _ in range(10):
        onset = away / 4 + random.normal(0, 0.5, len(y))
        found = spread_of(y, x, onset, np.full(len(y), 0.5))
        assert found is not None
        covered.append(abs(found.speed - 4) < 3 * found.error)
    assert np.mean(covered) >= 0.8
    at_once = spread_of(y, x, random.normal(0, 0.5, len(y)), np.full(len(y), 0.5))
    assert at_once is None


def test_nothing_is_found_in_a_recording_of_a_second(tmp_path):
    movie = movie_of(np.zeros((8, SIDE, SIDE)))
    table, quality = find_events(movie, np.zeros(8, bool), np.arange(8) / RATE, acquisition(frames=8),
                                 EventParameters(), tmp_path)  # fmt: skip
    assert table.height == 0
    assert isinstance(quality, pl.DataFrame)
