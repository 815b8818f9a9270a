"""Packing, escaping and number formats of the pages."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtrace.report.html import (
    contrast,
    envelope,
    intervals,
    number,
    pack,
    pack_series,
    png,
    quantise,
    shrink,
    to_json,
)
from groundtrace.report.section import SHARED
from groundtrace.report.svg import nice_ticks, tick_text
from tests.unit.report.report_decode import image, unpack, values

NUMBERS = json.loads(Path(__file__).with_name("numbers.json").read_text(encoding="utf-8"))


@given(st.text())
def test_json_survives_and_cannot_close_its_element(text):
    packed = to_json({"name": text})
    assert json.loads(packed) == {"name": text}
    assert "<" not in packed
    assert "&" not in packed


def test_json_has_no_nan():
    assert json.loads(to_json({"values": [1.5, math.nan, math.inf, np.float32(2)]})) == {"values": [1.5, None, None, 2]}


def test_numbers_are_written_for_reading():
    """The scripts of the pages write them alike: tests/browser/test_numbers.py."""
    for value, digits, text in NUMBERS["numbers"]:
        assert number(value, digits) == text
    assert number(math.nan) == number(math.inf) == "–"
    assert number(np.float32(0.25)) == "0.25"


def test_axes_have_round_ticks_and_at_least_two():
    for case in NUMBERS["ticks"]:
        found = nice_ticks(case["low"], case["high"], case["count"])
        assert found == pytest.approx(case["ticks"])
        assert [tick_text(tick, found) for tick in found] == case["texts"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_every_axis_has_two_ticks_inside(low, width):
    found = nice_ticks(low, low + width)
    assert len(found) >= 2
    assert all(low - 1e-6 * width <= tick <= low + 1.000001 * width for tick in found)


@pytest.mark.parametrize("dtype", ["<i2", "<i4"])
def test_pack_loses_nothing(dtype):
    numbers = np.random.default_rng(0).integers(-30000, 30000, 999).astype(dtype)
    np.testing.assert_array_equal(unpack(pack(numbers), dtype), numbers)


def test_quantised_values_are_within_half_a_step_and_keep_nan():
    numbers = np.array([0.0, 1.234, -3.21, np.nan, np.inf], np.float32)
    found = quantise(numbers, 0.01) * 0.01
    np.testing.assert_allclose(found[:3], numbers[:3], atol=0.005)
    assert (quantise(numbers, 0.01)[3:] == -(2**15)).all()


def test_series_keeps_the_shape_of_brightness():
    brightness = 5000 + np.random.default_rng(0).normal(0, 3, 2000)
    found = values(pack_series(brightness))
    np.testing.assert_allclose(found, brightness, atol=np.ptp(brightness) / 50_000)


def test_series_of_nan_and_constant():
    assert np.isnan(values(pack_series(np.full(10, np.nan)))).all()
    np.testing.assert_allclose(values(pack_series(np.full(10, 7.0))), 7)


def test_long_series_becomes_an_envelope_with_its_extremes():
    trace = np.random.default_rng(0).normal(0, 1, 100_000)
    trace[31_234] = 50
    packed = pack_series(trace, points=2000)
    found = values(packed)
    assert packed["frames"] == 100_000
    assert found.size == 2000
    assert found.max() == pytest.approx(50, abs=1e-3)


@given(st.integers(1, 300), st.integers(1, 100))
def test_envelope_spans_every_sample(frames, bins):
    trace = np.random.default_rng(frames).normal(size=frames)
    found = envelope(trace, bins)
    assert found.size == min(frames, 2 * bins)
    if frames > 2 * bins:
        edges = np.linspace(0, frames, bins + 1).astype(int)
        for k in range(bins):
            part = trace[edges[k] : edges[k + 1]]
            assert tuple(found[2 * k : 2 * k + 2]) == (part.min(), part.max())


def test_envelope_skips_nan():
    trace = np.array([np.nan, 1, 2, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(envelope(trace, 2), [1, 2, np.nan, np.nan])


def test_intervals_are_the_runs():
    assert intervals(np.array([1, 1, 0, 0, 1, 0, 1], bool)) == [[0, 2], [4, 5], [6, 7]]
    assert intervals(np.zeros(4, bool)) == []


def test_png_holds_the_pixels():
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    np.testing.assert_array_equal(image(png(pixels)), pixels)


def test_contrast_clips_and_blackens_nan():
    found = contrast(np.array([[0.0, 10], [20, np.nan]]), 0, 10)
    np.testing.assert_array_equal(found, [[0, 255], [255, 0]])


def test_shrink_keeps_the_mean_and_small_images():
    picture = np.random.default_rng(0).normal(size=(2048, 1024))
    found = shrink(picture)
    assert found.shape == (1024, 512)
    assert found.mean() == pytest.approx(picture.mean())
    assert shrink(found) is found
    assert shrink(np.ones((1030, 10))).shape == (515, 5)


def test_assets_can_be_inlined_and_name_no_other_place():
    found = [path for path in SHARED.parent.rglob("*") if path.suffix in {".html", ".css", ".js"}]
    assert len(found) > 40
    for path in found:
        text = path.read_text()
        assert not re.search(r"https?://|//[a-z]+\.[a-z]+/|@import|\bfetch\(|XMLHttp|WebSocket|url\(", text), path.name
        if path.suffix in {".js", ".css"}:
            assert "</" not in text, f"{path.name} could close its own element"
