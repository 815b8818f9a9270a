"""The sample sheet: what a wrong one says, all faults at once, before any job starts; and what a right one means."""
# ruff: noqa: E501 (messages stand as a user sees them)

import re
from pathlib import Path

import pytest

from groundtrace.errors import InputError
from groundtrace.movies.formats import CONVERT
from groundtrace.movies.formats import SUFFIXES as SUFFIXES_READ
from groundtrace.sessions import Session
from groundtrace.sheet import read_sheet

COLUMNS = list(Session.model_fields)
LISTED = ", ".join(COLUMNS)
FORMATS = (
    "tiff, hdf5, nwb, zarr, npy, scanbox, bruker, thor, femtonics, micromanager, inscopix, suite2p, caiman, avi, "
    "suite2p_rois, caiman_rois, nwb_rois, extract_rois, minian_rois, nwb_units"
)
QUOTED = ", ".join(f"'{name}'" for name in FORMATS.split(", ")).replace(", 'nwb_units'", " or 'nwb_units'")
SUFFIXES = ".tif, .tiff, .btf, .h5, .hdf5, .mat, .nwb, .zarr, .npy, .sbx, .raw, .mesc, .isxd, .bin, .mmap, .avi"


def row(**changes: object) -> dict[str, object]:
    return {"subject": "M01", "session": "001", "path": "m.tif", "indicator": "GCaMP6s", "frame_rate": 30} | changes


