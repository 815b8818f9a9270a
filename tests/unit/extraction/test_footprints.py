import numpy as np
import polars as pl
import pytest
from scipy.stats import skew

from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import compactness, describe, fluorescence_table, overlaps, skewness
from groundtrace.extraction.tables import Fluorescence, Rois
from groundtrace.tables import validate


def disk(y: float, x: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:100, :120]
    return np.nonzero((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)


def extraction(*footprints: tuple[np.ndarray, np.ndarray], frames: int = 500) -> Extraction:
    random = np.random.default_rng(0)
    count = len(footprints)
    return Extraction(
        [rows for rows, _ in footprints],
        [columns for _, columns in footprints],
        [np.full(len(rows), 1 / len(rows)) for rows, _ in footprints],
        np.linspace(0, 1, count),
        np.arange(count) % 2 == 1,
        random.gamma(1, 1, (count, frames)).astype(np.float32),
        random.normal(0, 0.1, (count, frames)).astype(np.float32),
    )


def test_description():
    found = extraction(disk(40, 50, 8), disk(46, 50, 8), disk(80, 20, 3))
    table = validate(Rois, describe(found, (100, 120)))
    np.testing.assert_allclose(table["centroid_y"], [40, 46, 80])
    np.testing.assert_allclose(table["centroid_x"], [50, 50, 20])
    assert table["area"].to_list() == [len(rows) for rows in found.pixel_y]
    assert table["pixel_y"].to_list() == [rows.tolist() for rows in found.pixel_y]
    shared = [sum(flags) for flags in table["overlap"].to_list()]
    both = set(zip(*map(np.ndarray.tolist, disk(40, 50, 8)), strict=True)) & set(
        zip(*map(np.ndarray.tolist, disk(46, 50, 8)), strict=True)
    )
    assert shared == [len(both), len(both), 0]
    np.testing.assert_allclose(table["skew"], skew(found.fluorescence - 0.7 * found.neuropil, axis=1), rtol=1e-4)


def test_weights_move_the_centroid():
    rows, columns = np.array([10, 10]), np.array([20, 30])
    found = extraction((rows, columns))
    found.weight[0][:] = (0.9, 0.1)
    assert describe(found, (100, 120))["centroid_x"][0] == pytest.approx(21)


def test_compactness_is_one_for_a_disk_and_larger_for_a_line():
    assert compactness(*disk(50, 50, 12)) == pytest.approx(1, abs=0.01)
    assert compactness(np.arange(40), np.zeros(40, int)) > 3
    assert compactness(np.array([5]), np.array([5])) == 1


def test_skewness_of_a_constant_trace_is_null():
    assert skewness(np.full(100, 300, np.float32)) is None
    assert skewness(np.zeros(100, np.float32)) is None
    assert skewness(np.random.default_rng(0).gamma(1, 1, 100_000).astype(np.float32)) == pytest.approx(2, abs=0.1)


def test_fluorescence_is_not_copied():
    found = extraction(disk(40, 50, 8), disk(80, 20, 3))
    table = validate(Fluorescence, fluorescence_table(found))
    np.testing.assert_array_equal(np.array(table["fluorescence"].to_list(), np.float32), found.fluorescence)
    assert table["neuropil"].dtype == pl.List(pl.Float32)
    inner = table["fluorescence"].list.explode().to_numpy()
    assert np.shares_memory(inner, found.fluorescence)


def test_no_roi():
    found = Extraction([], [], [], np.zeros(0), np.zeros(0, bool), np.zeros((0, 9), "f4"), np.zeros((0, 9), "f4"))
    assert validate(Rois, describe(found, (10, 10))).height == 0
    assert validate(Fluorescence, fluorescence_table(found)).height == 0
    assert overlaps([], [], (10, 10)) == []
