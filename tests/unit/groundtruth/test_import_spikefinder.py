"""Pairs of CSV files of the Spikefinder challenge."""

import numpy as np
import polars as pl
import pytest

from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.base import make_table
from groundtrace.groundtruth.importers.spikefinder import import_spikefinder, spread
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.groundtruth.tables import GroundTruth
from groundtrace.tables import validate


def source(path, indicator="GCaMP5k"):
    return GroundTruthSource(source=str(path), format="spikefinder", indicator=indicator)


def rows_of(path):
    found = source(path)
    return list(import_spikefinder(found.files(), found))


@pytest.fixture
def pair(tmp_path):
    """Two neurons, the second one 40 samples shorter."""
    time = np.arange(400) / 100
    calcium = pl.DataFrame({"0": np.sin(time), "1": [*np.cos(time[:360]), *[None] * 40]})
    spikes = pl.DataFrame({"0": np.eye(400, dtype=int)[100] * 3, "1": [*np.eye(360, dtype=int)[200], *[None] * 40]})
    calcium.write_csv(tmp_path / "1.train.calcium.csv")
    spikes.write_csv(tmp_path / "1.train.spikes.csv")
    return tmp_path


def test_real_files_hold_what_their_columns_hold(test_data):
    rows = rows_of(test_data / "spikefinder/6.train.calcium.csv")
    spikes = pl.read_csv(test_data / "spikefinder/6.train.spikes.csv")
    assert [row["neuron"] for row in rows] == [str(i) for i in range(9)]
    assert [len(row["time"]) for row in rows] == [23998, 23998, 5998, 23998, 9598, 23998, 19198, 19198, 23998]
    for row in rows:
        assert len(row["spike_times"]) == spikes[row["neuron"]].drop_nans().sum()
        assert row["frame_rate"] == pytest.approx(100)
    validate(GroundTruth, make_table(rows))


def test_all_sets_of_a_folder_are_read(test_data):
    rows = rows_of(test_data / "spikefinder")
    sets = [f"spikefinder-{i}-train" for i in (4, 5, 6)]
    assert sorted({row["dataset"] for row in rows}) == sets
    assert [sum(row["dataset"] == name for row in rows) for name in sets] == [6, 9, 9]


def test_padding_is_cut(pair):
    first, second = rows_of(pair)
    assert (len(first["dff"]), len(second["dff"])) == (400, 360)


def test_calcium_is_no_dff_and_says_so(pair):
    for row in rows_of(pair):
        assert row["noise_level"] is None
        assert not row["plausible"]


def test_a_spike_is_where_its_sample_is(pair):
    _, second = rows_of(pair)
    assert second["spike_times"].tolist() == pytest.approx([second["time"][200]])


def test_spikes_of_one_bin_are_spread_over_it():
    times = spread(np.array([0, 3, 0, 1, 2]))
    assert times.tolist() == pytest.approx([0.01 + 0.01 / 6, 0.015, 0.02 - 0.01 / 6, 0.035, 0.0425, 0.0475])
    counts = np.random.default_rng(0).poisson(0.4, 5000)
    assert np.array_equal(np.histogram(spread(counts), np.arange(5001) / 100)[0], counts)


def test_the_indicator_must_be_given(pair):
    given = GroundTruthSource(source=str(pair), format="spikefinder")
    with pytest.raises(InputError, match="do not name their indicator; set `indicator` in the config"):
        list(import_spikefinder(given.files(), given))


def test_a_missing_partner_is_named(pair):
    (pair / "1.train.spikes.csv").unlink()
    with pytest.raises(InputError, match=r"1\.train\.spikes\.csv is missing beside it"):
        rows_of(pair)


def test_files_of_different_length_are_refused(pair):
    pl.read_csv(pair / "1.train.spikes.csv").head(100).write_csv(pair / "1.train.spikes.csv")
    with pytest.raises(InputError, match=r"400 samples of 2 neurons, in 1\.train\.spikes\.csv 100 of 2"):
        rows_of(pair)


def test_spikes_must_be_counts(pair):
    pl.read_csv(pair / "1.train.calcium.csv").write_csv(pair / "1.train.spikes.csv")
    with pytest.raises(InputError, match="column '0' does not hold counts"):
        rows_of(pair)


def test_words_are_refused(pair):
    (pair / "1.train.calcium.csv").write_text("0,1\nfast,slow\n")
    with pytest.raises(InputError, match=r"1\.train\.calcium\.csv: not a table of numbers"):
        rows_of(pair)
