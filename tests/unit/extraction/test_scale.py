from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from groundtrace.extraction.base import ExtractionBackend
from groundtrace.extraction.extract import PARTS, sized
from groundtrace.extraction.scale import GUESS, Diameter, choose, seen_diameter
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.testing.movies import Cells, task, with_cells
from tests.unit.extraction.scenes import scene_of


@pytest.mark.parametrize(
    ("given", "pixel_size", "seen", "expected"),
    [
        (20.0, None, None, Diameter(20, "config", None)),
        (20.0, 1.0, 9.0, Diameter(20, "config", 9.0)),
        (None, None, 9.0, Diameter(9, "movie", 9.0)),
        (None, None, None, Diameter(GUESS, "assumed", None)),
        (None, 1.5, None, Diameter(8, "pixel size", None)),
        (None, 1.5, 8.0 * 1.59, Diameter(8, "pixel size", 8.0 * 1.59)),
        (None, 1.5, 8.0 / 1.59, Diameter(8, "pixel size", 8.0 / 1.59)),
        (None, 1.5, 8.0 * 1.61, Diameter(8, "pixel size", 8.0 * 1.61)),
        (None, 1.5, 8.0 / 1.61, Diameter(8.0 / 1.61, "movie", 8.0 / 1.61)),
    ],
)
def test_config_before_pixel_size_before_movie_but_clearly_smaller_cells_count(given, pixel_size, seen, expected):
    found = choose(given, pixel_size, seen)
    assert found.value == pytest.approx(expected.value)
    assert (found.source, found.seen) == (expected.source, expected.seen)


@pytest.mark.parametrize("radius", [4.0, 6.0, 9.0])
def test_the_movie_shows_how_large_its_cells_are(radius, tmp_path):
    side = round(20 * radius)
    movie = with_cells((250, side, side), count=9, radius=radius).movie
    seen = seen_diameter(scene_of(movie, tmp_path, 2 * radius), PARTS)
    assert seen == pytest.approx(2 * radius + 1, rel=0.15)


def test_noise_shows_no_size(tmp_path):
    noise = np.random.default_rng(0).poisson(50, (200, 80, 80)).astype(np.uint16)
    assert seen_diameter(scene_of(noise, tmp_path), PARTS) is None


@pytest.mark.parametrize("method", [Transients(), Suite2pExtraction()], ids=lambda method: method.backend)
def test_what_is_known_of_the_size_is_in_the_table(method: ExtractionBackend, tmp_path):
    """Cells of 10 px: by the config, by the pixel size, by the movie; nothing is taken for 12 px without a word."""
    movie, cases = with_cells((200, 96, 96), count=6).movie, {}
    for name, own, sheet in (
        ("config", method.model_copy(update={"diameter_px": 9.0}), {}),
        ("pixel size", method, {"pixel_size": 1.0}),
        ("movie", method, {}),
        ("wrong", method, {"pixel_size": 0.3}),
    ):
        (tmp_path / name).mkdir()
        found = own.run(movie, task(movie, tmp_path / name, **sheet))
        assert found.judgement is not None
        cases[name] = found.judgement.quality.row(0, named=True)
    assert {name: case["diameter_source"] for name, case in cases.items()} == {
        "config": "config",
        "pixel size": "pixel size",
        "movie": "movie",
        "wrong": "movie",
    }
    assert [cases[name]["diameter"] for name in ("config", "pixel size")] == [9, 12]
    assert cases["movie"]["diameter"] == pytest.approx(11, rel=0.15)
    assert cases["wrong"]["diameter"] == pytest.approx(11, rel=0.2)


def test_an_assumed_size_is_said(tmp_path):
    noise = np.random.default_rng(0).poisson(50, (100, 48, 48)).astype(np.uint16)
    with ThreadPoolExecutor(1) as pool, pytest.warns(UserWarning, match=r"12 px are taken.*pixel_size"):
        scene, diameter = sized(noise, np.zeros(100, bool), None, None, tmp_path, pool)
    assert (scene.diameter, diameter) == (12, Diameter(12, "assumed", None))


def test_looking_at_another_size_gives_what_observing_at_it_gives(tmp_path):
    movie = with_cells((150, 64, 64), count=4).movie
    moved, direct = scene_of(movie, tmp_path, 8.0).at(14.0), scene_of(movie, tmp_path, 14.0)
    np.testing.assert_array_equal(moved.field, direct.field)
    assert replace(moved, binned=direct.binned).coarse == direct.coarse


def with_neuropil(strength: float) -> Cells:
    """Six clear cells of 10 px among light that swells and fades over 30 px. strength: SD, photons; rest is 100."""
    random, truth = np.random.default_rng(0), with_cells((300, 96, 96), count=6)
    places = gaussian_filter(random.normal(0, 1, (3, 96, 96)), (0, 12, 12))
    times = gaussian_filter1d(random.normal(0, 1, (3, 300)), 4, axis=1)
    swell = np.einsum("kt,kyx->tyx", times / times.std(), places / places.std()) / np.sqrt(3)
    light = random.poisson(np.maximum(strength * (2 + swell), 0))
    return replace(truth, movie=(truth.movie + light).astype(np.uint16))


@pytest.mark.parametrize(("strength", "cells"), [(5.0, 5), (10.0, 5), (40.0, 3)])
def test_neuropil_is_not_taken_for_large_cells(strength, cells, tmp_path):
    """Cells of 12 µm at 1 µm a pixel are looked for at that size, whatever swells around them."""
    truth = with_neuropil(strength)
    found = Transients().run(truth.movie, task(truth.movie, tmp_path, pixel_size=1.0))
    assert found.judgement is not None
    assert found.judgement.quality["diameter"][0] == pytest.approx(12, rel=0.3)
    assert found.accepted.sum() >= cells
    places = np.array([(y.mean(), x.mean()) for y, x in zip(found.pixel_y, found.pixel_x, strict=True)])
    distance = np.hypot(*(places[found.accepted][:, None] - np.column_stack([truth.y, truth.x])).T)
    assert (distance.min(axis=1) < 3).sum() >= cells
