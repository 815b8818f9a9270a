"""Files appear whole or not at all, and tables keep their declaration."""

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from groundtrace.benchmark.tables import ExtractionBenchmark
from groundtrace.errors import SchemaError
from groundtrace.extraction.tables import Fluorescence
from groundtrace.io import atomic, read_table, write_table
from groundtrace.tables import list_column, stack, validate
from tests.tables import TABLES, example


def fluorescence(values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "roi": pl.Series(range(len(values)), dtype=pl.Int32),
            "fluorescence": list_column(values),
            "neuropil": list_column(values),
        }
    )


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table.parquet"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 7)), elements=st.floats(-1, 1, width=32)))
def test_lists_and_arrays_are_the_same(values):
    assert np.array_equal(stack(list_column(values)), values)


def test_a_table_returns_as_written_with_its_units(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_table(tmp_path / "t.parquet", Fluorescence, fluorescence(values), {"history": []})
    assert np.array_equal(stack(read_table(tmp_path / "t.parquet")["neuropil"]), values)
    field = pq.read_schema(tmp_path / "t.parquet").field("neuropil")
    assert field.metadata[b"unit"] == b"detector units"


def test_the_same_table_is_the_same_bytes(tmp_path):
    frame = fluorescence(np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32))
    for name in ("a", "b"):
        write_table(tmp_path / name, Fluorescence, frame, {"history": [{"b": 1, "a": 2}]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda frame: frame.drop("neuropil"), "neuropil"),
        (lambda frame: frame.with_columns(extra=1), "extra"),
        (lambda frame: frame.with_columns(roi=pl.Series([0, 0], dtype=pl.Int32)), "roi"),
        (lambda frame: frame.with_columns(roi=pl.Series([-1, 0], dtype=pl.Int32)), "-1"),
        (lambda frame: frame.with_columns(pl.col("roi").cast(pl.Int64)), "Int64"),
        (lambda frame: frame.with_columns(roi=pl.Series([None, 1], dtype=pl.Int32)), "missing"),
        (lambda frame: frame.select("neuropil", "roi", "fluorescence"), "order"),
    ],
)
def test_a_broken_table_is_refused_and_named(tmp_path, fault, said):
    frame = fault(fluorescence(np.zeros((2, 3), np.float32)))
    with pytest.raises(SchemaError, match="Fluorescence") as error:
        write_table(tmp_path / "t.parquet", Fluorescence, frame, {})
    assert said in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("selection", ["all", "some"], "'some'"),
        ("frame_rate", [30.0, np.nan], "missing value in row 1"),
        ("recall_30", [0.5, 1.5], "above 1"),
    ],
)
def test_ranges_and_missing_numbers_are_checked(name, rows, said):
    frame = example(ExtractionBenchmark, selection=["all", "accepted"])
    with pytest.raises(SchemaError, match=f"{name}.*{said}"):
        validate(ExtractionBenchmark, frame.with_columns(pl.Series(name, rows, ExtractionBenchmark.types()[name])))


def test_a_key_names_one_row():
    with pytest.raises(SchemaError, match="name a row twice"):
        validate(ExtractionBenchmark, example(ExtractionBenchmark, 1, selection="all")[[0, 0]])


def test_a_column_may_be_absent_where_its_declaration_says_so():
    with_calcium = example(Fluorescence, 2, calcium=np.zeros((2, 3), np.float32))
    assert "calcium" in with_calcium.columns
    assert "calcium" not in validate(Fluorescence, with_calcium.drop("calcium")).columns


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_column_has_a_meaning(table):
    for name in table.columns:
        _, description = table.meaning(name)
        assert description, f"{table.__name__}.{name}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_table_has_an_example(table):
    assert [len(example(table, rows)) for rows in (0, 1, 3)] == [0, 1, 3]


def test_an_empty_table_is_valid(tmp_path):
    empty = pl.DataFrame(schema={"roi": pl.Int32, "fluorescence": pl.List(pl.Float32), "neuropil": pl.List(pl.Float32)})
    write_table(tmp_path / "t.parquet", Fluorescence, empty, {})
    assert len(read_table(tmp_path / "t.parquet")) == 0
