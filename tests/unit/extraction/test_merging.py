import numpy as np

from groundtrace.extraction.merging import merged
from groundtrace.extraction.search_kernels import add, project
from tests.unit.extraction.scenes import disk_image

SIDE = 21
DIAMETER = 12.0


def sources(
    *shapes: np.ndarray, traces: np.ndarray | None = None, movie: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The residual, windows, footprints and traces of sources taken out of a movie one after the other."""
    z = np.random.default_rng(0).normal(0, 1, (40, 50, 200)).astype(np.float32)
    if movie is not None:
        z += movie.astype(np.float32)
    windows, footprints, found = [], [], []
    for n, shape in enumerate(shapes):
        y, x = np.nonzero(shape)
        top, left = max(0, (y.min() + y.max()) // 2 - SIDE // 2), max(0, (x.min() + x.max()) // 2 - SIDE // 2)
        weight = np.zeros((SIDE, SIDE), np.float32)
        h, w = min(SIDE, 40 - top), min(SIDE, 50 - left)
        weight[:h, :w] = shape[top : top + h, left : left + w]
        trace = project(z, top, left, weight[:h, :w]) if traces is None else traces[n].astype(np.float32)
        add(z, top, left, weight[:h, :w], -trace)
        windows.append((top, left))
        footprints.append(weight)
        found.append(trace)
    return z, np.array(windows), np.array(footprints), np.array(found)


def active(seed: int) -> np.ndarray:
    return 20.0 * (np.random.default_rng(seed).random(200) < 0.1)


def test_one_cell_split_into_two_sources_becomes_one():
    cell, trace = disk_image((40, 50), 20, 25, 6), active(1)
    left = cell * (np.arange(50) < 25)
    movie = cell[:, :, None] * trace
    z, windows, footprints, traces = sources(left, cell - left, movie=movie)
    windows, footprints, traces = merged(z, windows, footprints, traces, DIAMETER)
    assert len(footprints) == 1
    (top, left_edge), mask = windows[0], footprints[0] > 0
    whole = np.zeros((40, 50), bool)
    whole[top : top + SIDE, left_edge : left_edge + SIDE] = mask
    np.testing.assert_array_equal(whole, cell > 0)
    assert np.corrcoef(traces[0], trace)[0, 1] > 0.99
    assert z.std() < 1.1, "what is left is noise"


def test_the_residual_and_the_sources_still_make_the_movie():
    cell, trace = disk_image((40, 50), 33, 44, 6), active(1)
    left = cell * (np.arange(50) < 43)
    movie = cell[:, :, None] * trace
    z, windows, footprints, traces = sources(left, cell - left, disk_image((40, 50), 8, 8, 4), movie=movie)
    before = z.copy()
    for (y, x), weight, values in zip(windows, footprints, traces, strict=True):
        add(before, y, x, weight[: 40 - y, : 50 - x], values)
    windows, footprints, traces = merged(z, windows, footprints, traces, DIAMETER)
    assert len(footprints) == 2
    for (y, x), weight, values in zip(windows, footprints, traces, strict=True):
        add(z, y, x, weight[: 40 - y, : 50 - x], values)
    np.testing.assert_allclose(z, before, atol=1e-3)


def test_cells_of_their_own_stay_two():
    """Neighbours that fire apart, though they touch; and cells that fire together, though far away."""
    one, other = disk_image((40, 50), 20, 18, 6), disk_image((40, 50), 20, 27, 6)
    apart = np.stack([active(1), active(2)])
    movie = one[:, :, None] * apart[0] + other[:, :, None] * apart[1]
    z, windows, footprints, traces = sources(one, other, traces=apart, movie=movie)
    assert len(merged(z, windows, footprints, traces, DIAMETER)[0]) == 2
    far = disk_image((40, 50), 20, 40, 6)
    movie = (one + far)[:, :, None] * apart[0]
    z, windows, footprints, traces = sources(one, far, movie=movie)
    assert len(merged(z, windows, footprints, traces, DIAMETER)[0]) == 2


def test_empty_sources_are_left_out():
    z, windows, footprints, traces = sources(disk_image((40, 50), 20, 18, 6), disk_image((40, 50), 9, 40, 4))
    footprints[0] = 0
    kept = merged(z, windows, footprints, traces, DIAMETER)
    assert [len(part) for part in kept] == [1, 1, 1]
    np.testing.assert_array_equal(kept[0], windows[1:])


def test_sides_of_a_cell_whose_middle_saturates_become_one_and_neighbours_do_not():
    cell, trace = disk_image((40, 50), 20, 25, 6), active(1)
    side = cell * (np.hypot(*np.indices((40, 50)) - np.array([20, 25])[:, None, None]) > 3)
    left = side * (np.arange(50) < 25)
    movie = side[:, :, None] * trace
    found = merged(*sources(left, side - left, movie=movie), DIAMETER)
    assert len(found[1]) == 1
    neighbour = disk_image((40, 50), 20, 36, 5)
    movie = cell[:, :, None] * trace + neighbour[:, :, None] * (trace + active(2))
    assert len(merged(*sources(cell, neighbour, movie=movie), DIAMETER)[1]) == 2
