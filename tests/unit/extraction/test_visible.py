import numpy as np
import pytest

from groundtrace.extraction.base import Footprint
from groundtrace.extraction.visible import visible_cells
from tests.unit.extraction.scenes import disk_image, footprint, iou

FIELD = (160, 180)
DIAMETER = 12.0


def tissue(*parts: np.ndarray, seed: int = 0) -> np.ndarray:
    """A mean image: dark 20, ground 100, shot noise of many frames."""
    light = 100 + sum(parts, np.zeros(FIELD))
    return 20 + light + np.random.default_rng(seed).normal(0, 1, FIELD) * np.sqrt(light / 20)


def found(image: np.ndarray, taken: list[Footprint] | None = None) -> list[Footprint]:
    return visible_cells(image, 20.0, taken or [], DIAMETER)


DISK = disk_image(FIELD, 40, 50, 6)
RING = disk_image(FIELD, 100, 60, 6.5) - 0.7 * disk_image(FIELD, 100, 60, 3)


@pytest.mark.parametrize("shape", [DISK, RING], ids=["disk", "ring"])
@pytest.mark.parametrize("brightness", [70.0, 300.0])
def test_a_silent_cell_is_found_in_its_shape(shape, brightness):
    cells = found(tissue(brightness * shape))
    assert len(cells) == 1
    assert iou(cells[0], footprint(shape)) > 0.65
    assert cells[0][2].sum() == pytest.approx(1, abs=1e-5)
    assert cells[0][2].min() > 0


def test_the_clearest_comes_first():
    cells = found(tissue(80 * DISK, 300 * RING))
    assert [iou(cell, footprint(shape)) > 0.6 for cell, shape in zip(cells, (RING, DISK), strict=True)] == [True, True]


def test_what_is_taken_is_not_found_again():
    image = tissue(200 * DISK, 200 * RING)
    assert len(found(image)) == 2
    left = found(image, [footprint(DISK)])
    assert len(left) == 1
    assert iou(left[0], footprint(RING)) > 0.6
    assert found(image, [footprint(DISK), footprint(RING)]) == []


ROWS, COLUMNS = np.indices(FIELD)
NO_CELLS = {
    "vessel": -80.0 * (np.abs(ROWS * np.cos(0.5) + COLUMNS * np.sin(0.5) - 120) < 9),
    "thin vessel": -80.0 * (np.abs(ROWS * np.cos(0.5) + COLUMNS * np.sin(0.5) - 120) < 5),
    "dendrite": 150.0 * (np.abs(ROWS * np.cos(1.2) - COLUMNS * np.sin(1.2) + 60) < 1.5),
    "speck": 400 * disk_image(FIELD, 140, 30, 1.5),
    "what is much larger": 150 * disk_image(FIELD, 50, 130, 22),
    "shade": COLUMNS * 0.5,
    "nothing": np.zeros(FIELD),
}


@pytest.mark.parametrize("part", NO_CELLS.values(), ids=NO_CELLS)
def test_what_has_not_the_shape_of_a_cell_is_none(part):
    assert found(tissue(part)) == []


def test_an_image_of_one_level_has_no_cells():
    assert found(np.full(FIELD, 20.0)) == found(np.full(FIELD, 300.0)) == []
