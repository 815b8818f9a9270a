"""Denoising on the session page: what it says, which events it shows, and that other pages stay as they are."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.denoising.base import Denoising
from groundtrace.denoising.tables import DenoisingCheck, TrainingCurve
from groundtrace.io import write_arrays, write_table
from groundtrace.movies.noise import REACH, NoiseModel, write_noise
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.sections.session.denoising.content import EVENTS, STRIPS, chosen_events, events, load
from groundtrace.report.session import SessionInputs, render_session, session_warnings
from groundtrace.tables import empty, list_column, validate
from groundtrace.traces.tables import Traces

FLAGGED = (3, 7)
RATE = 30.0


def written(folder: Path, session: SessionInputs, trained: bool = True) -> SessionInputs:
    """The session as of a recipe that denoises, by files as the rules write them."""
    dff = np.array(session.traces["dff"].to_list(), np.float32)
    smooth = np.apply_along_axis(lambda each: np.convolve(each, np.ones(7) / 7, "same"), 1, dff).astype(np.float32)
    traces = validate(
        Traces,
        session.traces.with_columns(
            dff_denoised=list_column(smooth),
            dff_low=list_column(smooth - np.float32(0.1)),
            dff_high=list_column(smooth + np.float32(0.1)),
            denoising_disagrees=np.isin(np.arange(len(dff)), FLAGGED),
        ),
    )
    correlation = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    correlation[REACH, REACH - 1 : REACH + 2] = 0.25, 1, 0.25
    curve, check = empty(TrainingCurve), empty(DenoisingCheck)
    if trained:
        rows = [(m, 100 * k, 1.3 - 0.05 * k, 1.2 - 0.04 * k - 0.01 * m) for m in range(2) for k in range(1, 5)]
        curve = pl.DataFrame(rows, schema=curve.schema, orient="row")
        rows = [(what, level, level + 0.01, 0.5, 1000) for what in ("pixels", "disks") for level in (0.5, 0.9)]
        check = pl.DataFrame(rows, schema=check.schema, orient="row")
    image = np.asarray(session.motion_images["mean"], np.float32)
    found = Denoising(NoiseModel(60.0, 12.0, 30.0, correlation), image, curve, check)
    paths = {name: folder / name for name in ("denoising_noise", "denoising_images", "denoising_curve")}
    paths |= {"denoising_check": folder / "denoising_check", "traces": folder / "traces"}
    write_noise(paths["denoising_noise"], found.noise, found.mean)
    write_arrays(paths["denoising_images"], raw=image / 100, denoised=image / 200, frame=np.array(450))
    write_table(paths["denoising_curve"], TrainingCurve, curve, {})
    write_table(paths["denoising_check"], DenoisingCheck, check, {})
    write_table(paths["traces"], Traces, traces, {})
    shown = traces.drop("dff_denoised", "dff_low", "dff_high")
    inputs = replace(session, traces=shown)
    return replace(inputs, loaded={"denoising": load(paths, inputs)})


@pytest.fixture(scope="module")
def denoised(session, tmp_path_factory) -> SessionInputs:
    return written(tmp_path_factory.mktemp("denoised"), session)


@pytest.fixture(scope="module")
def page(denoised) -> str:
    return render_session(denoised, ReportParameters())


def test_the_page_tells_noise_training_coverage_and_flags(page, denoised):
    named = [str(i) for i in FLAGGED if denoised.traces["accepted"][i]]
    assert named
    assert f"ROI {', '.join(named)}" in page
    assert "come from the measured traces and are not concerned" in page
    assert "60 times its brightness above 12 detector units" in page
    assert "the correlation is 0.25 to the side and 0 up and down" in page
    assert re.findall(r"<tr><th>pixels</th><td>(.*?)</td><td>(.*?)</td>", page) == [("51", "91")]
    assert "The frame with the most activity, at 15 s" in page
    assert page.count('class="denoised"') == EVENTS + STRIPS


def test_many_flagged_cells_and_wrong_intervals_are_warned_about(denoised):
    def titles(**changes) -> str:
        inputs = replace(denoised, **changes)
        return " ".join(warning.title for warning in session_warnings(inputs, ReportParameters()))

    assert "shows" not in titles()
    traces = denoised.traces.with_columns(denoising_disagrees=pl.lit(True))
    assert f"shows {denoised.cells.height} of {denoised.cells.height} cells" in titles(traces=traces)
    loaded = denoised.loaded["denoising"]
    check = loaded.check.with_columns(pl.col("coverage") - 0.08)
    assert "off by 7 points" in titles(loaded={"denoising": replace(loaded, check=check)})
    assert "off by" not in titles()


def test_a_method_without_training_says_so(session, tmp_path):
    page = render_session(written(tmp_path, session, trained=False), ReportParameters())
    assert "Not known for this method" in page
    assert "This method learns nothing by examples" in page


def test_a_recipe_without_denoising_has_no_word_of_it(session):
    page = render_session(session, ReportParameters())
    assert "denoising" not in page.replace("denoising_disagrees", "").lower()


def test_events_are_found_where_they_are_and_not_in_noise():
    random = np.random.default_rng(0)
    trace = random.normal(0, 0.2, 6000).astype(np.float32)
    assert events(trace, RATE, 0) == []
    for start in (1000, 4000):
        trace[start : start + 60] += np.exp(-np.arange(60) / 20)
    assert [event.frame for event in events(trace, RATE, 0)] == pytest.approx([1007, 4007], abs=8)
    trace[5] = np.nan
    assert [event.frame for event in events(trace, RATE, 0)] == pytest.approx([1007, 4007], abs=8)
    assert events(np.full(6000, np.nan, np.float32), RATE, 0) == []


def test_the_rarest_events_are_shown_beside_the_largest():
    random = np.random.default_rng(1)
    found = {}
    for cell in range(20):
        trace = random.normal(0, 0.2, 9000).astype(np.float32)
        # Cell 17 has one weak event, the others several strong ones.
        starts = [4500] if cell == 17 else [500 + 900 * k for k in range(9)]
        for start in starts:
            trace[start : start + 60] += (1 if cell == 17 else 2) * np.exp(-np.arange(60) / 20)
        found[cell] = events(trace, RATE, cell)
    shown = chosen_events(found)
    assert len(shown) == EVENTS
    assert shown[EVENTS // 2].cell == 17
    assert len({event.cell for event in shown}) == EVENTS
