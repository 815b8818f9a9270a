"""A lab's own neurons as Parquet: the table GroundTruth, or three files; and reading the table back."""

import numpy as np
import polars as pl
import pytest

from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.load import load_sources
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.groundtruth.tables import GroundTruth
from groundtrace.io import write_table

KEY = {"dataset": ["lab", "lab"], "neuron": ["a", "a"], "recording": [0, 1]}


def load(path, **options):
    return load_sources({"mine": GroundTruthSource(source=str(path), format="parquet", **options)})[0]


def columns():
    """What a lab must at least write: two recordings of one neuron."""
    time = [np.arange(90) / 30, 5 + np.arange(60) / 30]
    return {
        **KEY,
        "indicator": ["GCaMP6s"] * 2,
        "time": [each.tolist() for each in time],
        "dff": [np.sin(each).tolist() for each in time],
        "spike_times": [[1.0, 0.5], []],
    }


@pytest.fixture
def three(tmp_path):
    """The three files, their rows in different order."""
    one = columns()
    pl.DataFrame({**KEY, "indicator": one["indicator"], "area": ["V1", "V1"]}).write_parquet(
        tmp_path / "recordings.parquet"
    )
    micro = [[round(each * 1e6) for each in times] for times in one["time"]]
    traces = pl.DataFrame({**KEY, "dff": one["dff"], "time_us": micro}, schema_overrides={"dff": pl.List(pl.Float32)})
    traces.reverse().write_parquet(tmp_path / "traces.parquet")
    spikes = pl.DataFrame({**KEY, "spike_time": one["spike_times"]}, schema_overrides={"recording": pl.Int16})
    spikes.write_parquet(tmp_path / "spikes.parquet")
    return tmp_path


def test_one_file_needs_few_columns(tmp_path):
    pl.DataFrame(columns()).write_parquet(tmp_path / "mine.parquet")
    table = load(tmp_path / "mine.parquet")
    assert table["frame_rate"].to_list() == pytest.approx([30, 30])
    assert table["spike_times"].to_list() == [[0.5, 1.0], []]
    assert table["cell_class"].to_list() == ["", ""]
    assert np.allclose(table["dff"][1].to_numpy(), np.sin(5 + np.arange(60) / 30))


def test_three_files_are_joined_by_their_keys(three, tmp_path):
    pl.DataFrame(columns()).write_parquet(tmp_path / "one.parquet")
    joined = load(three / "recordings.parquet").sort("recording")
    one = load(tmp_path / "one.parquet", area="V1")
    rounded = ["time", "frame_rate", "noise_level"]
    assert joined.drop(rounded).equals(one.drop(rounded))
    assert np.allclose(joined["time"].explode(), one["time"].explode(), atol=1e-6)


def test_the_table_itself_comes_back_as_it_was(three, tmp_path):
    first = load(three)
    write_table(tmp_path / "again" / "table.parquet", GroundTruth, first, {})
    assert load(tmp_path / "again").equals(first)


def test_a_trace_that_is_no_dff_stays_so(tmp_path):
    pl.DataFrame({**columns(), "noise_level": [None, 1.0]}).write_parquet(tmp_path / "mine.parquet")
    assert load(tmp_path)["noise_level"].is_null().to_list() == [True, False]
    assert load(tmp_path)["plausible"].to_list() == [False, True]


def test_recordings_read_back_are_those_written(three, tmp_path):
    table = load(three)
    write_table(tmp_path / "table.parquet", GroundTruth, table, {})
    found = list(read_recordings(tmp_path / "table.parquet"))
    assert [(each.dataset, each.neuron, each.recording) for each in found] == table.select(list(KEY)).rows()
    for recording, row in zip(found, table.iter_rows(named=True), strict=True):
        assert recording.time.tolist() == row["time"]
        assert recording.spike_time.tolist() == row["spike_times"]
        assert np.array_equal(recording.dff, np.array(row["dff"], np.float32))
        assert recording.frame_rate == pytest.approx(row["frame_rate"])


def test_the_caller_chooses_what_to_read(tmp_path):
    many = 100
    time = [[0.0, 0.1, 0.2 if i % 2 else 0.9, 1.0] for i in range(many)]
    frame = pl.DataFrame(
        {
            "dataset": [f"d{i % 5}" for i in range(many)],
            "neuron": [str(i) for i in range(many)],
            "indicator": ["GCaMP6f"] * many,
            "time": time,
            "dff": [[0.0, 1.0, 2.0, 80.0 if i % 3 else 3.0] for i in range(many)],
            "spike_times": [[]] * many,
        },
        schema_overrides={"spike_times": pl.List(pl.Float64)},
    )
    frame.write_parquet(tmp_path / "many.parquet")
    with pytest.warns(UserWarning, match="66 of 100 recordings have absurd dF/F"):
        table = load(tmp_path / "many.parquet")
    write_table(tmp_path / "table.parquet", GroundTruth, table, {})

    def chosen(**options):
        return {int(each.neuron) for each in read_recordings(tmp_path / "table.parquet", **options)}

    everything = set(range(many))
    assert chosen() == everything
    assert chosen(plausible=True) == {i for i in everything if i % 3 == 0}
    assert chosen(plausible=False) == {i for i in everything if i % 3}
    assert chosen(regular=True) == set()
    assert chosen(datasets={"d1", "d3"}) == {i for i in everything if i % 5 in (1, 3)}


@pytest.mark.parametrize("name", ["dff", "spike_times", "indicator", "neuron"])
def test_a_missing_column_is_named(tmp_path, name):
    pl.DataFrame(columns()).drop(name).write_parquet(tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=rf"mine.parquet: column {name} is missing \(found: dataset"):
        load(tmp_path)


def test_a_missing_column_of_three_files_is_named(three):
    pl.read_parquet(three / "traces.parquet").drop("time_us").write_parquet(three / "traces.parquet")
    with pytest.raises(InputError, match=r"traces\.parquet: column time_us is missing"):
        load(three)


def test_a_trace_without_a_description_is_named(three):
    pl.read_parquet(three / "spikes.parquet").head(1).write_parquet(three / "spikes.parquet")
    with pytest.raises(InputError, match=r"\('lab', 'a', 1\) has no row in spikes.parquet"):
        load(three)


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "mine.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match=r"mine\.parquet: not a readable Parquet file"):
        load(tmp_path)
