"""Verdicts by hand on the session page: keys, mouse, rules, undo, and the file that the workflow reads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page

from groundtrace.curation.apply import curated, matched
from groundtrace.curation.file import parse_curation, write_curation
from groundtrace.curation.tables import Curation
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session
from groundtrace.tables import validate
from tests.browser.browser_wait import until
from tests.unit.report.report_example import example_session

SIDE, ROIS = 128, 40
PATH = "curation/sub-M01/ses-001_date-20260301/plane-0/default.tsv"


@pytest.fixture(scope="module")
def session() -> SessionInputs:
    """The last three ROIs do not fire, so that nothing is known of their probability."""
    made = example_session(rois=ROIS, frames=900, side=SIDE, silent=3, curation_path=PATH)
    known = pl.when(pl.col("kind") != "visible").then("cell_probability")
    return replace(made, rois=made.rois.with_columns(known.alias("cell_probability")))


@pytest.fixture(scope="module")
def html(session) -> str:
    return render_session(session, ReportParameters())


@pytest.fixture
def page(open_page, html) -> Page:
    page = open_page(html)
    page.click("#curate")
    page.select_option("#order", "roi")
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def verdicts(page: Page) -> list[bool]:
    return page.evaluate("page.rois.accepted")


def selected(page: Page) -> int:
    return page.evaluate("report.selected")


def go_to(page: Page, roi: int) -> None:
    page.evaluate("(i) => select(i)", roi)


def decisions(page: Page) -> dict[int, dict]:
    return {int(at): one for at, one in page.evaluate("[...report.curation.decisions.decided]")}


def screen(page: Page, roi: int) -> tuple[float, float]:
    """Where a pixel of the map belongs to this ROI alone."""
    page.locator("#map canvas").scroll_into_view_if_needed()
    pixel = page.evaluate("(roi) => report.map.owner.indexOf(roi)", roi)
    scale, box = page.evaluate("report.map.pixel"), page.locator("#map canvas").bounding_box()
    assert box
    return box["x"] + (pixel % SIDE + 0.5) * scale, box["y"] + (pixel // SIDE + 0.5) * scale


def saved(page: Page) -> bytes:
    with page.expect_download() as download:
        press(page, "s")
    return Path(download.value.path()).read_bytes()


def test_keys_decide_and_go_on_and_every_step_can_be_undone(page, session):
    before = session.rois["accepted"].to_list()
    go_to(page, 0)
    press(page, "r", "a", "r")
    assert selected(page) == 3
    assert verdicts(page)[:3] == [False, True, False]
    assert verdicts(page)[3:] == before[3:]
    press(page, "u", "Control+z")
    assert verdicts(page)[1:] == before[1:]
    press(page, "Control+y", "Control+Shift+Z")
    assert verdicts(page)[:3] == [False, True, False]
    press(page, "u", "u", "u", "u")
    assert verdicts(page) == before
    assert page.locator('[data-do="undo"]').is_disabled()
    assert decisions(page) == {}


def test_keys_do_nothing_where_one_does_not_curate_or_writes(page, session):
    go_to(page, 0)
    press(page, "n")
    page.keyboard.type("raw and dark")
    press(page, "Enter")
    assert decisions(page)[0]["note"] == "raw and dark"
    assert verdicts(page) == session.rois["accepted"].to_list()
    press(page, "Escape", "r", "a")
    assert page.locator("#dock").is_hidden()
    assert verdicts(page) == session.rois["accepted"].to_list()


def test_the_whole_page_follows_a_verdict(page, session):
    roi = int(session.rois["accepted"].arg_max() or 0)
    go_to(page, roi)
    legend = page.locator("#map .legend").inner_text()
    press(page, "r")
    count = int(session.rois["accepted"].sum())
    assert f"accepted ({count})" in legend
    assert f"accepted ({count - 1})" in page.locator("#map .legend").inner_text()
    go_to(page, roi)
    assert f"ROI {roi}: not accepted" in page.locator("#which").inner_text()
    assert "rejected by hand" in page.locator("#why").inner_text()
    assert f"{count - 1} cells" in (page.locator("#counter").get_attribute("title") or "")


def test_a_reload_keeps_what_is_not_saved_with_its_undo(page, session):
    go_to(page, 0)
    press(page, "r", "a")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#dock").is_visible()
    assert "not save" in page.locator("#dock-said").inner_text()
    assert verdicts(page)[:2] == [False, True]
    press(page, "u", "u")
    assert verdicts(page) == session.rois["accepted"].to_list()


def test_what_a_browser_keeps_is_for_the_same_rois_only(open_page, page, session, tmp_path):
    go_to(page, 0)
    press(page, "r", "r")
    other = tmp_path / "other.html"
    moved = session.rois.with_columns(pixel_x=pl.col("pixel_x").list.eval(pl.element() ^ 1))
    changed = {"acquisition": session.acquisition.model_copy(update={"plane": 1}), "recipe": "other", "rois": moved}
    for name, value in changed.items():
        other.write_text(render_session(replace(session, **{name: value}), ReportParameters()), encoding="utf-8")
        page.goto(other.as_uri())
        page.wait_for_selector("body[data-ready]")
        assert decisions(page) == {}


def test_right_click_on_the_map_turns_a_verdict_round(page, session):
    for roi in (4, 9):
        page.mouse.click(*screen(page, roi), button="right")
        assert verdicts(page)[roi] != session.rois["accepted"][roi]
        assert selected(page) == roi


def test_several_are_marked_by_click_and_by_box_and_decided_at_once(page, session):
    page.mouse.click(*screen(page, 5))
    page.keyboard.down("Shift")
    page.mouse.click(*screen(page, 7))
    page.keyboard.up("Shift")
    assert "2 ROIs marked" in page.locator("#dock-roi").inner_text()
    press(page, "r")
    assert [one["accepted"] for one in decisions(page).values()] == [False, False]
    assert set(decisions(page)) == {5, 7}
    box = page.locator("#map canvas").bounding_box()
    assert box
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    centres = session.rois.filter((pl.col("centroid_y") < SIDE / 2 - 1) & (pl.col("centroid_x") < SIDE / 2 - 1))["roi"]
    assert set(centres) <= set(page.evaluate("[...report.curation.marked]"))
    press(page, "a")
    assert all(verdicts(page)[roi] for roi in centres)


def test_a_rule_counts_as_its_sliders_move_and_leaves_what_was_decided_by_hand(page, session):
    rate = session.traces["snr"].to_numpy()
    best = int(np.nanargmax(rate))
    go_to(page, best)
    press(page, "r", "f")
    slider = page.locator('.limit[data-statistic="trace_snr"] input.low')
    slider.focus()
    press(page, *["PageUp"] * 3, *["ArrowRight"] * 5)
    limit = "report.curation.rule.limits.find(({active}) => active)"
    least = page.evaluate(f"{limit}.at({limit}.low)")
    accepted, inside = session.rois["accepted"].to_numpy(), rate >= least
    others = np.arange(ROIS) != best
    gone, new = (others & accepted & ~inside).sum(), (others & ~accepted & inside).sum()
    said = page.locator("#rule-count").inner_text()
    assert f"{gone} would be rejected, {new} accepted" in said
    assert "1 decided by hand stay" in said
    assert gone > 0
    assert verdicts(page)[best] is False
    page.click("#rule-apply")
    expected = np.where(others, inside, False)
    assert verdicts(page) == expected.tolist()
    reasons = {one["reason"] for at, one in decisions(page).items() if at != best and not one["accepted"]}
    assert reasons
    assert all(reason.startswith("SNR of dF/F ") and " below " in reason for reason in reasons)
    press(page, "u")
    assert verdicts(page) == np.where(others, accepted, False).tolist()


def test_a_rule_may_only_reject_and_says_nothing_where_a_value_is_not_known(page, session):
    press(page, "f")
    page.select_option("#rule-mode", "reject")
    slider = page.locator('.limit[data-statistic="cell_probability"] input.low')
    slider.focus()
    press(page, "End")
    assert "0 accepted" in page.locator("#rule-count").inner_text()
    assert "3 not known, left alone" in page.locator("#rule-count").inner_text()


def test_two_are_merged_after_a_question_and_taken_apart_again(page, session):
    go_to(page, 2)
    press(page, "m")
    asked = page.locator("#dock-said").inner_text()
    assert asked.startswith("Merge with ROI ")
    other = int(asked.split()[3].rstrip("?"))
    assert decisions(page) == {}
    press(page, "m")
    merged = decisions(page)
    assert set(merged) == {2, other}
    assert {one["merge"] for one in merged.values()} == {str(min(2, other))}
    assert all(verdicts(page)[roi] for roi in (2, other))
    assert page.locator('[data-do="merge"] span').inner_text() == "Take apart"
    press(page, "m")
    assert {one["merge"] for one in decisions(page).values()} == {""}


def test_a_duplicate_is_rejected_with_its_reason(page):
    page.mouse.click(*screen(page, 6))
    page.keyboard.down("Shift")
    page.mouse.click(*screen(page, 3))
    page.keyboard.up("Shift")
    press(page, "d")
    assert decisions(page) == {6: {"accepted": False, "reason": "duplicate of ROI 3", "note": "", "merge": ""}}


def test_the_list_tells_all_decisions_and_takes_them_back_and_the_rest_can_be_confirmed(page, session):
    go_to(page, 1)
    press(page, "r", "r", "l")
    assert page.locator("#decisions tr").count() == 2
    page.locator("#decisions tr").first.get_by_role("button", name="as found").click()
    assert set(decisions(page)) == {2}
    page.click("#confirm")
    assert len(decisions(page)) == ROIS
    assert f"{ROIS} of {ROIS} ROIs decided by hand" in page.locator("#list-count").inner_text()
    press(page, "u")
    assert len(decisions(page)) == 1


def test_the_file_is_what_python_writes_and_tells_where_it_belongs(page, session):
    go_to(page, 0)
    press(page, "r", "a", "n")
    page.keyboard.type('on top of "the" vessel\tµ')
    press(page, "Enter", "m", "m")
    text = saved(page)
    acquisition = session.acquisition
    read = parse_curation(text, acquisition.key, acquisition.plane, "file")
    assert write_curation(read, acquisition.key, acquisition.plane).encode() == text
    by_roi = {one.roi: one for one in read}
    assert by_roi.keys() == decisions(page).keys()
    assert by_roi[2].note == 'on top of "the" vessel µ'
    assert matched(read, session.rois) == ([one.roi for one in read], [1.0] * len(read))
    command = page.locator("#save-command").inner_text()
    assert command.endswith(f"sub-M01_ses-001_date-20260301_plane-0_default.tsv {PATH}")
    assert page.locator('[data-do="save"]').is_disabled()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("report.curation.decisions.unsaved") is False


def with_file(session: SessionInputs, data: bytes) -> SessionInputs:
    """The session as it is after a run that read that file."""
    decided = parse_curation(data, session.acquisition.key, session.acquisition.plane, "file")
    rois, _, table = curated(session.rois, session.traces.select("roi", "fluorescence", "neuropil"), decided)
    extra = rois.height - session.rois.height

    def longer(frame: pl.DataFrame) -> pl.DataFrame:
        more = frame.head(extra).with_columns(roi=pl.arange(frame.height, rois.height, dtype=pl.Int32, eager=True))
        return pl.concat([frame, more]).with_columns(accepted=rois["accepted"])

    light = {name: np.concatenate([rows, rows[:extra]]) for name, rows in session.light.items()}
    tables = {"traces": longer(session.traces), "spikes": longer(session.spikes), "rois": rois, "light": light}
    return replace(session, **tables, loaded={"curation": validate(Curation, table)})


def test_after_the_next_run_the_page_goes_on_from_the_file(page, session, tmp_path):
    go_to(page, 0)
    press(page, "r", "m", "m")
    data = saved(page)
    shown = [accepted for accepted in verdicts(page)]
    parts = [int(at) for at, one in decisions(page).items() if one["merge"]]
    again = tmp_path / "page.html"
    again.write_text(render_session(with_file(session, data), ReportParameters()), encoding="utf-8")
    page.goto(again.as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("report.curation.decisions.unsaved") is False
    assert page.locator("#dock").is_hidden()
    assert "3 ROIs of 40 (7.5 %) decided by hand" in page.locator("#curated-so-far").inner_text()
    now = verdicts(page)
    assert len(now) == ROIS + 1
    assert now[ROIS] is True
    assert [now[roi] for roi in range(ROIS) if roi not in parts] == [
        shown[roi] for roi in range(ROIS) if roi not in parts
    ]
    assert not any(now[roi] for roi in parts)
    page.click("#curate")
    assert page.evaluate("report.curation.decisions.text()").encode() == data
    # A verdict about the merged one is one about its parts.
    go_to(page, ROIS)
    press(page, "r")
    assert {at: decisions(page)[at]["accepted"] for at in parts} == dict.fromkeys(parts, False)
    press(page, "u")
    assert page.evaluate("report.curation.decisions.unsaved") is False
    go_to(page, ROIS)
    press(page, "m")
    assert verdicts(page)[ROIS] is False
    assert all(verdicts(page)[roi] for roi in parts)


def test_decisions_about_rois_that_are_gone_are_listed_and_stay_in_the_file(open_page, session):
    gone = b"session\tplane\troi\taccepted\treason\tnote\tmerge\ty\tx\tarea\tfootprint\n"
    row = f"{session.acquisition.key}\t0\t\ttrue\t\tfaint\t\t1.5\t0.5\t4\t1:0-1 2:0-1\n".encode()
    page = open_page(render_session(with_file(session, gone + row), ReportParameters()))
    assert "1 decision from before is of ROIs that are no more" in page.locator("#curated-so-far").inner_text()
    page.click("#curate")
    assert page.evaluate("report.curation.decisions.text()").encode() == gone + row
    press(page, "l")
    assert "no ROI of this extraction is there" in page.locator("#decisions").inner_text()
    page.get_by_role("button", name="forget").click()
    assert page.evaluate("report.curation.decisions.text()").encode() == gone


def test_a_page_without_rois_has_nothing_to_curate(open_page, session):
    empty = {name: getattr(session, name).clear() for name in ("rois", "traces", "spikes")}
    light = {name: rows[:0] for name, rows in session.light.items()}
    page = open_page(render_session(replace(session, **empty, light=light), ReportParameters()))
    assert page.locator("#curate").count() == 0
    until(page, "report.curation === undefined")
