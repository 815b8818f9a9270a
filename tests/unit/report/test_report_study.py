"""The study table and page."""

import os
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from docutils.core import publish_parts
from jinja2 import StrictUndefined, Template

from groundtrace.extraction.tables import Rois
from groundtrace.io import read_table, write_table, write_text
from groundtrace.motion.tables import MotionQuality
from groundtrace.movies.tables import RawQuality
from groundtrace.notices import Notice
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session, warnings_table
from groundtrace.report.study import render_study, study_row, study_table, study_warnings, told, write_study
from groundtrace.report.tables import Study, Warnings
from groundtrace.running.layout import Entry
from groundtrace.running.status import NOT_RUN, failure
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import validate
from groundtrace.traces.tables import Traces
from tests.study import undecided
from tests.tables import example
from tests.unit.report.report_decode import page_data
from tests.unit.report.report_example import example_session, with_accuracy

METHODS = {"motion": "phase", "denoise": "none", "extract": "suite2p", "spikes": "network"}


def entry_of(results: Path, session: str = "sub-M01/ses-001", recipe: str = "default") -> Entry:
    return Entry(results, session, plane=0, recipe=recipe, methods=METHODS, indicator="GCaMP6s", simulated=False)


def write_results(entry: Entry, session: SessionInputs) -> None:
    write_text(entry.file("ingest"), session.acquisition.model_dump_json())
    write_table(entry.raw_quality, RawQuality, session.raw_quality, {})
    write_table(entry.file("motion"), MotionQuality, session.motion_quality, {})
    write_table(entry.file("dff"), Traces, session.traces, {})
    write_table(entry.rois, Rois, undecided(session.rois), {})
    write_table(entry.file("spikes"), Spikes, session.spikes, {})
    write_text(entry.file("report"), render_session(session, ReportParameters()))
    here = replace(session, recipe=entry.recipe, acquisition=session.acquisition.model_copy(update={"date": None}))
    write_table(entry.warnings, Warnings, warnings_table(here, ReportParameters()), {})
    write_text(entry.card, here.card.model_dump_json())


