"""Light that is not the tissue's is told from lost frames, from shutters, from activity and from motion."""

import numpy as np
import pytest

from groundtrace.movies.quality import MovieStatistics, Quality

FRAMES, SIDE, OFFSET, TOP = 400, 64, 200, 4095


def tissue() -> np.ndarray:
    """Photons per pixel: cells on a background with a bright layer."""
    y, x = np.mgrid[:SIDE, :SIDE]
    field = 3 + 6.0 * (np.abs(y - 40) < 6)
    for cy in range(8, SIDE, 16):
        for cx in range(8, SIDE, 16):
            field = field + 8 * ((y - cy) ** 2 + (x - cx) ** 2 < 16)
    return field


def movie(light: np.ndarray | None = None) -> np.ndarray:
    """light: photons added, to be broadcast to (FRAMES, SIDE, SIDE)."""
    mean = np.broadcast_to(tissue() + (0 if light is None else light), (FRAMES, SIDE, SIDE))
    random = np.random.default_rng(0)
    seen = OFFSET + 40 * random.poisson(mean) + random.normal(0, 8, mean.shape)
    return seen.round().clip(0, TOP).astype(np.uint16)


def judged(frames: np.ndarray) -> Quality:
    statistics = MovieStatistics(*frames.shape, frames.dtype)
    for part in np.array_split(frames, 5):
        statistics.add(part)
    return statistics.quality(frames)


def at(frames: list[int]) -> np.ndarray:
    return np.isin(np.arange(FRAMES), frames)[:, None, None]


FLASHED = [50, 51, 52, 120, 250, 251]


@pytest.mark.parametrize(
    "rows", [slice(0, SIDE), slice(10, 20), slice(30, 60), slice(63, 64)], ids=["all", "ten", "half", "one"]
)
@pytest.mark.parametrize("photons", [40, 10_000], ids=["bright", "saturating"])
def test_flashes_are_flashes_and_nothing_else(rows, photons):
    light = np.zeros((FRAMES, SIDE, SIDE))
    light[FLASHED, rows] = photons
    found = judged(movie(light))
    assert found.frames["flash"].arg_true().to_list() == FLASHED
    assert not found.frames["dropped"].any()
    assert not found.frames["blank"].any()
    assert found.summary["flash_frames"].to_list() == [6]
    assert found.summary["saturated"].item() == 0
    assert found.images["saturated"].max() == 0 or photons == 40 or rows == slice(63, 64)
    shown = np.delete(movie(light), FLASHED, axis=0)
    np.testing.assert_allclose(found.images["mean"], shown.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.images["std"], shown.std(axis=0), rtol=1e-3)
    without = judged(movie())
    assert found.gain == pytest.approx(without.gain, rel=0.02)
    assert found.summary["brightness_drift"].item() == pytest.approx(0, abs=0.02)


def test_an_exact_repeat_is_a_lost_frame_also_beside_a_flash():
    frames = movie(np.where(at([100, 101]), 10_000, 0))
    frames[201] = frames[200]
    found = judged(frames).frames
    assert found["dropped"].arg_true().to_list() == [201]
    assert found["flash"].arg_true().to_list() == [100, 101]


def test_frames_of_a_long_saturating_light_are_no_repeats():
    found = judged(movie(np.where(at(list(range(100, 180))), 10_000, 0))).frames
    assert found["flash"].arg_true().to_list() == list(range(100, 180))
    assert not found["dropped"].any()


def test_a_shutter_that_closes_within_a_frame_is_blank():
    frames = movie()
    frames[100, 30:], frames[101], frames[102, :50] = (
        np.random.default_rng(1).normal(OFFSET, 8, (SIDE, SIDE)).round()[: SIDE - cut] for cut in (30, 0, SIDE - 50)
    )
    found = judged(frames).frames
    assert found["blank"].arg_true().to_list() == [100, 101, 102]
    assert not found["flash"].any()
    assert not found["dropped"].any()


def test_activity_of_the_whole_field_is_no_flash():
    """Neuropil that doubles within two frames and fades over ten."""
    wave = np.zeros(FRAMES)
    for start in (60, 200, 330):
        wave[start : start + 60] += np.exp(-np.arange(60) / 10)
    assert not judged(movie(3 * wave[:, None, None])).frames["flash"].any()


def test_steps_of_brightness_are_no_flashes():
    assert not judged(movie(np.where(np.arange(FRAMES) // 80 % 2, 12.0, 0)[:, None, None])).frames["flash"].any()


def test_tissue_that_jumps_is_no_flash():
    frames = movie()
    for t, way in ((70, 4), (71, -4), (180, 6), (300, -6)):
        frames[t] = np.roll(frames[t], way, axis=0)
    found = judged(frames).frames
    assert not found["flash"].any()
    assert not found["blank"].any()
