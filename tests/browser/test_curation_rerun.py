"""What is decided on the page is what the workflow counts as cells: keyboard, sliders, undo, merge, save, and a run."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from playwright.sync_api import Browser, Page

import groundtrace
from groundtrace.config import load
from groundtrace.running.curate import Server
from tests.browser.browser_wait import until
from tests.workflow.conftest import Project

SHEET = """\
subject\tsession\tplanes\tframe_rate\tindicator\tsimulate
a\t1\t1\t30\tGCaMP6s\tsmall
b\t1\t1\t30\tGCaMP6s\tsmall
"""
SESSION = "sub-a/ses-1"
RERUN = {"dff": 1, "spikes": 1, "session_report": 1, "study": 1}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    project = Project.make(
        tmp_path_factory.mktemp("curated"),
        SHEET,
        recipes={"default": {"motion": "none", "spikes": "oasis"}},
        keep=["registered_movie"],
    )
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    return finished.copy(tmp_path / "copy")


def page_of(project: Project) -> Path:
    return project.folder / f"results/{SESSION}/plane-0/report-default.html"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def limit(page: Page, statistic: str, steps: int) -> None:
    slider = page.locator(f'.limit[data-statistic="{statistic}"] input.low')
    slider.focus()
    press(page, *["ArrowRight"] * steps)


@dataclass
class Shown:
    """What the page says of its ROIs."""

    accepted: dict[int, bool]
    merged: list[int]

    @classmethod
    def on(cls, page: Page) -> "Shown":
        accepted = page.evaluate("Object.fromEntries(page.rois.roi.map((roi, i) => [roi, page.rois.accepted[i]]))")
        merged = page.evaluate(
            "[...report.curation.decisions.decided].filter(([, one]) => one.merge).map(([at]) => at)"
        )
        return cls({int(roi): yes for roi, yes in accepted.items()}, merged)


def curate(page: Page) -> Shown:
    """A session at the desk: some by hand, a rule, a mistake that is undone, two that are one cell."""
    page.click("#curate")
    page.select_option("#order", "doubt")
    page.evaluate("report.traces.step(-1e6)")
    press(page, "r", "a", "r", "f")
    limit(page, "skew", 60)
    page.click("#rule-apply")
    press(page, "f")
    before = Shown.on(page)
    press(page, "r", "r", "u", "Control+z")
    assert Shown.on(page).accepted == before.accepted
    press(page, "m", "m", "n")
    page.keyboard.type("one cell in two pieces")
    press(page, "Enter")
    return Shown.on(page)


def check_tables(project: Project, shown: Shown, before: pl.DataFrame) -> None:
    """Every later table has what the page showed, and the merged ROI as one more."""
    study = groundtrace.open_study(project.folder / "results", "polars")
    session = study.session(SESSION)
    rois, whole = session.rois(), before.height
    assert len(shown.merged) == 2
    for roi, accepted in shown.accepted.items():
        assert rois["accepted"][roi] == (accepted and roi not in shown.merged)
    assert rois.row(whole, named=True).items() >= {"kind": "merged", "accepted": True, "curated": True}.items()
    assert "one cell in two pieces" in rois["note"][whole]
    assert rois["accepted_automatically"].to_list() == [*before["accepted"], False]
    for table in (session.traces("dff"), session.spikes()):
        assert table.accepted.values.tolist() == rois["accepted"].to_list()
    assert np.isfinite(session.spikes().sel(roi=whole).values).any()
    share = session.curated.height - 1
    assert study.sessions.filter(session=SESSION)["curated"].item() == pytest.approx(share / before.height)
    assert study.sessions.filter(session="sub-b/ses-1")["curated"].item() == 0


def test_the_cells_of_the_page_are_those_of_the_next_run(project, open_page):
    found = pl.read_parquet(next((project.folder / f"results/{SESSION}").rglob("found.parquet")))
    page = open_page(page_of(project))
    shown = curate(page)
    with page.expect_download() as download:
        press(page, "s")
    place = page.locator("#save-command").inner_text().split()[-1]
    assert place == f"curation/{SESSION}/plane-0/default.tsv"
    path = project.folder / place
    path.parent.mkdir(parents=True)
    shutil.copy(download.value.path(), path)
    assert project.planned() == RERUN
    project.run()
    assert project.planned() == {}
    check_tables(project, shown, found)
    page.goto(page_of(project).as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("report.curation.decisions.unsaved") is False
    again = Shown.on(page)
    assert {roi: yes for roi, yes in again.accepted.items() if roi not in shown.merged} == {
        **{roi: yes for roi, yes in shown.accepted.items() if roi not in shown.merged},
        found.height: True,
    }
    check_reruns(project, path, found)


def check_reruns(project: Project, path: Path, found: pl.DataFrame) -> None:
    """Touched, edited, wrong and taken away; then ROIs of another search."""
    path.touch()
    assert project.planned() == {}
    rois = next((project.folder / f"results/{SESSION}").rglob("rois.parquet"))
    before = pl.read_parquet(rois)
    text = path.read_text()
    path.write_text(text.replace("\ttrue\t", "\tyes\t", 1))
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert f"{path.relative_to(project.folder)}: line " in done.said
    assert "accepted: 'yes' is not allowed; write true or false" in done.said
    path.write_text(text)
    # ROIs of another search: those that are found again keep their verdicts, the others are said.
    project.configure(extract={"transients": {"backend": "transients", "diameter_px": 8}})
    project.run("--", rois.with_name("traces.parquet").relative_to(project.folder).as_posix())
    table, after = (pl.read_parquet(rois.with_name(name)) for name in ("curation.parquet", "rois.parquet"))
    assert pl.read_parquet(rois.with_name("found.parquet")).height != found.height
    assert table.height == len(text.splitlines()) - 1
    kept = table.drop_nulls("roi")
    assert kept.height > 0
    single = kept.filter(merge="")
    verdicts = after.filter(pl.col("roi").is_in(single["roi"].to_list()))
    assert dict(verdicts.select("roi", "accepted").rows()) == dict(single.select("roi", "accepted").rows())
    log = next((project.folder / f"results/logs/{SESSION}").rglob("*_dff.log")).read_text()
    lost = table.height - kept.height
    assert (f"{lost} of {table.height} ROIs that a person decided on are no more" in log) == (lost > 0)
    # As it was, and nothing by hand.
    project.configure(extract={})
    project.run("--", rois.relative_to(project.folder).as_posix())
    assert pl.read_parquet(rois).equals(before)
    path.unlink()
    project.run("--", rois.relative_to(project.folder).as_posix())
    assert pl.read_parquet(rois)["accepted"].to_list() == found["accepted"].to_list()
    assert not pl.read_parquet(rois)["curated"].any()


@pytest.fixture
def served(project, monkeypatch) -> Iterator[str]:
    """Address of `make curate`."""
    monkeypatch.chdir(project.folder)
    made = Server(load(yaml.safe_load((project.folder / "test.yaml").read_text())), 0)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made.address
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_served_page_saves_where_the_workflow_reads(project, served, browser: Browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(served)
    page.get_by_role("link", name=SESSION).click()
    page.wait_for_selector("body[data-ready]")
    shown = curate(page)
    press(page, "s")
    until(page, "document.getElementById('save-told').textContent.includes('saved as')")
    path = project.folder / f"curation/{SESSION}/plane-0/default.tsv"
    assert path.read_text() == page.evaluate("report.curation.decisions.text()")
    assert page.locator('[data-do="save"]').is_disabled()
    assert len(shown.merged) == 2
    # What cannot be saved is said, and nothing is lost.
    path.unlink()
    path.mkdir()
    press(page, "Escape", "j", "r", "s")
    until(page, "document.getElementById('save-told').textContent.includes('Not saved')")
    assert page.locator('[data-do="save"]').is_enabled()
    assert complaints == []
    context.close()