def write_log(entry: Entry, stage: str, text: str, age: int) -> Path:
    path = next(step.log for step in entry.steps if step.stage == stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def logs(entry: Entry) -> list[Path]:
    return [step.log for step in entry.steps]


@pytest.fixture
def entry(tmp_path) -> Entry:
    return entry_of(tmp_path / "results")


@pytest.fixture
def done(entry, session) -> Entry:
    write_results(entry, session)
    return entry


def test_a_row_that_is_done(done, session):
    row = study_row(done)
    cells = session.traces.filter("accepted")
    assert (row["status"], row["reason"], row["log"]) == ("done", "", "")
    assert row["report"] == "sub-M01/ses-001/plane-0/report-default.html"
    assert (row["rois"], row["cells"], row["frame_rate"], row["duration"]) == (40, cells.height, 30.0, 100.0)
    assert row["noise_level"] == pytest.approx(cells["noise_level"].median())
    assert row["snr"] == pytest.approx(cells["snr"].median())
    assert row["spike_rate"] == pytest.approx(session.spikes.filter("accepted")["mean_rate"].median())
    assert row["residual_motion"] == pytest.approx(0.18)
    assert row["curated"] == 0
    assert row["photon_rate"] == pytest.approx((95.4 / cells["expected_noise_level"].median()) ** 2, rel=1e-3)
    assert (row["pixel_size"], row["lateral_width"], row["axial_width"]) == (1.2, None, None)
    assert (row["bad_frames"], row["warnings"]) == (session.motion_quality["bad_frames"][0], 1)


def test_expected_correlation_is_that_of_the_cells_or_unknown(entry, session):
    inputs = with_accuracy(session)
    write_results(entry, inputs)
    cells = inputs.spikes.filter("accepted")["expected_correlation"]
    row = study_row(entry)
    assert row["expected_correlation"] == pytest.approx(cells.drop_nulls().median())
    assert f"<td>{row['expected_correlation']:.2f}</td>" in render_study(study_table([entry]))
    write_table(entry.file("spikes"), Spikes, session.spikes, {})
    assert study_row(entry)["expected_correlation"] is None


def test_no_roi_is_done_without_numbers(entry):
    write_results(entry, example_session(rois=0, frames=300, side=64))
    row = study_row(entry)
    assert (row["status"], row["rois"], row["cells"], row["noise_level"]) == ("done", 0, 0, None)


@pytest.mark.parametrize("missing", ["ingest", "raw_quality", "motion", "dff", "spikes", "report"])
def test_a_missing_file_is_a_failure_with_its_reason_and_log(done, missing):
    (done.raw_quality if missing == "raw_quality" else done.file(missing)).unlink()
    write_log(done, "motion", "reading\nerror: old\n", age=50)
    write_log(done, "spikes", "start\nerror: 1\nerror: M01.tif: truncated; copy it again\n  more\n", age=1)
    row = study_row(done)
    assert (row["status"], row["reason"]) == ("failed", "M01.tif: truncated; copy it again")
    assert row["log"] == "logs/sub-M01/ses-001/plane-0/motion-phase_denoise-none_extract-suite2p_spikes-network.log"
    assert row["report"] == ""
    assert row["cells"] is None
    assert (row["frame_rate"] is None) == (missing == "ingest")


def test_an_error_counts_more_than_a_newer_log_without_one(entry):
    log = write_log(entry, "spikes", "error: the disk is full\n", age=10)
    write_log(entry, "motion", "done\n", age=1)
    assert failure(logs(entry)) == ("the disk is full", log)


def test_a_killed_step_shows_its_last_line(entry):
    write_log(entry, "ingest", "old\n", age=10)
    log = write_log(entry, "motion", "frame 1000\nframe 2000 \n\n", age=1)
    reason, found = failure(logs(entry))
    assert reason == "stopped without an error message; the last line of its log is: frame 2000"
    assert found == log


def test_never_started(entry):
    row = study_row(entry)
    assert (row["status"], row["reason"], row["log"]) == ("failed", NOT_RUN, "")


def test_empty_logs_say_nothing(entry):
    write_log(entry, "ingest", "\n \n", age=1)
    assert failure(logs(entry)) == (NOT_RUN, None)


@pytest.mark.parametrize("broken", ["ingest", "dff"])
def test_an_unreadable_result_is_a_failure_not_a_crash(done, broken):
    done.file(broken).write_bytes(b"not what it should be")
    row = study_row(done)
    assert row["status"] == "failed"
    assert "cannot be read" in row["reason"]


def test_table_keeps_the_order_and_its_declaration(done, session, tmp_path):
    entries = [entry_of(tmp_path / "results", f"sub-M0{k}/ses-001") for k in (3, 1, 2)]
    table = study_table(entries)
    assert table["session"].to_list() == ["sub-M03/ses-001", "sub-M01/ses-001", "sub-M02/ses-001"]
    assert table["status"].to_list() == ["failed", "done", "failed"]
    validate(Study, table)
    assert study_table([]).height == 0


def test_page_has_each_row_and_the_totals(done, tmp_path):
    write_log(entry_of(tmp_path / "results", "sub-M02/ses-001"), "ingest", "error: <b>bold</b> & broken\n", age=1)
    table = study_table([done, entry_of(tmp_path / "results", "sub-M02/ses-001")])
    page = render_study(table, title="Whisker study")
    assert "<title>Whisker study</title>" in page
    assert '<a href="sub-M01/ses-001/plane-0/report-default.html">sub-M01/ses-001</a>' in page
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; broken" in page
    assert '<a href="logs/sub-M02/ses-001/plane-0/ingest.log">log</a>' in page
    figures = dict(re.findall(r'<div class="figure[^"]*"><h2>(.*?)</h2><p class="value">(.*?)(?:<|$)', page))
    assert (figures["sessions"], figures["rows done"], figures["rows failed"]) == ("2", "1", "1")
    assert figures["cells"] == str(table["cells"][0])
    assert page_data(page)["columns"]["noise_level"] == [pytest.approx(table["noise_level"][0], rel=1e-5), None]
    assert render_study(table, title="Whisker study") == page


def test_nothing_done_yet(entry):
    page = render_study(study_table([entry]))
    assert NOT_RUN in page
    assert page_data(page)["columns"]["cells"] == [None]


def test_several_recipes_of_a_recording_count_its_hours_once(done, session, tmp_path):
    other = entry_of(tmp_path / "results", recipe="rigid")
    write_results(other, session)
    page = render_study(study_table([done, other]))
    assert "in the 1 session with a row that is done" in page
    assert "of 2 rows, one per session, plane and recipe" in page
    recorded = re.search(r'<h2>recorded</h2><p class="value">(.*?)<small>(.*?)</small>', page)
    assert recorded
    assert recorded.groups() == ("1.67", "min")


def suspicious(session: SessionInputs) -> SessionInputs:
    """The session with none of its most active ROIs accepted, by one of the motion corrections registered rigidly."""
    notice = Notice("registered_rigidly", "the field is small, and is registered rigidly; set a smaller block", "note")
    history = [{"step": "motion", "notices": [notice.plain]}]
    energy = pl.when("accepted").then(None).otherwise(pl.lit(1e3)).cast(pl.Float32)
    return replace(session, rois=session.rois.with_columns(energy=energy), provenance={"history": history})


def test_warnings_of_all_rows_are_on_the_page_and_in_a_table_the_worst_first(done, session, tmp_path):
    other = entry_of(tmp_path / "results", recipe="rigid")
    write_results(other, suspicious(session))
    write_study([done, other], tmp_path / "index.html", tmp_path / "study.parquet", tmp_path / "warnings.parquet")
    table = read_table(tmp_path / "warnings.parquet")
    assert table.row(0, named=True).items() >= {"recipe": "rigid", "severity": "critical", "step": "extract"}.items()
    rigid = table.filter(kind="registered_rigidly").row(0, named=True)
    assert (rigid["recipe"], rigid["step"], rigid["severity"]) == ("rigid", "motion", "note")
    assert rigid["advice"] == "Set a smaller block."
    study = read_table(tmp_path / "study.parquet")
    counts = table.filter(pl.col("severity") != "note").group_by("recipe").len()
    assert dict(zip(study["recipe"], study["warnings"], strict=True)) == dict(counts.iter_rows())
    page = (tmp_path / "index.html").read_text()
    first = page[page.index('<details class="critical"') :]
    assert re.search(r"<summary><b>critical</b> \d+ of the \d+ most active ROIs are not accepted</summary>", first)
    assert 'href="sub-M01/ses-001/plane-0/report-rigid.html"' in first.split("</details>")[0]
    assert "2 rows, such as: " in page  # both have lost the same frames


def test_warnings_are_told_kind_by_kind(done, session, tmp_path):
    other = entry_of(tmp_path / "results", recipe="rigid")
    write_results(other, suspicious(session))
    lines = told(study_warnings([done, other])).splitlines()
    assert lines[0] == "warnings:"
    assert re.match(
        r"  critical strongest_rejected \(extract\), 1 row: sub-M01/ses-001 plane 0 rigid: \d+ of the \d+ most",
        lines[1],
    )
    assert any("warning dropped_frames (ingest), 2 rows: sub-M01/ses-001 plane 0 default: " in line for line in lines)
    assert not any("note" in line for line in lines)
    assert told(study_warnings([done, other]), 1).splitlines()[2:] == ["  and 1 more kinds; the study page lists all"]
    assert told(study_warnings([])) == ""


def test_three_thousand_rows_stay_small():
    row = {"session": "sub-M001/ses-001_date-20260301", "recipe": "default", "status": "done", "plane": 0}
    row |= {"report": "sub-M001/ses-001_date-20260301/plane-0/report-default.html", "indicator": "GCaMP6s"}
    page = render_study(example(Study, 3000, **row))
    assert page.count("<tr") == 3001
    assert len(page.encode()) < 4_000_000


@pytest.mark.parametrize("name", ["session", "study", "workflow"])
def test_captions_are_valid_for_snakemake(root, name):
    """As Snakemake renders them: a Jinja template, then reStructuredText, which must not complain."""
    template = (root / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
    wildcards = {"session": "sub-M01/ses-001", "plane": "0", "recipe": "default"}
    text = Template(template, undefined=StrictUndefined).render(snakemake={"wildcards": wildcards})
    html = publish_parts(text, writer="html", settings_overrides={"halt_level": 2, "report_level": 2})["body"]
    assert "<p>" in html
    assert ("sub-M01/ses-001" in html) == (name == "session")


def test_columns_of_the_labs_own_are_in_the_table(entry, tmp_path):
    entries = [replace(entry, labels={"notes": "ran well", "depth (um)": "180"}), entry]
    write_study(entries, tmp_path / "index.html", tmp_path / "study.parquet", tmp_path / "warnings.parquet")
    table = read_table(tmp_path / "study.parquet")
    assert table.columns[-2:] == ["sheet_notes", "sheet_depth (um)"]
    assert table["sheet_notes"].to_list() == ["ran well", None]
