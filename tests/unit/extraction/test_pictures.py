"""Clips of ROIs at their largest event."""

import numpy as np
import pytest

from groundtrace.extraction.pictures import CLIPS, event_clips, timing

FRAMES, SIDE, RATE = 600, 64, 30.0


def flashing(rois: int = 3, field: tuple[int, int] = (SIDE, SIDE)) -> tuple[np.ndarray, list, list, np.ndarray]:
    """A movie of disks, each bright once; their pixels and traces."""
    movie = np.random.default_rng(0).poisson(100, (FRAMES, *field)).astype(np.int16)
    y, x = np.mgrid[: field[0], : field[1]]
    traces, pixel_y, pixel_x = np.zeros((rois, FRAMES), np.float32), [], []
    for k in range(rois):
        rows, columns = np.nonzero((y - 12 - 18 * k) ** 2 + (x - 10 - 20 * k) ** 2 < 20)
        event = np.zeros(FRAMES)
        event[100 + 150 * k : 130 + 150 * k] = 200
        movie[:, rows, columns] += event[:, None].astype(np.int16)
        traces[k] = movie[:, rows, columns].mean(axis=1)
        pixel_y.append(rows)
        pixel_x.append(columns)
    return movie, pixel_y, pixel_x, traces


def clips_of(movie, pixel_y, pixel_x, traces, order, good=None, diameter=6.0, rate=RATE):
    good = np.ones(len(movie), bool) if good is None else good
    return event_clips(movie, good, pixel_y, pixel_x, traces, order, diameter, rate)


def test_a_clip_shows_the_roi_flash_where_it_lies():
    movie, pixel_y, pixel_x, traces = flashing()
    found = clips_of(movie, pixel_y, pixel_x, traces, [2, 0])
    assert found["clips"].shape == (2, 30, 30, 30)
    assert found["clips"].dtype == np.uint8
    assert found["clip_roi"].tolist() == [2, 0]
    for clip, roi, first, step, corner in zip(
        *(found[f"clip{name}"] for name in ("s", "_roi", "_frame", "_step", "_corner")), strict=True
    ):
        assert first <= 100 + 150 * roi < first + 30 * step
        inside = clip[:, pixel_y[roi] - corner[0], pixel_x[roi] - corner[1]].mean(axis=1)
        begins, onset = np.arange(30) * step + first, 100 + 150 * roi
        lit = (begins >= onset) & (begins + step <= onset + 30)
        dark = begins + step <= onset
        assert inside[lit].min() > inside[dark].max() + 60


def test_patches_stay_in_the_field():
    movie, pixel_y, pixel_x, traces = flashing()
    found = clips_of(movie, pixel_y, pixel_x, traces, [0, 1, 2])
    assert (found["clip_corner"] >= 0).all()
    assert (found["clip_corner"] + 30 <= SIDE).all()
    assert found["clip_corner"][0].tolist() == [0, 0]


def test_a_small_field_is_shown_whole_and_a_large_patch_shrunk():
    movie, pixel_y, pixel_x, traces = flashing(1, (20, 24))
    found = clips_of(movie, pixel_y, pixel_x, traces, [0], diameter=12)
    assert found["clips"].shape[2:] == (20, 24)
    assert found["clip_scale"] == 1
    movie = np.zeros((40, 200, 300), np.uint16)
    found = clips_of(movie, [np.array([100])], [np.array([150])], np.zeros((1, 40)), [0], diameter=40)
    assert found["clip_scale"] == 3
    assert found["clips"].shape == (1, 30, 66, 66)


@pytest.mark.parametrize(
    ("frames", "rate", "expected"),
    [(9000, 30, (4, 30)), (9000, 7.5, (1, 30)), (9000, 2, (1, 8)), (9000, 200, (27, 30)), (5, 30, (1, 5))],
)
def test_timing_follows_the_frame_rate(frames, rate, expected):
    assert timing(frames, rate) == expected


def test_bad_frames_are_neither_peak_nor_picture():
    movie, pixel_y, pixel_x, traces = flashing(1)
    traces[0, 400:420] = 5000
    good = np.ones(FRAMES, bool)
    good[[105, *range(400, 420)]] = False
    expected = clips_of(movie, pixel_y, pixel_x, traces, [0], good)
    assert expected["clip_frame"][0] < 130
    movie[105] = 0
    found = clips_of(movie, pixel_y, pixel_x, traces, [0], good)
    np.testing.assert_array_equal(found["clips"], expected["clips"])


def test_the_number_of_clips_is_limited_and_none_is_none():
    movie, pixel_y, pixel_x, traces = flashing(1)
    many = clips_of(movie, pixel_y * 60, pixel_x * 60, np.repeat(traces, 60, axis=0), range(60))
    assert len(many["clips"]) == CLIPS
    none = clips_of(movie, [], [], np.zeros((0, FRAMES)), [])
    assert none["clips"].shape == (0, 30, 30, 30)
    assert none["clip_corner"].shape == (0, 2)


def test_a_silent_roi_and_one_without_trace_have_a_clip():
    movie, pixel_y, pixel_x, _ = flashing(1)
    traces = np.full((1, FRAMES), np.nan)
    assert clips_of(movie, pixel_y, pixel_x, traces, [0])["clips"].shape[0] == 1
