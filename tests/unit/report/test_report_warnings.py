"""Each warning appears when, and only when, its cause is there."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.notices import Notice
from groundtrace.report import sections
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.sections.session.accuracy.content import TRAINED_NOISE, TRAINED_RATES
from groundtrace.report.session import SessionInputs, session_warnings, warnings_table
from groundtrace.report.tables import Warnings
from groundtrace.tables import validate
from groundtrace.traces.tables import Brightness
from groundtrace.training.examples import NOISE_LEVELS, _frame_rate
from tests.tables import example
from tests.unit.report.cells_example import example_extraction_quality
from tests.unit.report.report_example import (
    example_acquisition,
    example_motion_quality,
    example_raw_quality,
    example_session,
    with_accuracy,
)


@pytest.fixture(scope="module")
def clean(session: SessionInputs) -> SessionInputs:
    """A session about which there is nothing to say."""
    return replace(
        session,
        raw_quality=example_raw_quality(3000, blank_frames=0, dropped_frames=0),
        motion_quality=example_motion_quality(session.shifts, bad_frames=0),
    )


def warned(inputs: SessionInputs, **parameters) -> list[str]:
    return [warning.title for warning in session_warnings(inputs, ReportParameters(**parameters))]


def test_a_clean_session_has_no_warning(clean):
    assert warned(clean) == []


def test_what_ingest_noted_is_said_with_its_advice(clean):
    note = "run_2.tif: is cut short: its first 79 frames are read; if the original is longer, copy it again"
    (found,) = session_warnings(noted(clean, "ingest", Notice("cut_short", note)), ReportParameters())
    assert (found.kind, found.step) == ("cut_short", "ingest")
    assert (found.severity, found.title) == ("warning", "run_2.tif: is cut short: its first 79 frames are read")
    assert found.meaning == "", "its title says it all"
    assert found.action == "If the original is longer, copy it again."


def noted(session: SessionInputs, step: str, *notices: Notice) -> SessionInputs:
    """The session as if one of its steps had said so."""
    history = [{"step": step, "notices": [notice.plain for notice in notices]}]
    return replace(session, provenance=session.provenance | {"history": history})


def test_what_a_step_says_is_on_the_page_once(clean):
    """Of many notices alike the first; and what the page itself says in other words not again."""
    many = [Notice("no_fit", f"no calcium fits trace {i}; look at it") for i in range(9)]
    found = session_warnings(noted(clean, "spikes", Notice("no_roi", "no ROI; look"), *many), ReportParameters())
    assert [warning.title for warning in found] == [f"No calcium fits trace {i}" for i in range(3)]
    assert {warning.action for warning in found} == {"Look at it."}
    long = Notice("registered_rigidly", "the field of 60 x 60 px is small: it " + "x" * 80, "note")
    (found,) = session_warnings(noted(clean, "motion", long), ReportParameters())
    assert (found.severity, found.title) == ("note", "The field of 60 x 60 px is small")
    assert found.meaning == f"The field of 60 x 60 px is small: it {'x' * 80}."
    assert found.action == "See the log of the step."


def test_warnings_become_a_table(clean):
    table = warnings_table(strongest_rejected(clean, 8), ReportParameters())
    row = table.filter(kind="strongest_rejected").row(0, named=True)
    where = (clean.acquisition.key, 0, "warning", "extract")
    assert (row["session"], row["plane"], row["severity"], row["step"]) == where
    assert row["title"] == "8 of the 20 most active ROIs are not accepted"
    assert row["text"]
    assert row["advice"]
    validate(Warnings, table)
    validate(Warnings, warnings_table(clean, ReportParameters()))


def test_every_kind_of_warning_has_a_name_of_its_own():
    """A filter on the kind finds one thing; only sections of other packages have no such name."""
    folder = Path(sections.__file__).parent / "session"
    calls = [
        call
        for path in folder.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Warning"
    ]
    named = [word.value.value for call in calls for word in call.keywords if word.arg == "kind"]
    assert len(named) == len(set(named)) == len(calls) - 1  # a notice has its own


def motion(session: SessionInputs, **changes) -> SessionInputs:
    return replace(session, motion_quality=example_motion_quality(session.shifts, **{"bad_frames": 0} | changes))


def raw(session: SessionInputs, **changes) -> SessionInputs:
    row = {"blank_frames": 0, "dropped_frames": 0} | changes
    return replace(session, raw_quality=example_raw_quality(3000, **row))


def traces(session: SessionInputs, **columns) -> SessionInputs:
    return replace(session, traces=session.traces.with_columns(**columns))


def spikes(session: SessionInputs, **columns) -> SessionInputs:
    return replace(session, spikes=session.spikes.with_columns(**columns))


def rois(session: SessionInputs, **columns) -> SessionInputs:
    return replace(session, rois=session.rois.with_columns(**columns))


def searched(session: SessionInputs, **changes) -> SessionInputs:
    return replace(session, extraction_quality=example_extraction_quality(session.rois, **changes))


def strongest_rejected(session: SessionInputs, count: int) -> SessionInputs:
    """So many of the accepted ROIs have the highest energy, and then `count` of the rejected ones more than they."""
    rejected = session.rois.filter(~pl.col("accepted"))["roi"].to_list()[:count]
    energy = pl.when(pl.col("roi").is_in(rejected)).then(single(1e4)).otherwise(single(5))
    return rois(session, energy=pl.when("accepted").then(single(50)).otherwise(energy))


def with_network(session: SessionInputs) -> SessionInputs:
    """The session as if the method network had inferred its rates."""
    return replace(session, provenance=with_accuracy(session).provenance)


def at_rate(session: SessionInputs, frame_rate: float) -> SessionInputs:
    """100 s at another frame rate, of an indicator slow enough for every rate."""
    frames = round(100 * frame_rate)
    acquisition = example_acquisition(frames, 128, indicator="GCaMP6s", frame_rate=frame_rate)
    return replace(session, acquisition=acquisition)


def single(value: float | None) -> pl.Expr:
    return pl.lit(value, dtype=pl.Float32)


FALLING = pl.Series([0.8] * 1500 + [0.5] * 1500, dtype=pl.Float32)

SMALL_EVENTS = pl.Series([np.where(np.arange(3000) % 100 < 10, 0.16, 0)] * 40, dtype=pl.List(pl.Float32))

CAUSES = {
    "Median ν is 9.1 %/√Hz: only bursts can be trusted": lambda s: traces(s, noise_level=single(9.1)),
    "None of 40 ROIs is accepted as a cell": lambda s: traces(s, accepted=pl.lit(False)),
    "Only 3 accepted cells": lambda s: traces(s, accepted=pl.col("roi") < 3),
    "Only 1 accepted cell": lambda s: traces(s, accepted=pl.col("roi") < 1),
    "8 of the 20 most active ROIs are not accepted": lambda s: strongest_rejected(s, 8),
    "8 of the 20 most active ROIs are smaller or thinner than a cell": lambda s: rois(
        strongest_rejected(s, 8), relative_area=pl.when("accepted").then(single(1)).otherwise(single(0.4))
    ),
    "Almost nothing is accepted: 1 of 40 ROIs": lambda s: rois(s, accepted=pl.col("roi") < 1, energy=single(None)),
    "Almost everything is accepted: 40 of 40 ROIs": lambda s: rois(s, accepted=pl.lit(True)),
    "much smaller than the cells looked for": lambda s: rois(s, relative_area=single(0.3)),
    "much larger than the cells looked for": lambda s: rois(s, relative_area=single(2.5)),
    "The ROIs are dendrites or axons": lambda s: rois(s, kind=pl.lit("process")),
    "cells of about 16 px, but cells of 10 px were looked for": lambda s: searched(s, diameter_seen=16.0),
    "About 27 % of the accepted cells may be noise": lambda s: searched(s, accepted=30, decoys_accepted=8),
    "traces look already denoised": lambda s: traces(s, looks_denoised=pl.col("roi") < 20),
    "have a baseline near zero": lambda s: traces(s, baseline_near_zero=pl.col("roi") < 20),
    "The neuropil's share is 0.3 ± 0.05, and 0.7 of it is subtracted": lambda s: traces(
        s, neuropil_coefficient_error=single(0), neuropil_fitted=single(0.3), neuropil_fitted_error=single(0.05)
    ),
    "The neuropil's share is 0.3 ± 0.05 here, not the customary 0.7": lambda s: traces(
        s, neuropil_coefficient_error=single(0.05), neuropil_fitted=single(0.3), neuropil_fitted_error=single(0.05)
    ),
    "have negative fluorescence": lambda s: traces(s, negative_fluorescence=pl.col("roi") < 20),
    "cells are expected to correlate with their true spike rate by less than 0.6": lambda s: spikes(
        s, expected_correlation=single(0.2)
    ),
    "fire at an implausible mean rate above 30 Hz": lambda s: spikes(s, mean_rate=single(31)),
    "Transients last 10 times as long as those of one spike of GCaMP6f": lambda s: replace(
        spikes(s, half_decay=single(1.6)), acquisition=example_acquisition(3000, 128, indicator="GCaMP6f")
    ),
    "largest transients are 0.2": lambda s: traces(
        replace(s, acquisition=example_acquisition(3000, 128, indicator="jGCaMP8s")), dff=pl.lit(SMALL_EVENTS)
    ),
    "have no spikes": lambda s: spikes(s, silent=pl.lit(True)),
    "network was never trained at 100 Hz": lambda s: at_rate(with_network(s), 100.0),
    "network was never trained at 4 Hz": lambda s: at_rate(with_network(s), 4.0),
    "noisier than anything the method network was trained on": lambda s: traces(
        with_network(s), noise_level=pl.when(pl.col("roi") < 18).then(single(11)).otherwise("noise_level")
    ),
    "frame rate is low for jGCaMP8f: 1.1 frames": lambda s: replace(
        s, acquisition=example_acquisition(3000, 128, indicator="jGCaMP8f", frame_rate=10.0)
    ),
    "lasts 20 s only": lambda s: replace(s, acquisition=example_acquisition(600, 128)),
    "Residual motion is 1.4 px after registration": lambda s: motion(s, residual_motion=1.4),
    "Residual motion is 1.4 px as recorded": lambda s: motion(s, residual_motion=1.4, displacement_max=0.0),
    "Registration made the movie worse": lambda s: motion(s, template_correlation=0.6),
    "The tissue moved by up to 30 px": lambda s: motion(s, displacement_max=30.0),
    "falls by 38 % over the recording": lambda s: replace(
        s, shifts=s.shifts.with_columns(template_correlation=FALLING)
    ),
    "10 % of the frames are bad": lambda s: motion(s, bad_frames=300),
    "0.2 % of the pixels are saturated": lambda s: raw(s, saturated=2e-3),
    "lost 30 % of its brightness": lambda s: raw(s, brightness_drift=-0.3),
    "became 30 % brighter": lambda s: raw(s, brightness_drift=0.3),
    "The photon gain could not be measured": lambda s: raw(s, gain=None, photons=None),
    "1 dropped frame": lambda s: raw(s, dropped_frames=1),
    "2 blank frames": lambda s: raw(s, blank_frames=2),
    "3 frames with a flash": lambda s: raw(s, flash_frames=3),
    "3 frames excluded by the sheet": lambda s: replace(s, frames=s.frames.with_columns(excluded=pl.col("frame") < 3)),
}


@pytest.mark.parametrize("title", CAUSES)
def test_its_cause_alone_is_named(clean, title):
    found = warned(CAUSES[title](clean))
    assert len(found) == 1
    assert title in found[0]


def test_what_is_near_the_limits_of_a_search_is_no_reason(clean):
    assert warned(strongest_rejected(clean, 6)) == []
    assert warned(rois(clean, relative_area=single(1.9))) == []
    assert warned(searched(clean, diameter_seen=14.0)) == []
    assert warned(searched(clean, diameter_seen=None)) == []
    assert warned(searched(clean, decoys=None, decoys_accepted=None)) == []
    assert warned(searched(clean, accepted=30, decoys_accepted=6)) == []


def test_advice_names_the_keys_of_the_config_and_the_frequent_reason(clean):
    inputs = replace(strongest_rejected(clean, 8), extraction="mine")
    found = session_warnings(inputs, ReportParameters())[0]
    assert "extract.mine.diameter_um or extract.mine.diameter_px" in found.action
    assert "extract.mine.min_probability" in found.action
    assert "the light is not inside its outline" in found.meaning


def test_silent_cells_do_not_count_as_found(clean):
    inputs = example_session(rois=40, frames=3000, side=128, silent=40)
    assert session_warnings(inputs, ReportParameters())[0].title == "No active ROI was found"


@pytest.mark.parametrize(
    ("frame_rate", "backend"), [(5, "network"), (30, "network"), (61, "oasis"), (60.3, "network"), (250, "network")]
)
def test_trained_frame_rates_other_methods_and_refused_rates_are_no_reason(clean, frame_rate, backend):
    inputs = clean if backend == "oasis" else with_network(clean)
    assert warned(at_rate(inputs, frame_rate)) == []


def test_what_the_network_was_trained_on(clean):
    """The limits of the warnings are those that training draws from."""
    generator = np.random.default_rng(0)
    drawn = [_frame_rate(generator) for _ in range(2000)]
    assert (round(min(drawn)), round(max(drawn))) == TRAINED_RATES
    assert NOISE_LEVELS[1] == TRAINED_NOISE


def test_few_cells_below_the_accuracy_or_without_spikes_are_normal(clean):
    some = pl.col("roi") < 15
    low = pl.when(some).then(single(0.2)).otherwise(single(0.8))
    assert warned(spikes(clean, expected_correlation=low)) == []
    assert warned(spikes(clean, silent=some)) == []
    assert warned(spikes(clean, expected_correlation=low), accuracy=0.9) != []


def test_one_fast_cell_is_a_note(clean):
    first = clean.spikes.filter("accepted")["roi"][0]
    fast = pl.when(pl.col("roi") == first).then(single(45)).otherwise("mean_rate")
    found = session_warnings(spikes(clean, mean_rate=fast), ReportParameters())
    assert [warning.severity for warning in found] == ["note"]
    assert found[0].title.startswith("1 of ")


def test_no_roi_is_critical():
    inputs = example_session(rois=0, frames=3000, side=64)
    first = session_warnings(inputs, ReportParameters())[0]
    assert (first.severity, first.title) == ("critical", "No ROI was found")


def test_the_worst_comes_first_and_each_says_what_to_do(clean):
    found = session_warnings(traces(motion(clean, bad_frames=2000), noise_level=single(20)), ReportParameters())
    assert [warning.severity for warning in found] == ["critical", "warning"]
    assert all(len(warning.meaning) > 40 and len(warning.action) > 20 for warning in found)


def test_thresholds_come_from_the_parameters(clean):
    assert warned(clean, noise_level_warning=1.0) != []
    assert warned(motion(clean, residual_motion=1.4), residual_motion_warning=2.0) == []
    assert warned(traces(clean, accepted=pl.col("roi") < 3), few_cells=3) == []


def test_an_unknown_indicator_is_no_reason_to_fail(clean):
    inputs = replace(clean, acquisition=example_acquisition(3000, 128, indicator="brand new"))
    assert warned(inputs) == []


def test_kinetics_taken_from_mice_are_named(clean):
    inputs = replace(clean, acquisition=example_acquisition(3000, 128, species="Danio rerio"))
    (found,) = session_warnings(inputs, ReportParameters())
    assert found.title == "Kinetics of GCaMP6s in Danio rerio are not known: taken with those of GCaMP6s in mice"
    assert "a line GCaMP6s in Danio rerio" in found.action
    fish = example_acquisition(3000, 128, indicator="GCaMP6f in Danio rerio", species="Danio rerio")
    assert warned(replace(clean, acquisition=fish)) == []


def test_no_cell_in_a_short_recording_is_the_fault_of_its_length(clean):
    inputs = searched(traces(clean, accepted=pl.lit(False)), bin_frames=100)
    first = session_warnings(inputs, ReportParameters())[0]
    assert (first.severity, first.title) == ("critical", "No cell in 30 binned frames")
    assert "diameter" not in first.action


@pytest.mark.parametrize(("factor", "times"), [(1.02, 0), (1.4, 1)])
def test_a_small_step_between_files_is_no_warning(clean, factor, times):
    gain = np.where(np.arange(3000) < 1500, 1.0, factor)
    brightness = example(Brightness, 3000, usable=True, gain=gain.tolist())
    stepped = replace(clean, loaded=clean.loaded | {"recording": brightness})
    said = "The brightness of all ROIs changes at once, 1 time"
    assert [each.title for each in session_warnings(stepped, ReportParameters()) if "at once" in each.title] == [
        said
    ] * times


@pytest.mark.parametrize("name", ["m.tif", "TSeries-01", "my run 2.ome.tif"])
def test_a_long_notice_about_a_file_or_folder_has_its_first_clause_as_title(clean, name):
    found = f"{name}: the time stamps have 2 gaps, by lost frames or pauses, of 13 s: 6.6 s after 53 frames; 7 s"
    notice = {"severity": "warning", "kind": "gaps", "found": found, "advice": "align by time"}
    told = replace(clean, provenance={"history": [{"step": "ingest", "notices": [notice]}]})
    (warning,) = (each for each in session_warnings(told, ReportParameters()) if each.kind == "gaps")
    assert (warning.title, warning.meaning) == (f"{name}: the time stamps have 2 gaps", f"{found}.")
