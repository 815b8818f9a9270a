"""Sorted spikes of an NWB file: which units, where they are, what is wrong with a file."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from snakemake.exceptions import WorkflowError

from groundtrace.adopted.choosing import parse
from groundtrace.adopted.nwb_units import adopt_units, clock, read_units
from groundtrace.errors import InputError
from groundtrace.io import write_table
from groundtrace.movies.tables import Frames
from groundtrace.responses.conditions import varied
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.steps import judge, present, respond
from groundtrace.responses.tables import Units
from groundtrace.running.plan import Plan
from groundtrace.sessions import Session
from groundtrace.tables import validate
from tests.unit.adopted.units_example import write_units

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write_units(tmp_path_factory.mktemp("units") / "ecephys.nwb")


def session(file: Path, **columns: object) -> Session:
    given = {"subject": "A", "session": "1", "path": str(file), "format": "nwb_units", "stimuli": str(file)} | columns
    return Session.model_validate(given)


def test_units_come_with_their_areas_and_spikes(file):
    units = read_units(file)
    assert units["area"].to_list() == ["VISp", "VISam"] * 4
    assert units["quality"].to_list() == ["noise"] + ["good"] * 7
    assert units["spike_times"].list.len().to_list() == [24, 24, 24, 0] * 2
    assert clock(file)[-1] == pytest.approx(1 + 0.5 * 23 + 0.25, abs=0.06)


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        ('area == "VISam"', [1, 3, 5, 7]),
        ("area == VISp and quality == 'good'", [2, 4, 6]),
        ("firing_rate > 0.5 and area != VISp", [1, 5]),
        ("peak_channel_id >= 851", [1, 3, 5, 7]),
    ],
)
def test_units_are_chosen_by_their_columns(file, chosen, ids):
    assert read_units(file, chosen)["unit"].to_list() == [str(unit) for unit in ids]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ('aera == "VISp"', "no column 'aera'; did you mean 'area'|no column 'aera'"),
        ("area == 3", "area of its units is text, and 3.0 is not"),
        ("firing_rate > much", "firing_rate of its units is a number, and 'much' is not"),
        ('area == "VISl"', "none of its 8 units is chosen"),
    ],
)
def test_conditions_that_do_not_fit_the_file_are_refused(file, chosen, said):
    with pytest.raises(InputError, match=said):
        read_units(file, chosen)


@pytest.mark.parametrize("text", ["area = VISp", "VISp", "area == VISp or area == VISl", ""])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ValueError, match="is no condition; write conditions on columns of the units"):
        parse(text)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"stimuli": None}, "fill the column stimuli"),
        ({"planes": 2}, "leave planes at 1"),
        ({"format": "nwb_rois", "units": "area == VISp"}, "chooses units of a file of the format nwb_units"),
        ({"units": "VISp"}, "'VISp' is no condition"),
    ],
)
def test_rows_of_the_sheet_that_say_too_little_or_too_much_are_refused(file, columns, said):
    with pytest.raises(ValidationError, match=said):
        session(file, **columns)


def test_a_file_without_units_is_refused(tmp_path):
    import h5py

    path = tmp_path / "empty.nwb"
    h5py.File(path, "w").close()
    with pytest.raises(InputError, match="has no units with spike times"):
        read_units(path)
    path.write_text("no HDF5")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        read_units(path)


def test_presentations_beyond_the_recording_are_told_before_any_job(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stimuli.csv").write_text("start_time,stop_time,image\n1,1.2,0\n2,2.2,0\n90,91,0\n")
    sheet = f"subject\tsession\tpath\tformat\tstimuli\nA\t1\t{file}\tnwb_units\tstimuli.csv\n"
    (tmp_path / "sessions.tsv").write_text(sheet)
    with pytest.raises(WorkflowError, match="1 of 3 presentations lie outside the recording"):
        Plan.read({"sessions": "sessions.tsv"}, ROOT / "workflow/scripts")


def test_responses_are_counts_of_spikes(file, tmp_path):
    taken = adopt_units(session(file, units="quality == good"), [file])
    write_table(tmp_path / "units.parquet", Units, validate(Units, taken.units), {})
    frames = validate(Frames, taken.frames)
    parameters = ResponseParameters()
    shown = present(file, frames, 20.0, parameters)
    responses = respond(shown, frames, tmp_path / "units.parquet", 20.0, parameters)
    assert varied(shown) == []
    image = shown["image"].cast(pl.Int32).to_numpy()
    for unit, row in zip(range(1, 8), responses["response"], strict=True):
        assert row.to_list() == np.where((image == unit % 4) & (unit % 4 < 3), 4, 0).tolist()
    reliability = judge(shown, responses, parameters)
    assert reliability["oracle"].to_list() == pytest.approx([1, 1, None, 1, 1, 1, None])