def sheet(*rows: dict[str, object], columns: list[str] = COLUMNS) -> str:
    lines = ["\t".join(columns), *("\t".join(str(each.get(name, "")) for name in columns) for each in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Paths of a sheet start at the folder in which Snakemake runs."""
    monkeypatch.chdir(tmp_path)
    for name in ("m.tif", "run_1.tif", "run_2.tif", "run_10.tif", "movie", "m.czi", "{a}.tif"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "TSeries-01").mkdir()
    return tmp_path


ROWS: dict[str, tuple[dict[str, object], str]] = {
    "no subject": ({"subject": ""}, "row 2 (sub-? ses-001): subject: is empty, and it has no default"),
    "z-stack without its step": (
        {"z_stack": "s.tif"},
        "row 2 (sub-M01 ses-001): z_stack needs z_step (µm between its planes) too; fill it",
    ),
    "z-stack that is not there": (
        {"z_stack": "s.tif", "z_step": 2},
        "row 2 (sub-M01 ses-001): z_stack: 's.tif' does not exist",
    ),
    "unknown preparation": (
        {"preparation": "slice"},
        "row 2 (sub-M01 ses-001): preparation: 'slice' is not allowed: input should be 'soma', 'dendrite', 'one_photon' or 'astrocyte'",
    ),
    "no session": ({"session": ""}, "row 2 (sub-M01 ses-?): session: is empty, and it has no default"),
    "subject with its prefix": (
        {"subject": "sub-M01"},
        "row 2 (sub-sub-M01 ses-001): subject: 'sub-M01' is not allowed; use letters, digits and underscores, without the prefix sub-",
    ),
    "subject that is no name": (
        {"subject": "M 01/left"},
        "row 2 (sub-M 01/left ses-001): subject: 'M 01/left' is not allowed; use letters, digits and underscores",
    ),
    "date of seven digits": (
        {"date": "2026123"},
        "row 2 (sub-M01 ses-001): date: '2026123' is not a date; write YYYYMMDD or YYYY-MM-DD",
    ),
    "impossible date": (
        {"date": "20261301"},
        "row 2 (sub-M01 ses-001): date: '20261301' is not a date; write YYYYMMDD or YYYY-MM-DD",
    ),
    "format that is not read": (
        {"path": "m.czi"},
        "row 2 (sub-M01 ses-001): path: 'm.czi' is of a format that is not read; save it as OME-TIFF: in ZEN (Export), or with `bfconvert in.czi out.ome.tif` of Bio-Formats",
    ),
    "braces": (
        {"path": "{a}.tif"},
        "row 2 (sub-M01 ses-001): path: '{a}.tif' has braces, which Snakemake takes for a wildcard; rename the folder or file, or make a link without braces to it",
    ),
    "ROIs of a kind that is not read": (
        {"rois": "cells.png"},
        "row 2 (sub-M01 ses-001): rois: 'cells.png' is no file of ROIs that is read (.zip, .roi, .tif, .tiff, .npy, .nwb, .parquet); save it as TIFF (Fiji: File > Save As > Tiff), or give the _seg.npy that Cellpose writes beside it",
    ),
    "ROIs of another number of planes": (
        {"rois": "a.zip; b.zip", "planes": 3},
        "row 2 (sub-M01 ses-001): rois: 2 files for 3 planes; write one file for each plane, in order, separated by ;",
    ),
    "ROIs beside ROIs and traces": (
        {"rois": "a.zip", "format": "suite2p_rois"},
        "row 2 (sub-M01 ses-001): rois: with format suite2p_rois the ROIs and traces are those of path; empty rois",
    ),
    "no file of ROIs": (
        {"rois": ";"},
        "row 2 (sub-M01 ses-001): rois: 0 files for 1 plane; write one file for each plane, in order, separated by ;",
    ),
    "file named twice": (
        {"path": "m.tif;./m.tif"},
        "row 2 (sub-M01 ses-001): path: 'm.tif;./m.tif' names a file twice",
    ),
    "separators only": ({"path": " ; "}, "row 2 (sub-M01 ses-001): path: ';' names no file"),
    "neither path nor simulate": (
        {"path": ""},
        "row 2 (sub-M01 ses-001): fill either path or simulate, one of the two",
    ),
    "both path and simulate": (
        {"simulate": "small"},
        "row 2 (sub-M01 ses-001): fill either path or simulate, one of the two",
    ),
    "unknown simulation": (
        {"path": "", "simulate": "large"},
        "row 2 (sub-M01 ses-001): simulate: 'large' is not defined under `simulation` in the config; defined are small",
    ),
    "simulation without a rate": (
        {"path": "", "simulate": "small", "frame_rate": ""},
        "row 2 (sub-M01 ses-001): a simulated session needs frame_rate (Hz)",
    ),
    "no suffix": (
        {"path": "movie"},
        f"row 2 (sub-M01 ses-001): path: 'movie' has no suffix that names a format ({SUFFIXES}); fill the column format: {FORMATS}",
    ),
    "folder without format": (
        {"path": "TSeries-01"},
        f"row 2 (sub-M01 ses-001): path: 'TSeries-01' has no suffix that names a format ({SUFFIXES}); fill the column format: {FORMATS}",
    ),
    "unknown format": (
        {"format": "mp4"},
        f"row 2 (sub-M01 ses-001): format: 'mp4' is not allowed: input should be {QUOTED}",
    ),
    "no planes": ({"planes": 0}, "row 2 (sub-M01 ses-001): planes: '0' is not allowed: input should be greater than 0"),
    "half a plane": (
        {"planes": 1.5},
        "row 2 (sub-M01 ses-001): planes: '1.5' is not allowed: input should be a valid integer, unable to parse string as an integer",
    ),
    "motion channel beyond the channels": (
        {"channels": 2, "motion_channel": 3},
        "row 2 (sub-M01 ses-001): motion_channel 3 is beyond the 2 channel(s)",
    ),
    "channel beyond the channels": (
        {"channels": 2, "functional_channel": 3},
        "row 2 (sub-M01 ses-001): functional_channel 3 is beyond the 2 channel(s)",
    ),
    "zero frame rate": (
        {"frame_rate": 0},
        "row 2 (sub-M01 ses-001): frame_rate: '0' is not allowed: input should be greater than 0",
    ),
    "NaN frame rate": (
        {"frame_rate": "nan"},
        "row 2 (sub-M01 ses-001): frame_rate: 'nan' is not allowed: input should be a finite number",
    ),
    "frame rate with its unit": (
        {"frame_rate": "30 Hz"},
        "row 2 (sub-M01 ses-001): frame_rate: '30 Hz' is not allowed: input should be a valid number, unable to parse string as a number",
    ),
    "frame rate in mHz": (
        {"frame_rate": 30_000},
        "row 2 (sub-M01 ses-001): frame_rate: '30000' is not allowed: input should be less than or equal to 10000",
    ),
    "negative pixel size": (
        {"pixel_size": -1},
        "row 2 (sub-M01 ses-001): pixel_size: '-1' is not allowed: input should be greater than 0",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_wrong_row_says_where_what_and_what_is_allowed(name, folder):
    changes, fault = ROWS[name]
    Path("sheet.tsv").write_text(sheet(row(**changes)))
    with pytest.raises(InputError) as caught:
        read_sheet("sheet.tsv", simulations=["small"]).valid()
    assert str(caught.value) == f"sheet.tsv is not valid:\n  {fault}\nThe columns: config/README.md"


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        (
            ("run-1.xml", "run-1_Cycle00001_Ch2_000001.ome.tif"),
            "is a folder of bruker: write that in the column format",
        ),
        (("Experiment.xml", "Image_001_001.raw"), "is a folder of thor: write that in the column format"),
        (("F.npy", "stat.npy"), "is a folder of suite2p_rois: write that in the column format"),
        (("run_1.tif", "run_2.tif", "notes.npy"), "is a folder; name the files in it: run-1/*.tif"),
        (("notes.txt",), "has no suffix that names a format"),
    ],
)
def test_a_folder_without_format_is_told_by_what_it_holds(files, advice, folder):
    Path("run-1").mkdir()
    for name in files:
        (Path("run-1") / name).touch()
    Path("sheet.tsv").write_text(sheet(row(path="run-1")))
    (fault,) = read_sheet("sheet.tsv").faults
    assert f"'run-1' {advice}" in fault


@pytest.mark.parametrize("suffix", CONVERT)
def test_every_unread_format_has_its_way_out(suffix, folder):
    """Whatever the case of the suffix; and none of them is read."""
    assert suffix not in SUFFIXES_READ
    (folder / f"m{suffix.upper()}").touch()
    Path("sheet.tsv").write_text(sheet(row(path=f"m{suffix.upper()}")))
    (fault,) = read_sheet("sheet.tsv").faults
    assert fault.endswith(f"'m{suffix.upper()}' is of a format that is not read; {CONVERT[suffix]}")
    assert re.search("save|use", CONVERT[suffix])


def test_unknown_indicator_names_the_known_ones_and_the_nearest():
    Path("sheet.tsv").write_text(sheet(row(indicator="GCamp9s")))
    with pytest.raises(InputError) as caught:
        read_sheet("sheet.tsv").valid()
    message = str(caught.value)
    assert "row 2 (sub-M01 ses-001): indicator: 'GCamp9s' is not known; known are " in message
    assert "GCaMP6f" in message
    assert "did you mean 'GCaMP6s'? (add a line to resources/indicators.tsv for another, or write unknown)" in message


SHEETS: dict[str, tuple[str | bytes | None, str]] = {
    "no sheet": (None, "sheet.tsv does not exist; set `sessions` in the config to your sample sheet"),
    "empty": ("", f"sheet.tsv: is empty; its first line names the columns: {LISTED}"),
    "comments only": ("# nothing yet\n\n", f"sheet.tsv: is empty; its first line names the columns: {LISTED}"),
    "unknown column": (
        sheet(row(), columns=[*COLUMNS, "framerate"]),
        f"sheet.tsv: unknown column 'framerate'; known are {LISTED}; did you mean 'frame_rate'?",
    ),
    "commas for tabs": (
        "subject,session\nM01,001\n",
        f"sheet.tsv: unknown column 'subject,session' (columns are separated by tabs); known are {LISTED}",
    ),
    "column named twice": (
        sheet(row(), columns=["subject", "session", "path", "path"]),
        "sheet.tsv: a column is named twice in subject, session, path, path",
    ),
    "a tab too many": (
        sheet(row()).rstrip("\n") + "\t\tV1\n",
        f"sheet.tsv: row 2 has {len(COLUMNS) + 2} cells, the header {len(COLUMNS)}; check the tabs",
    ),
    "open quote": (
        sheet(row(), row(subject="M02", location='"V1'), row(subject="M03")),
        "sheet.tsv: row 3: a cell starts with a quote that is not closed; remove it",
    ),
    "not UTF-8": (
        sheet(row(location="Gürtel")).encode("latin-1"),
        "sheet.tsv: is not UTF-8 text; save it as tab-separated text",
    ),
    "spreadsheet": (b"PK\x03\x04\xff\xfe", "sheet.tsv: is not UTF-8 text; save it as tab-separated text"),
    "duplicate session": (
        "# my sessions\n" + sheet(row(date="2026-03-01"), row(date="20260301", path="run_1.tif")),
        "sheet.tsv is not valid:\n  row 4 (sub-M01 ses-001): the same subject, session and date as row 3\nThe columns: config/README.md",
    ),
    "several faults": (
        sheet(row(frame_rate=0, planes="two"), row(subject="M02", date="1", path="gone.tif"), row(subject="M03")),
        "sheet.tsv is not valid:\n"
        "  row 2 (sub-M01 ses-001): planes: 'two' is not allowed: input should be a valid integer, unable to parse string as an integer\n"
        "  row 2 (sub-M01 ses-001): frame_rate: '0' is not allowed: input should be greater than 0\n"
        "  row 3 (sub-M02 ses-001): date: '1' is not a date; write YYYYMMDD or YYYY-MM-DD\n"
        "The columns: config/README.md",
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_wrong_sheet_says_what_to_do(name, folder):
    content, message = SHEETS[name]
    if content is not None:
        Path("sheet.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_sheet("sheet.tsv").valid()
    assert str(caught.value) == message


def test_a_sheet_without_rows_is_no_fault(tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_text(sheet())
    assert read_sheet(path, {}).valid() == {}


def test_right_sheet_gives_sessions_by_their_key():
    text = sheet(row(date="2026-03-01", location='"V1, left"'), row(session="002", indicator="gcamp6F", frame_rate=""))
    Path("sheet.tsv").write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    sessions = read_sheet("sheet.tsv").valid()
    assert list(sessions) == ["sub-M01/ses-001_date-20260301", "sub-M01/ses-002"]
    first, second = sessions.values()
    assert (first.location, first.frame_rate, first.planes, first.formats()) == ("V1, left", 30.0, 1, ["tiff"])
    assert (second.indicator, second.frame_rate) == ("GCaMP6f", None)


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("run_*.tif", ["run_1.tif", "run_2.tif", "run_10.tif"]),
        ("run_10.tif; run_2.tif ;", ["run_10.tif", "run_2.tif"]),
        ("m.tif;run_[12].tif", ["m.tif", "run_1.tif", "run_2.tif"]),
    ],
)
def test_files_are_in_natural_order_of_a_glob_and_in_the_order_of_a_list(path, files):
    Path("sheet.tsv").write_text(sheet(row(path=path)))
    (session,) = read_sheet("sheet.tsv").valid().values()
    assert [file.name for file in session.files()] == files


def test_brackets_in_a_path_that_exists_are_no_pattern(folder):
    for name in ("rec [1].tif", "rec [1]-1.tif", "rec [1]-2.tif"):
        (folder / "lab [a]").mkdir(exist_ok=True)
        (folder / "lab [a]" / name).write_bytes(b"x")
    for path, files in (
        ("lab [a]/rec [1].tif", ["rec [1].tif"]),
        ("lab [a]/rec*.tif", ["rec [1].tif", "rec [1]-1.tif", "rec [1]-2.tif"]),
        (f"{folder}/lab [a]/*-?.tif", ["rec [1]-1.tif", "rec [1]-2.tif"]),
    ):
        Path("sheet.tsv").write_text(sheet(row(path=path)))
        (session,) = read_sheet("sheet.tsv").valid().values()
        assert [file.name for file in session.files()] == files


def test_simulated_session_has_no_files():
    Path("sheet.tsv").write_text(sheet(row(path="", simulate="small")))
    (session,) = read_sheet("sheet.tsv", simulations=["small"]).valid().values()
    assert session.files() == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gone.tif", "'gone.tif' does not exist"),
        ("m.tif;gone.tif", "'gone.tif' does not exist"),
        ("gone_*.tif", "'gone_*.tif' matches no file"),
    ],
)
def test_missing_raw_data_are_no_fault_of_the_sheet(path, said):
    Path("sheet.tsv").write_text(sheet(row(), row(subject="M02", path=path)))
    found = read_sheet("sheet.tsv")
    assert list(found.valid()) == ["sub-M01/ses-001", "sub-M02/ses-001"]
    assert found.missing == {"sub-M02/ses-001": f"row 3 (sub-M02 ses-001): path: {said}"}
    with pytest.raises(InputError, match="gone"):
        found.sessions["sub-M02/ses-001"].files()


def test_a_column_of_the_labs_own_is_kept_and_a_misspelt_one_is_refused():
    columns = [*COLUMNS, "depth", "notes"]
    Path("sheet.tsv").write_text(sheet(row(depth="180 um", notes="ran well"), row(subject="M02"), columns=columns))
    first, second = read_sheet("sheet.tsv").valid().values()
    assert (first.labels, second.labels) == ({"depth": "180 um", "notes": "ran well"}, {})
    assert "depth" not in first.model_dump()
    Path("sheet.tsv").write_text(sheet(row(), columns=[*COLUMNS, "pixelsize"]))
    with pytest.raises(InputError, match=r"unknown column 'pixelsize'; known are .*; did you mean 'pixel_size'\?"):
        read_sheet("sheet.tsv")
