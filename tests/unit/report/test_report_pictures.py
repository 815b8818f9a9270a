"""Images and clips packed into a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from groundtrace.extraction.pictures import event_clips
from groundtrace.report.pictures import CLIP_QUALITIES, IMAGE_BYTES, backgrounds, motion_clip, roi_clips, sprite
from tests.unit.report.report_decode import image


def decode(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def picture(sheet: dict, k: int) -> np.ndarray:
    """Picture `k` of a sprite, as the page cuts it out."""
    top, left = k // sheet["columns"] * sheet["cellHeight"], k % sheet["columns"] * sheet["cellWidth"]
    return decode(sheet["sheet"])[top : top + sheet["height"], left : left + sheet["width"]]


@pytest.mark.parametrize("count", [1, 7, 8, 30])
def test_a_sprite_holds_every_picture(count):
    smooth = np.linspace(0, 200, 21)[None, :] * np.linspace(0.5, 1, 13)[:, None]
    pictures = (smooth + np.arange(count)[:, None, None]).astype(np.uint8)
    found = sprite(pictures, 90)
    assert found["count"] == count
    for k in range(count):
        assert np.abs(picture(found, k).astype(int) - pictures[k]).max() < 12


def test_backgrounds_leave_room_for_the_sliders():
    mean = np.random.default_rng(0).gamma(2, 50, (64, 80)).astype(np.float32)
    (found,) = backgrounds({"mean": mean, "other": mean})
    pixels = image(found["image"])
    assert pixels.shape == (64, 80)
    assert 0 <= found["low"] < found["high"] < 250
    assert (pixels > found["high"]).mean() == pytest.approx(0.004, abs=0.003)


def test_backgrounds_of_nothing_and_of_one_value():
    for value in (np.nan, 3.0):
        (found,) = backgrounds({"mean": np.full((8, 8), value, np.float32)})
        assert 0 <= found["low"] < found["high"] <= 255


def test_large_backgrounds_fit_into_their_budget():
    noise = np.random.default_rng(0).normal(0, 1, (1100, 1000)).astype(np.float32)
    found = backgrounds({name: noise for name in ("mean", "maximum", "deviation", "correlation", "energy")})
    assert len(found) == 5
    assert sum(len(one["image"]) for one in found) <= IMAGE_BYTES


def clips(count: int = 12) -> dict[str, np.ndarray]:
    movie = np.random.default_rng(0).integers(0, 400, (120, 40, 48)).astype(np.int16)
    pixels = [np.array([10 + k]) for k in range(count)]
    return event_clips(
        movie, np.ones(120, bool), pixels, pixels, movie[:, 0, :count].T.astype(np.float32), range(count), 8.0, 30.0
    )


def test_clips_are_found_by_the_position_of_their_roi():
    made = clips(3)
    found = roi_clips(made, np.array([2, 0, 1]), 10**6)
    assert found
    assert sorted(found["rois"]) == ["0", "1", "2"]
    first = found["rois"]["1"]
    assert (first["y"], first["x"]) == tuple(made["clip_corner"][0])
    assert first["frame"] == made["clip_frame"][0]
    assert np.abs(picture(first, 4).astype(int) - made["clips"][0][4]).mean() < 20


def test_clips_that_do_not_fit_are_left_out():
    every = roi_clips(clips(), np.arange(12), 10**6)
    assert every
    size = sum(len(clip["sheet"]) for clip in every["rois"].values())
    some = roi_clips(clips(), np.arange(12), size // 3)
    assert some
    assert 0 < len(some["rois"]) < 12
    assert sum(len(clip["sheet"]) for clip in some["rois"].values()) <= size // 3
    assert sorted(map(int, some["rois"])) == list(range(len(some["rois"])))
    assert roi_clips(clips(), np.arange(12), 100) is None
    assert roi_clips({}, np.arange(12), 10**6) is None


def test_the_clip_of_the_motion_loses_pictures_and_then_pixels_until_it_fits():
    noise = np.random.default_rng(0).integers(0, 255, (60, 64, 64)).astype(np.uint8)
    images = {"clip_raw": noise, "clip_registered": noise, "clip_start": np.array(7), "clip_step": np.array(3)}
    smallest = 2 * len(sprite(noise, CLIP_QUALITIES[-1])["sheet"])
    for room, count, side in ((10**7, 60, 64), (0.8 * smallest, 45, 64), (0.3 * smallest, 60, 32)):
        found = motion_clip(images, int(room))
        assert found
        assert (found["frame"], found["step"]) == (7, 3)
        for clip in (found["raw"], found["registered"]):
            assert (clip["count"], clip["height"], clip["width"]) == (count, side, side)
        assert len(found["raw"]["sheet"]) + len(found["registered"]["sheet"]) <= room
    assert motion_clip(images, 1000) is None
    assert motion_clip({}, 10**7) is None
