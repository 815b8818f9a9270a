"""The CASCADE database in its own form, with every quirk of its files."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.cascade import describe, import_cascade
from groundtrace.groundtruth.importers.load import load_sources
from groundtrace.groundtruth.parameters import GroundTruthSource

TIME = np.arange(300) / 30.0
SOURCE = GroundTruthSource(source="unused", format="cascade")


@pytest.fixture(scope="module")
def database(test_data):
    return {
        (row["dataset"][:4], row["recording"]): row
        for row in import_cascade(sorted((test_data / "ground_truth_mat").rglob("*.mat")), SOURCE)
    }


@pytest.fixture(scope="module")
def already_imported(test_data):
    """The same recordings, imported by somebody else."""
    folder = test_data / "ground_truth"
    key = ["dataset", "neuron", "recording"]
    names = [path.name.removeprefix("CAttached_").removesuffix("_mini.mat") for path in files_of(test_data)]
    tables = [
        pl.scan_parquet(folder / f"{name}.parquet").filter(pl.col("neuron").is_in(names)).collect()
        for name in ("recordings", "traces", "spikes")
    ]
    described, traces, spikes = (table.with_columns(pl.col("recording").cast(pl.Int64)) for table in tables)
    return list(described.join(traces, on=key).join(spikes, on=key).iter_rows(named=True))


def files_of(test_data: Path) -> list[Path]:
    return sorted((test_data / "ground_truth_mat").rglob("*.mat"))


def test_the_result_is_that_of_another_importer(database, already_imported):
    assert len(already_imported) == len(database) == 18
    for other in already_imported:
        row = database[other["dataset"][:4], other["recording"]]
        same = ("dataset", "neuron", "indicator", "species", "area", "cell_class", "regular", "plausible")
        assert {name: row[name] for name in same} == {name: other[name] for name in same}
        assert row["frame_rate"] == pytest.approx(other["frame_rate"], rel=1e-6)
        assert row["noise_level"] == pytest.approx(other["noise_level"], rel=1e-4)
        assert np.array_equal(row["dff"], np.array(other["dff"], np.float32))
        assert np.abs(row["time"] - np.array(other["time_us"]) / 1e6).max() < 1e-6
        assert np.abs(row["spike_times"] - np.array(other["spike_time"])).max() < 1e-9


def test_trials_without_fluorescence_are_left_out(database):
    assert [number for dataset, number in database if dataset == "DS03"] == [0]


@pytest.mark.parametrize(("dataset", "frames"), [("DS04", 468), ("DS05", 340)])
def test_samples_beyond_the_frame_times_are_cut(database, dataset, frames):
    row = database[dataset, 0]
    assert len(row["dff"]) == len(row["time"]) == frames


def test_spike_times_that_are_nan_are_no_spikes(database):
    assert len(database["DS15", 0]["spike_times"]) == 628


def test_spikes_are_sorted(database):
    for row in database.values():
        assert (np.diff(row["spike_times"]) >= 0).all()
        assert np.isfinite(row["spike_times"]).all()


def test_absurd_dff_is_marked(database):
    assert [number for (dataset, number), row in database.items() if not row["plausible"]] == [1, 3, 5]
    assert {dataset for (dataset, _), row in database.items() if not row["plausible"]} == {"DS32"}


def test_a_file_deactivated_by_its_name_is_left_out_and_said(test_data):
    with pytest.warns(UserWarning, match=r"cell1_miXni\.mat"):
        rows = list(import_cascade(files_of(test_data), SOURCE))
    assert not [row for row in rows if row["dataset"].startswith("DS40")]


def test_variants_of_other_neurons_are_left_out_but_not_simulations(cascade_file):
    good = dict(fluo_time=TIME, fluo_mean=np.sin(TIME), events_AP=np.array([1e4]))
    twin = cascade_file(good, folder="X-DS09-GCaMP6f-m-V1-corrected")
    simulated = cascade_file(good, folder="X-NAOMi-GCaMP6f-simulated")
    with pytest.warns(UserWarning, match="left out"):
        rows = list(import_cascade([twin, simulated], SOURCE))
    assert [(row["dataset"], row["species"]) for row in rows] == [("X-NAOMi-GCaMP6f-simulated", "simulated")]


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_rows_and_columns_are_the_same(cascade_file, shape):
    spikes = np.array([50000, 12000, 30000], np.int32)
    fields = {
        "fluo_time": TIME.reshape(shape),
        "fluo_mean": np.sin(TIME).reshape(shape),
        "events_AP": spikes.reshape(shape),
    }
    (row,) = import_cascade([cascade_file(fields)], SOURCE)
    assert np.allclose(row["time"], TIME)
    assert np.allclose(row["dff"], np.sin(TIME), atol=1e-6)
    assert row["spike_times"].tolist() == pytest.approx([1.2, 3.0, 5.0])


def test_the_number_of_a_recording_is_its_place_in_the_file(cascade_file):
    good = dict(fluo_time=TIME, fluo_mean=np.sin(TIME), events_AP=np.zeros((0, 0), np.uint8))
    empty = dict(fluo_time=np.zeros((0, 0)), fluo_mean=np.zeros((0, 0)), events_AP=np.array([1e4]))
    rows = list(import_cascade([cascade_file(good, empty, dict(ephys_raw=TIME), good)], SOURCE))
    assert [row["recording"] for row in rows] == [0, 3]
    assert all(len(row["spike_times"]) == 0 for row in rows)


def test_uneven_frame_times_are_kept_and_marked(cascade_file):
    jumping = np.concatenate([TIME[:100], TIME[100:] + 3])
    (row,) = import_cascade([cascade_file(dict(fluo_time=jumping, fluo_mean=np.sin(TIME), events_AP=[1e4]))], SOURCE)
    assert not row["regular"]
    assert np.allclose(row["time"], jumping)
    assert row["frame_rate"] == pytest.approx(30)


def test_a_last_frame_that_is_there_twice_counts_once(cascade_file):
    """As in DS24 to DS26: same time, same value."""
    time, dff = np.append(TIME, TIME[-1]), np.append(np.sin(TIME), np.sin(TIME[-1]))
    (row,) = import_cascade([cascade_file(dict(fluo_time=time, fluo_mean=dff, events_AP=[1e4]))], SOURCE)
    assert len(row["time"]) == len(row["dff"]) == 300
    assert row["regular"]


def test_missing_values_are_left_out(cascade_file):
    dff = np.sin(TIME)
    dff[40] = np.nan
    (row,) = import_cascade([cascade_file(dict(fluo_time=TIME, fluo_mean=dff, events_AP=[1e4]))], SOURCE)
    assert np.allclose(row["time"], np.delete(TIME, 40))
    assert not row["regular"]


def test_names_say_what_the_other_importer_says(test_data):
    """Indicator, species, area and class of every neuron of the database, from folder and file name alone."""
    table = pl.read_parquet(test_data / "ground_truth/recordings.parquet").unique(["dataset", "neuron"])
    assert len(table) == 435
    for row in table.iter_rows(named=True):
        path = Path("/database") / row["dataset"] / f"CAttached_{row['neuron']}_mini.mat"
        found = describe(path, [], SOURCE)
        assert vars(found) == {name: row[name] for name in vars(found)}


def test_the_config_goes_before_the_names(cascade_file):
    given = GroundTruthSource(source="x", format="cascade", indicator="mine", area="CA1", cell_class="PV")
    good = dict(fluo_time=TIME, fluo_mean=np.sin(TIME), events_AP=[1e4])
    (row,) = import_cascade([cascade_file(good)], given)
    assert (row["indicator"], row["area"], row["cell_class"], row["species"]) == ("mine", "CA1", "PV", "zebrafish")


def test_the_file_says_its_cell_type_where_the_folder_does_not(cascade_file):
    cell = dict(fluo_time=TIME, fluo_mean=np.sin(TIME), events_AP=[1e4], cell_type=np.array(["interneuron"], object))
    (row,) = import_cascade([cascade_file(cell, folder="DS30-GCaMP8f-m-V1")], SOURCE)
    assert row["cell_class"] == "interneuron"


def test_a_name_without_an_indicator_is_refused(cascade_file):
    good = dict(fluo_time=TIME, fluo_mean=np.sin(TIME), events_AP=[1e4])
    with pytest.raises(InputError, match="names an indicator; set `indicator` in the config"):
        list(import_cascade([cascade_file(good, folder="mine")], SOURCE))


@pytest.mark.parametrize("content", [b"", b"not a MATLAB file at all" * 40, b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "DS09-GCaMP6f-m-V1" / "CAttached_x_mini.mat"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"CAttached_x_mini\.mat: not a readable MATLAB file"):
        list(import_cascade([path], SOURCE))


def test_a_cut_file_is_named(test_data, tmp_path):
    whole = next(path for path in files_of(test_data) if "DS18" in path.parent.name).read_bytes()
    path = tmp_path / "DS18-R-CaMP-m-CA3" / "CAttached_x_mini.mat"
    path.parent.mkdir()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"CAttached_x_mini\.mat: not a readable MATLAB file"):
        list(import_cascade([path], SOURCE))


def test_a_file_without_trials_is_named(tmp_path):
    from scipy.io import savemat

    savemat(tmp_path / "a_mini.mat", {"other": 1})
    with pytest.raises(InputError, match="has no variable `CAttached`"):
        load_sources({"x": GroundTruthSource(source=str(tmp_path), format="cascade")})
