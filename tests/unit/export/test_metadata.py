"""What NWB files must say is complete, or named."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from groundtrace.errors import InputError
from groundtrace.export.metadata import Sheets, nwb_name
from groundtrace.export.parameters import NwbParameters
from groundtrace.microscope import Microscope
from groundtrace.sessions import Session
from groundtrace.subjects import read_subjects
from tests.unit.export.complete import MICROSCOPE, SUBJECTS, complete_session


@pytest.fixture
def sheet(tmp_path) -> Path:
    path = tmp_path / "subjects.tsv"
    path.write_text(SUBJECTS)
    return path


def sheets(sheet: Path, microscopes: dict | None = None, **parameters) -> Sheets:
    named = {"scope": MICROSCOPE} if microscopes is None else microscopes
    known = {name: Microscope.model_validate(fields) for name, fields in named.items()}
    return Sheets(Path("s.tsv"), read_subjects(sheet), NwbParameters.model_validate(parameters), known)


def test_a_complete_session_lacks_nothing(sheet):
    metadata = sheets(sheet).metadata(complete_session())
    assert metadata.subject.species == "Mus musculus"
    assert metadata.microscope.excitation_wavelength == 920
    assert metadata.start == datetime.fromisoformat("2026-03-01T14:05:00+01:00")


def test_a_file_is_known_by_what_it_says_alone(sheet):
    plain = sheets(sheet).metadata(complete_session()).plain()
    assert sheets(sheet).metadata(complete_session(path="elsewhere.tif")).plain() == plain
    assert sheets(sheet).metadata(complete_session(location="VISl")).plain() != plain


@pytest.mark.parametrize(("month", "hours"), [("03", 1), ("07", 2)])
def test_a_start_without_offset_is_in_the_time_zone_of_the_study(sheet, month, hours):
    session = complete_session(start_time=f"2026-{month}-01 14:05:00", date=None)
    start = sheets(sheet, time_zone="Europe/Zurich").metadata(session).start
    assert start.isoformat() == f"2026-{month}-01T14:05:00+0{hours}:00"


def test_a_birthday_begins_where_the_session_was_recorded(sheet):
    birth = sheets(sheet).metadata(complete_session(subject="M02")).birth
    assert birth is not None
    assert (birth.isoformat(), birth.utcoffset()) == ("2025-12-01T00:00:00+01:00", timedelta(hours=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_time": None}, "s.tsv: sub-M01 ses-001: start_time is empty; the time of the first frame"),
        ({"start_time": "2026-03-01T14:05"}, "start_time 2026-03-01T14:05:00 has no offset; write it as"),
        ({"session_description": None}, "s.tsv: sub-M01 ses-001: session_description is empty"),
        ({"location": None}, "s.tsv: sub-M01 ses-001: location is empty; the brain area"),
        ({"indicator": "unknown"}, "s.tsv: sub-M01 ses-001: indicator is unknown"),
        ({"microscope": "scop"}, "microscope 'scop' is not under `microscopes`.*did you mean 'scope'"),
        ({"subject": "M1"}, "subjects.tsv: has no row for subject M1; did you mean 'M01'"),
        ({"subject": "M03"}, "subjects.tsv: M03: species is empty; its Latin name, as Mus musculus"),
        ({"subject": "M03"}, "subjects.tsv: M03: sex is empty; M, F, U"),
        ({"subject": "M03"}, "subjects.tsv: M03: age and date_of_birth are empty; write one of them"),
    ],
)
def test_what_is_missing_is_named_with_sheet_and_column(sheet, changes, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        sheets(sheet).metadata(complete_session(**changes))


def test_a_microscope_is_named_where_there_are_several(sheet):
    two = {"one": MICROSCOPE, "other": MICROSCOPE | {"excitation_wavelength": 1030}}
    with pytest.raises(InputError, match="microscope is empty; one of one, other"):
        sheets(sheet, microscopes=two).metadata(complete_session())
    metadata = sheets(sheet, microscopes=two).metadata(complete_session(microscope="other"))
    assert metadata.microscope.excitation_wavelength == 1030
    with pytest.raises(InputError, match=r"config: microscopes is empty; name yours"):
        sheets(sheet, microscopes={}).metadata(complete_session())
    with pytest.raises(InputError, match=r"config: microscopes\.scope\.emission_wavelength is empty; nm"):
        sheets(sheet, microscopes={"scope": MICROSCOPE | {"emission_wavelength": None}}).metadata(complete_session())


def test_all_sessions_are_told_at_once_and_a_subject_once(sheet):
    several = [complete_session(subject="M03", session=f"{k:03d}") for k in range(30)]
    with pytest.raises(InputError, match=r"30 of 31 session\(s\)") as error:
        sheets(sheet).check([*several, complete_session()])
    assert str(error.value).count("species is empty") == 1
    sheet.unlink()
    with pytest.raises(InputError, match=r"subjects\.tsv does not exist; write one row per animal"):
        sheets(sheet).check([complete_session()])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("M09\tmouse\tF\tP90D\t", r"row 2 \(M09\): species: 'mouse' is not allowed"),
        ("M09\tMus musculus\tfemale\tP90D\t", r"sex: 'female' is not allowed"),
        ("M09\tMus musculus\tF\t90 days\t", r"age: '90 days' is not an ISO 8601 duration; write P90D"),
        ("M09\tMus musculus\tF\t\t1.12.2025", r"date_of_birth: '1.12.2025' is not allowed"),
        ("\tMus musculus\tF\tP90D\t", r"subject: is empty"),
        ("M09\tMus musculus\tF\tP90D\t\nM09\tMus musculus\tF\tP90D\t", "the same subject as in an earlier row"),
    ],
)
def test_a_wrong_row_is_told(sheet, row, message):
    sheet.write_text(f"{SUBJECTS.splitlines()[0]}\n{row}\n")
    with pytest.raises(InputError, match=message):
        read_subjects(sheet)


def test_a_misspelt_column_is_told(sheet):
    sheet.write_text("subject\tspecis\nM01\tMus musculus\n")
    with pytest.raises(InputError, match=r"unknown column 'specis'.*did you mean 'species'"):
        read_subjects(sheet)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_time": "14:05"}, "'14:05' is not a time; write it as 2026-03-01T14:05:00"),
        ({"start_time": "2026-03-02T14:05:00+01:00"}, "is not on the date 20260301"),
    ],
)
def test_a_wrong_time_is_told(changes, message):
    with pytest.raises(ValueError, match=message):
        complete_session(**changes)


def test_what_is_said_of_a_session_reads_no_movie_anew():
    bare = Session(subject="M01", session="001", date="20260301", path="a.tif", planes=2)
    assert complete_session().reading() == bare.reading()


def test_a_time_zone_is_one():
    with pytest.raises(ValueError, match="'Zurich' is not a time zone; use an IANA name"):
        NwbParameters(time_zone="Zurich")


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"date": None}, "sub-M01_ses-001"),
        ({}, "sub-M01_ses-001-20260301"),
        ({"subject": "line_7", "session": "a_b"}, "sub-line-7_ses-a-b-20260301"),
    ],
)
def test_an_underscore_ends_a_label_of_a_file_name(labels, name):
    assert nwb_name(complete_session(**labels | ({"start_time": None} if "date" in labels else {}))) == name
