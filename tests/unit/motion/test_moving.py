"""Displacements as applied and as read back from the table are the same."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtrace.motion.moving import Blocks, Displacement, move_frames, move_movie
from groundtrace.tables import list_column

HEIGHT, WIDTH = 48, 64
BLOCKS = Blocks(np.array([12.0, 35.0], np.float32), np.array([10.0, 30.5, 52.0], np.float32))
ROWS, COLUMNS = np.meshgrid(np.arange(HEIGHT, dtype=float), np.arange(WIDTH, dtype=float), indexing="ij")


def displaced(rigid: np.ndarray, beyond: np.ndarray, blocks: Blocks = BLOCKS) -> Displacement:
    return Displacement(*rigid, *beyond, blocks)


def read_back(rigid: np.ndarray, beyond: np.ndarray, blocks: Blocks = BLOCKS) -> Displacement:
    """By way of the table Shifts."""
    lists = {
        name: list_column(values.astype(np.float32))
        for name, values in zip(("block_y", "block_x"), beyond, strict=True)
    }
    return Displacement.of(pl.DataFrame({"y": rigid[0], "x": rigid[1], **lists}), blocks)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_ramp_shows_the_displacement(seed):
    """raw[q] = 100 q, so that registered[p] = 100 (p + e(p)) wherever that lies in the field."""
    random = np.random.default_rng(seed)
    rigid, beyond = random.uniform(-4, 4, (2, 3)), random.uniform(-2, 2, (2, 3, BLOCKS.count))
    expected = read_back(rigid, beyond).at(ROWS, COLUMNS)
    for axis, ramp in enumerate((ROWS, COLUMNS)):
        raw = np.repeat(100 * ramp[None], 3, axis=0).astype(np.int16)
        moved = move_frames(raw, displaced(rigid, beyond), np.full((HEIGHT, WIDTH), -1, np.int16))
        inside = moved >= 0
        assert inside[:, 8:-8, 8:-8].all()
        np.testing.assert_allclose(moved[inside], 100 * (ramp + expected[axis])[inside], atol=0.6)


@pytest.mark.parametrize("shift", [(3, -5), (0.5, 0.0), (-2.25, 1.75)])
def test_rigid_shifts_move_whole_pixels_exactly_and_others_bilinearly(shift):
    raw = np.random.default_rng(0).integers(0, 1000, (2, HEIGHT, WIDTH)).astype(np.uint16)
    rigid = Displacement.rigid(np.full(2, float(shift[0])), np.full(2, float(shift[1])))
    moved = move_frames(raw, rigid, np.zeros((HEIGHT, WIDTH), np.uint16))
    whole = np.floor(shift).astype(int)
    part = np.array(shift) - whole
    rolled = {
        (i, j): np.roll(raw, (-whole[0] - i, -whole[1] - j), (1, 2)).astype(float) for i in (0, 1) for j in (0, 1)
    }
    mean = np.sum([abs(1 - i - part[0]) * abs(1 - j - part[1]) * image for (i, j), image in rolled.items()], axis=0)
    np.testing.assert_allclose(moved[:, 8:-8, 8:-8], mean[:, 8:-8, 8:-8], atol=0.51)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_rigid_is_the_general_case_with_one_block(seed):
    random = np.random.default_rng(seed)
    raw = random.integers(-500, 500, (2, 20, 24)).astype(np.int16)
    y, x = np.where(
        random.random((2, 2)) < 0.3, np.rint(random.uniform(-30, 30, (2, 2))), random.uniform(-25, 25, (2, 2))
    )
    fill = random.integers(0, 9, (20, 24)).astype(np.int16)
    one = Blocks(np.array([9.5], np.float32), np.array([11.5], np.float32))
    zeros = np.zeros((2, 1))
    rigid = move_frames(raw, Displacement.rigid(y, x), fill)
    np.testing.assert_allclose(rigid, move_frames(raw, Displacement(y, x, zeros, zeros, one), fill), atol=1)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_every_pixel_is_the_bilinear_mean_of_four_of_the_raw_frame(seed):
    """Pixel by pixel, odd lines displaced, displacements large enough to leave the field on every side."""
    random = np.random.default_rng(seed)
    raw = random.integers(-500, 500, (2, HEIGHT, WIDTH)).astype((np.int16, np.int32, np.float32)[random.integers(3)])
    fill = np.full((HEIGHT, WIDTH), 9999).astype(raw.dtype)
    rigid, beyond = random.uniform(-9, 9, (2, 2)), random.uniform(-3, 3, (2, 2, BLOCKS.count))
    blocks = Blocks(BLOCKS.y, BLOCKS.x, random.choice([0.0, 0.7, -1.4]))
    moved = move_frames(raw, displaced(rigid, beyond, blocks), fill)
    straight = Blocks(BLOCKS.y, BLOCKS.x)
    dy, dx = read_back(rigid, beyond, straight).at(ROWS, COLUMNS)
    for n in range(2):
        y, x = ROWS + dy[n], COLUMNS + dx[n]
        above = np.floor(y).astype(int)
        lines, outside = [], (y < 0) | (y > HEIGHT - 1)
        for line in (above, above + 1):
            place = x + blocks.scan_offset * (line % 2)
            outside |= (place < 0) | (place > WIDTH - 1)
            left = np.floor(place).astype(int)
            values = [raw[n, line.clip(0, HEIGHT - 1), (left + k).clip(0, WIDTH - 1)].astype(float) for k in (0, 1)]
            lines.append(values[0] + (values[1] - values[0]) * (place - left))
        expected = lines[0] + (lines[1] - lines[0]) * (y - above)
        near = np.minimum.reduce([np.abs(v - np.rint(v)) for v in (y, x, x + blocks.scan_offset)]) < 1e-4
        np.testing.assert_array_equal((moved[n] == 9999)[~near], outside[~near])
        inside = ~outside & ~near
        np.testing.assert_allclose(moved[n][inside], expected[inside], atol=0.51 if raw.dtype.kind == "i" else 0.1)


def test_between_blocks_displacements_are_bilinear_and_beyond_them_constant():
    beyond = np.arange(6.0).reshape(1, 6)
    moved = read_back(np.zeros((2, 1)), np.stack([beyond, 0 * beyond]))
    found = moved.at(np.array([12.0, 23.5, 0]), np.array([10, 10, 63]))
    np.testing.assert_allclose(found[0, 0], [0, 1.5, 2])
    np.testing.assert_allclose(found[1], 0)


def test_a_movie_is_moved_as_its_frames_are_whatever_the_batch():
    random = np.random.default_rng(0)
    movie = random.integers(0, 900, (9, HEIGHT, WIDTH)).astype(np.uint16)
    rigid, beyond = random.uniform(-4, 4, (2, 9)), random.uniform(-2, 2, (2, 9, BLOCKS.count))
    registered = np.empty_like(movie)
    mean = move_movie(movie, registered, displaced(rigid, beyond))
    fill = np.rint(mean).astype(np.uint16)
    expected = move_frames(movie, displaced(rigid, beyond), fill)
    np.testing.assert_array_equal(registered, expected)
    inner = (slice(None), slice(10, -10), slice(10, -10))
    np.testing.assert_allclose(mean[inner[1:]], registered[inner].mean(axis=0), atol=0.5)
