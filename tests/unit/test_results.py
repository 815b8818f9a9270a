"""Results of a study in Python."""

import doctest
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import groundtrace
from groundtrace.curation.apply import curated
from groundtrace.curation.file import Decision
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines
from groundtrace.io import read_arrays, read_table
from groundtrace.lazy import BATCH, list_variable
from groundtrace.results import IMAGES, SessionResults
from groundtrace.running.layout import UNFINISHED
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import stack
from tests.study import METHODS, example_entry, example_plane, write_example_study

PAGE = Path(__file__).resolve().parents[2] / "docs/python.md"
RIGID = {"recipe": "rigid", "methods": METHODS | {"motion": "rigid"}}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The study of docs/python.md."""
    folder = tmp_path_factory.mktemp("study") / "results"
    rows = []
    for subject, plane in (("M01", 0), ("M01", 1), ("M02", 0)):
        session = example_plane(plane, subject=subject, date=None)
        rigid = example_plane(plane, rois=6, subject=subject, date=None) if (subject, plane) != ("M01", 1) else None
        rows += [(example_entry(folder, session), session), (example_entry(folder, session, **RIGID), rigid)]
    write_example_study(folder, rows)
    return folder


@pytest.fixture
def study(results):
    return groundtrace.open_study(results)


@pytest.fixture
def session(study) -> SessionResults:
    return study.session("sub-M01/ses-001")


def test_the_page_is_true(results, monkeypatch):
    monkeypatch.chdir(results.parent)
    code = "\n".join(re.findall(r"```pycon\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))
    page = doctest.DocTestParser().get_doctest(code, {}, PAGE.name, str(PAGE), 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner().run(page, out=said.append)
    assert outcome.attempted > 25
    assert outcome.failed == 0, "".join(said)


def test_data_frames_are_of_the_library_that_is_asked_for(results):
    assert isinstance(groundtrace.open_study(results).sessions, pd.DataFrame)
    study = groundtrace.open_study(results, dataframes="polars")
    assert study.sessions.equals(read_table(results / "study.parquet"))
    assert isinstance(study.rois(), pl.DataFrame)
    with pytest.raises(InputError, match="dataframes='dask' is not allowed"):
        groundtrace.open_study(results, dataframes="dask").sessions  # noqa: B018


def test_arrays_are_those_of_the_tables(session):
    traces, spikes = (read_table(session.files[name]) for name in ("traces", "spikes"))
    for name in ("dff", "fluorescence", "neuropil"):
        np.testing.assert_array_equal(session.traces(name).values, stack(traces[name]))
    for name in ("rate", "rate_low", "rate_high"):
        found = session.spikes(name)
        np.testing.assert_array_equal(found.values, stack(spikes[name]))
        assert (found.attrs["units"], found.attrs["long_name"]) == Spikes.meaning(name)
    assert session.spikes().coords["roi"].values.tolist() == spikes["roi"].to_list()
    assert session.spikes().coords["accepted"].values.tolist() == spikes["accepted"].to_list()
    np.testing.assert_array_equal(session.traces().coords["time"], read_table(session.files["frames"])["time"])


def test_an_array_is_read_when_its_values_are_used(results, session, tmp_path):
    """Opening it needs the numbers of the file alone; what is read later is what lies there then."""
    dff = session.traces("dff")
    path, aside = session.files["traces"], tmp_path / "traces.parquet"
    os.rename(path, aside)
    try:
        with pytest.raises(FileNotFoundError):
            dff.isel(roi=0).load()
    finally:
        os.rename(aside, path)
    assert np.isfinite(dff.isel(roi=0, time=0).item())


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), slice(None)),
        (3, slice(10, 20)),
        (slice(None, None, 7), 5),
        (-1, -1),
        ([2 * BATCH, 0, BATCH], slice(None, None, 3)),
        ([], slice(None)),
        (np.arange(2 * BATCH + 1) % 2 == 0, [1, 0]),
    ],
    ids=str,
)
def test_parts_are_those_of_the_whole(key, tmp_path):
    values = np.random.default_rng(0).normal(size=(2 * BATCH + 1, 30)).astype(np.float32)
    pl.DataFrame({"x": values.tolist()}, schema={"x": pl.List(pl.Float32)}).write_parquet(tmp_path / "x.parquet")
    rows, frames = (np.asarray(part) if isinstance(part, list) else part for part in key)
    rows = rows.astype(int) if isinstance(rows, np.ndarray) and not rows.size else rows
    found = list_variable(tmp_path / "x.parquet", "x", 30)[rows, frames].values
    np.testing.assert_array_equal(found, values[rows][..., frames])


def test_images_are_those_of_the_files(session):
    for name, image in session.images.items():
        np.testing.assert_array_equal(image.values, read_arrays(session.files[IMAGES[name][0]])[name])
        assert image.dims == ("y", "x")
        assert image.attrs["long_name"]
    with pytest.raises(KeyError):
        session.images["clip_raw"]


def test_rois_have_every_number_once(session):
    table = session.rois()
    assert table.columns.is_unique
    rois, traces = read_table(session.files["rois"]), read_table(session.files["traces"])
    assert table["cell_probability"].tolist() == rois["cell_probability"].to_list()
    assert table["snr"].tolist() == traces["snr"].to_list()
    for row, pixels in zip(table["pixel_y"], rois["pixel_y"], strict=True):
        assert list(row) == pixels.to_list()


def test_what_a_person_decided_is_told(results, tmp_path):
    """Beside the automatic verdict; nothing where nobody decided."""
    assert groundtrace.open_study(results).session("sub-M01/ses-001").curated.empty
    session = example_plane(0, subject="M03", date=None)
    drawn = outlines(session.rois)
    decided = [
        Decision(2, 0, False, note="faint", outline=drawn[0]),
        Decision(3, 1, False, "glia", outline=drawn[1]),
    ]
    rois, *_ = curated(session.rois, pl.DataFrame(), decided)
    session = replace(session, rois=rois)
    write_example_study(tmp_path, [(example_entry(tmp_path, session), session)])
    study = groundtrace.open_study(tmp_path, dataframes="polars")
    found = study.session("sub-M03/ses-001").curated
    assert found.columns == ["roi", "accepted", "accepted_automatically", "reason", "note"]
    assert found.rows() == [
        (0, False, True, "rejected by hand", "faint"),
        (1, False, True, "glia", ""),
    ]
    assert study.sessions["curated"].to_list() == [0.5]


def test_a_study_with_failures_opens_from_the_table_that_is_left(results, tmp_path):
    (tmp_path / UNFINISHED).write_bytes((results / "study.parquet").read_bytes())
    assert len(groundtrace.open_study(tmp_path)) == 5


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (("sub-M01/ses-01",), "no session 'sub-M01/ses-01'; did you mean 'sub-M01/ses-001'?"),
        (("sub-M01/ses-001", 2), "sub-M01/ses-001 has no plane 2 with default; there are planes [0, 1]"),
        (("sub-M01/ses-001", 0, "best"), "no recipe 'best'; there are default, rigid"),
        (
            ("sub-M01/ses-001", 1, "rigid"),
            "sub-M01/ses-001 plane 1 rigid has no results: did not run: an earlier step failed or was never started",
        ),
    ],
)
def test_a_session_that_is_not_there_is_said(study, ask, message):
    with pytest.raises(InputError, match=re.escape(message)):
        study.session(*ask)


def test_a_column_or_recipe_that_is_not_there_is_said(study, session):
    with pytest.raises(InputError, match="no recipe 'rigit'; did you mean 'rigid'"):
        study.rois("rigit")
    with pytest.raises(InputError, match="no column 'df' of values per frame; there are fluorescence, neuropil, dff"):
        session.traces("df")


def test_a_folder_without_a_study_is_said(tmp_path):
    with pytest.raises(InputError, match=r"has no study\.parquet; give the folder of results"):
        groundtrace.open_study(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        groundtrace.open_study(tmp_path / "none")
    pl.DataFrame({"session": ["a"]}).write_parquet(tmp_path / "study.parquet")
    with pytest.raises(InputError, match="made by an older version; run the workflow again"):
        groundtrace.open_study(tmp_path)


def test_a_method_without_intervals_says_so(tmp_path):
    session = example_plane()
    none = pl.Series([[]] * 4, dtype=pl.List(pl.Float32))
    session = type(session)(**{**vars(session), "spikes": session.spikes.with_columns(rate_low=none, rate_high=none)})
    write_example_study(tmp_path, [(example_entry(tmp_path, session), session)])
    (found,) = groundtrace.open_study(tmp_path)
    assert found.spikes().shape == (4, 600)
    with pytest.raises(InputError, match="rate_low has no value for each of the 600 frames; its method"):
        found.spikes("rate_low")
