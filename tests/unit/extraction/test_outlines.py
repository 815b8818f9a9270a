"""What is drawn of a footprint, and that its shape is judged by that."""

import numpy as np

from groundtrace.extraction.outlines import drawn
from groundtrace.extraction.statistics import shape
from tests.unit.extraction.scenes import disk_image, footprint

FIELD = (60, 70)


def image(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    found = np.zeros(FIELD, bool)
    found[y, x] = True
    return found


def test_tails_specks_and_holes_are_not_drawn():
    cell = disk_image(FIELD, 30, 30, 6) > 0
    weight = cell - 0.9 * (disk_image(FIELD, 30, 30, 2) > 0)
    weight[20:24, 28:40] += 0.1
    weight[44, 44] = weight[10, 20] = 0.9
    np.testing.assert_array_equal(image(*drawn(*footprint(weight))), cell)


def test_a_roi_of_two_large_pieces_is_drawn_whole():
    pieces = (disk_image(FIELD, 20, 20, 4) + disk_image(FIELD, 40, 50, 6)) > 0
    np.testing.assert_array_equal(image(*drawn(*footprint(pieces.astype(float)))), pieces)


def test_the_shape_is_that_of_what_is_drawn():
    """Ten pixels in a hundred are as faint as noise: they make a cell no less of a cell."""
    cell = (disk_image(FIELD, 30, 30, 6) > 0).astype(float)
    tail = cell.copy()
    tail[24:30, 36:40] += 0.15
    assert (tail > 0).sum() > 1.15 * (cell > 0).sum()
    np.testing.assert_allclose(shape(footprint(tail), 12, FIELD), shape(footprint(cell), 12, FIELD))
