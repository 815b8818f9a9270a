"""Responses on the session page: where stimuli are, with what the tables say; a warning where hardly any respond."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.io import write_table
from groundtrace.report.pages import sections
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session, session_warnings
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.steps import judge, present, respond, tune
from groundtrace.responses.tables import Reliability, Responses, Tuning, presentations_table
from groundtrace.tables import list_column
from tests.unit.report.report_decode import page_data
from tests.unit.report.report_example import example_session
from tests.unit.responses.responses_example import RATE, driven, frames_of, shown, write_spikes

FRAMES, ROIS = 1700, 24
PARAMETERS = ResponseParameters(permutations=99)
SECTION = next(section for section in sections("session") if section.name == "responses")


def stimulated(folder: Path, tuned: bool) -> SessionInputs:
    """A session to which eight directions were shown; its cells prefer one each, or none."""
    file = shown(8, 13).with_columns(direction=pl.col("image") * 45.0).drop("image")
    file.write_csv(folder / "stimuli.csv")
    presentations = present(folder / "stimuli.csv", frames_of(FRAMES), RATE, PARAMETERS)
    random = np.random.default_rng(0)
    away = presentations["direction"].to_numpy() - random.uniform(0, 360, ROIS)[:, None]
    means = 0.3 + (4 * np.exp(3 * (np.cos(np.deg2rad(away)) - 1)) if tuned else np.ones(away.shape))
    rate = driven(random.poisson(means).astype(float), presentations, FRAMES)
    session = example_session(rois=ROIS, frames=FRAMES, side=64, clips=2)
    spikes = write_spikes(folder / "spikes.parquet", rate, accepted=session.spikes["accepted"])
    responses = respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)
    tables = {
        "presentations": (presentations_table(presentations), presentations),
        "responses": (Responses, responses),
        "reliability": (Reliability, judge(presentations, responses, PARAMETERS)),
        "tuning": (Tuning, tune(presentations, responses, PARAMETERS)),
    }
    history = {"history": [{"step": "responses", "parameters": PARAMETERS.model_dump(mode="json")}], "sources": []}
    for name, (table, frame) in tables.items():
        write_table(folder / f"{name}.parquet", table, frame, history)
    session = replace(
        session,
        frames=session.frames.with_columns(time=pl.Series(np.arange(FRAMES) / RATE)),
        spikes=session.spikes.with_columns(rate=list_column(rate)),
    )
    loaded = SECTION.ask("load", {name: folder / f"{name}.parquet" for name in tables}, session)
    return replace(session, loaded={"responses": loaded})


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> SessionInputs:
    return stimulated(tmp_path_factory.mktemp("tuned"), tuned=True)


def test_a_session_without_stimuli_shows_nothing_of_them():
    page = render_session(example_session(rois=4, frames=300, side=64, clips=0), ReportParameters())
    assert 'id="responses"' not in page
    assert "#responses" not in page


def test_the_page_says_what_the_tables_say(session):
    page = render_session(session, ReportParameters())
    cells = session.loaded["responses"].cells
    responding = (cells["tuning_p"] < 0.05).sum()
    assert responding > 0.8 * cells.height
    assert f"{responding} of {cells.height} cells respond differently" in page
    assert "104 presentations of 8 conditions, 13 times each" in page
    found = page_data(page)["responses"]
    assert found["names"][1] == "scenes, direction 45"
    assert found["oracle"] == sorted(found["oracle"], reverse=True)
    best = found["best"][0]
    assert best["roi"] == session.spikes["roi"][found["place"][0]]
    assert [curve["period"] for curve in best["tuning"]] == [180, 360]
    assert best["onsets"]["trials"] == 104
    # Spikes begin 50 ms after the onset.
    times, (mean, _) = np.array(best["onsets"]["times"]), best["onsets"]["strongest"]
    assert np.mean(np.array(mean)[(times > 0.1) & (times < 0.25)]) > 5
    assert np.max(np.array(mean)[(times > -0.2) & (times < 0.02)]) == 0


def test_clusters_stand_together_and_every_cell_once(session):
    alike = SECTION.ask("data", session)["responses"]["alike"]
    assert sorted(alike["place"]) == sorted(session.loaded["responses"].cells["place"])
    neighbours = np.diag(alike["r"], 1).mean()
    assert neighbours > 0.3 > np.median(alike["r"])


def test_hardly_any_responding_cell_is_warned_about(session, tmp_path):
    kinds = lambda given: {warning.kind for warning in session_warnings(given, ReportParameters())}  # noqa: E731
    assert "hardly_responding" not in kinds(session)
    assert "hardly_responding" in kinds(stimulated(tmp_path, tuned=False))


def test_a_session_without_a_cell_says_so(session):
    loaded = session.loaded["responses"]
    none = replace(loaded, reliability=loaded.reliability.with_columns(accepted=pl.lit(False)))
    page = render_session(replace(session, loaded={"responses": none}), ReportParameters())
    assert "No cell, no response." in page
    assert page_data(page)["responses"]["best"] == []
