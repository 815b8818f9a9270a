"""The population raster."""

import numpy as np
import polars as pl
import pytest

from groundtrace.report.sections.session.population.raster import make_raster, sort_cells
from tests.unit.report.report_decode import image


def assemblies(cells: int, bins: int = 400, groups: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Rates of cells that fire with their group, shuffled; and the group of each."""
    rng = np.random.default_rng(3)
    group = rng.permutation(np.arange(cells) % groups)
    drive = (rng.random((groups, bins)) < 0.08) * 5.0
    return drive[group] + rng.gamma(0.2, 1, (cells, bins)), group


def test_rastermap_puts_an_assembly_side_by_side():
    rates, group = assemblies(120)
    order, method = sort_cells(rates)
    assert method == "rastermap"
    assert sorted(order) == list(range(120))
    changes = np.count_nonzero(np.diff(group[order]))
    assert changes < 12, "shuffled cells change their group about 90 times"


def test_sorting_is_the_same_each_time():
    rates, _ = assemblies(60)
    np.random.seed(1)  # noqa: NPY002 - rastermap draws from the global generator
    first = sort_cells(rates)[0]
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(sort_cells(rates)[0], first)


def test_few_cells_are_sorted_by_their_first_component():
    rates, group = assemblies(12, groups=2)
    order, method = sort_cells(rates)
    assert method == "the first principal component"
    assert np.count_nonzero(np.diff(group[order])) == 1


def test_hardly_any_cell_is_sorted_by_rate():
    assert sort_cells(np.array([[0.0, 1], [0, 9]]))[0].tolist() == [1, 0]
    assert sort_cells(np.zeros((3, 4)))[0].tolist() == [0, 1, 2]


def test_silent_cells_come_last():
    rates, _ = assemblies(30)
    rates[[4, 17]] = 0
    assert sort_cells(rates)[0][-2:].tolist() == [4, 17]


def test_identical_cells_do_not_stop_the_report():
    rates = np.tile(assemblies(4)[0], (20, 1))
    order, _ = sort_cells(rates)
    assert sorted(order) == list(range(80))


@pytest.mark.parametrize("frames", [7, 1200, 5000])
def test_raster_has_a_row_for_each_cell_and_ink_where_it_fires(frames):
    rates = np.zeros((3, frames), np.float32)
    rates[0, 0], rates[1, frames // 2], rates[2, -1] = 5, 5, 5
    raster = make_raster(pl.Series(rates.tolist(), dtype=pl.List(pl.Float32)), np.array([0, 1, 2]))
    assert raster is not None
    pixels = image(raster.image)
    columns = min(frames, 1200)
    assert pixels.shape == (3, columns)
    assert raster.bin_frames == pytest.approx(frames / columns)
    for row, cell in enumerate(raster.order):
        darkest = pixels[row].argmin()
        expected = {0: 0, 1: frames // 2, 2: frames - 1}[cell] / raster.bin_frames
        assert darkest == pytest.approx(expected, abs=1)


def test_raster_averages_neighbours_when_there_are_thousands():
    rates = np.random.default_rng(0).gamma(0.3, 1, (1500, 40)).astype(np.float32)
    raster = make_raster(pl.Series(rates.tolist(), dtype=pl.List(pl.Float32)), np.arange(1500))
    assert raster is not None
    assert raster.rows == 1000
    assert image(raster.image).shape == (1000, 40)
    assert len(raster.order) == 1500


def test_nan_rates_and_no_cell():
    rates = pl.Series([[float("nan")] * 5, [1.0, 0, 0, 0, 2]], dtype=pl.List(pl.Float32))
    raster = make_raster(rates, np.array([0, 1]))
    assert raster is not None
    assert raster.order.tolist() == [1, 0]
    assert make_raster(rates, np.array([], int)) is None
