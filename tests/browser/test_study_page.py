"""The study page: sorting, filtering, links."""

import base64
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page

from groundtrace.report.study import render_study
from groundtrace.report.tables import Study
from groundtrace.tables import validate
from tests.browser.browser_wait import until


def study(count: int) -> pl.DataFrame:
    """Rows of which every seventh failed."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(count):
        session = f"sub-M{k // 4 + 1}/ses-{k % 4 + 1:03d}"
        row = dict.fromkeys(Study.columns) | {
            "session": session,
            "plane": 0,
            "recipe": ("default", "rigid")[k % 2],
            **dict.fromkeys(("motion", "denoise", "extract", "spikes"), "none"),
            "indicator": "GCaMP6s",
            "status": "failed" if k % 7 == 3 else "done",
            "reason": "M07.tif: frame 113 has NaN pixels; export the movie as integers" if k % 7 == 3 else "",
            "log": f"logs/{session}/ingest.log" if k % 7 == 3 else "",
            "report": "" if k % 7 == 3 else f"{session}/report.html",
        }
        if row["status"] == "done":
            cells = int(rng.lognormal(4.5, 1)) + 1
            row |= {"frame_rate": 30.0, "duration": 600.0, "rois": 2 * cells, "cells": cells, "warnings": k % 3}
            row |= {"curated": 0.25 * (k % 5)}
            row |= {
                "noise_level": float(np.sqrt(cells / 150) * rng.lognormal(0.2, 0.3)),
                "snr": float(rng.uniform(2, 9)),
            }
            row |= {"spike_rate": 0.3, "residual_motion": 0.2}
            row |= {"expected_correlation": float(rng.uniform(0.2, 0.8))}
            row |= {"bad_frames": int(rng.integers(0, 900))}
        rows.append(row)
    return validate(Study, pl.DataFrame(rows, schema=Study.types()))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return study(56)


def test_the_share_that_was_curated_is_told(page, table):
    """In per cent; nothing where the automatic verdicts hold."""
    shown = [text for text in column(page, "curated") if text is not None]
    done = table.filter(status="done")["curated"].to_list()
    assert shown == [f"{100 * share:.0f}" if share else "–" for share in done]
    curated = sum(share > 0 for share in done)
    assert f"{curated} rows with verdicts by hand" in page.locator(".figures").inner_text()


def test_columns_without_a_value_are_left_out(open_page, table):
    page = open_page(render_study(table.with_columns(field_width=pl.lit(500.0, pl.Float32))))
    names = page.evaluate("[...document.querySelectorAll('#study th')].map((head) => head.dataset.column)")
    assert {"curated", "field_width"} <= set(names)
    assert not {"tracked", "axial_width", "photon_rate"} & set(names)
    assert column(page, "field_width")[0] == "500"
    inside = "(row) => row.scrollWidth <= document.querySelector('#study').clientWidth"
    assert page.locator("#study thead tr").evaluate(inside)


@pytest.fixture
def page(open_page, table) -> Page:
    return open_page(render_study(table))


def column(page: Page, name: str) -> list[str | None]:
    """Texts of a column, as listed; None where a failed row has its reason instead."""
    number = page.locator(f"th[data-column={name}]").evaluate("(head) => head.cellIndex")
    return page.evaluate(
        "(n) => [...document.querySelectorAll('#study tbody tr')].map((row) => row.cells[n]?.innerText ?? null)", number
    )


def head(page: Page, name: str):
    return page.locator(f"th[data-column={name}] button")


@pytest.mark.parametrize("name", ["cells", "noise_level", "snr", "expected_correlation", "bad_frames"])
def test_numbers_sort_as_numbers_and_failed_rows_stay_last(page, table, name):
    failed = table.filter(pl.col("status") == "failed").height
    for descending in (True, False):
        head(page, name).click()
        assert column(page, "status")[-failed:] == ["failed"] * failed
        shown = [float((text or "").replace("\u202f", "")) for text in column(page, name)[:-failed]]
        assert shown == sorted(shown, reverse=descending)
        assert shown == pytest.approx(table[name].drop_nulls().sort(descending=descending).to_list(), abs=0.051)
    assert page.locator(f"th[data-column={name}]").get_attribute("aria-sort") == "ascending"
    assert page.locator("th[aria-sort]").count() == 1


def test_sessions_sort_naturally(page):
    head(page, "session").click()
    names = column(page, "session")
    assert names[:4] == [f"sub-M1/ses-00{k}" for k in (1, 2, 3, 4)]
    assert names.index("sub-M2/ses-001") < names.index("sub-M10/ses-001")


def test_sorting_works_from_the_keyboard(page, table):
    head(page, "cells").focus()
    page.keyboard.press("Enter")
    assert column(page, "cells")[0].replace("\u202f", "") == str(table["cells"].max())


def test_filter_wants_all_words(page, table):
    page.keyboard.press("/")
    page.keyboard.type("m1 RIGID")
    names, recipes = column(page, "session"), column(page, "recipe")
    assert set(recipes) == {"rigid"}
    assert all("sub-M1" in name for name in names)
    assert 0 < len(names) < table.height
    assert page.locator("#count").inner_text() == f"{len(names)} of {table.height} rows"
    page.fill("#filter", "no such thing")
    assert column(page, "session") == []
    assert page.locator("#none").is_visible()
    page.fill("#filter", "")
    assert len(column(page, "session")) == table.height
    page.select_option("#status", "failed")
    assert set(column(page, "status")) == {"failed"}
    page.fill("#filter", "nan pixels")
    assert len(column(page, "status")) == table.filter(pl.col("status") == "failed").height


def test_failed_rows_give_their_reason_and_log(page):
    page.select_option("#status", "failed")
    row = page.locator("#study tbody tr").first
    reason = row.locator(".reason button")
    assert reason.inner_text() == "M07.tif: frame 113 has NaN pixels; export the movie as integers"
    assert row.locator("a").get_attribute("href") == "logs/sub-M1/ses-004/ingest.log"
    reason.click()
    assert reason.get_attribute("aria-expanded") == "true"


def test_scatter_shows_and_opens_the_row_under_the_pointer(open_page, table, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(render_study(table))
    row = table.with_row_index().sort("noise_level", descending=True, nulls_last=True).row(0, named=True)
    report = tmp_path / row["report"]
    report.parent.mkdir(parents=True)
    report.write_text("<!DOCTYPE html><title>the report</title>")
    page = open_page(path)
    x, y = page.evaluate(
        "(i) => [study.chart.toX(columns.cells[i]), study.chart.toY(columns.noise_level[i])]", row["index"]
    )
    box = page.locator("#scatter canvas").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    shown = page.locator("#tip").inner_text()
    assert row["session"] in shown
    assert str(row["cells"]) in shown
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.wait_for_url(report.as_uri())
    assert page.title() == "the report"


def test_inside_another_page_there_are_no_links_that_lead_nowhere(open_page, table):
    """As `snakemake --report` shows it: the page as a data URI in a frame."""
    uri = "data:text/html;charset=utf8;base64," + base64.b64encode(render_study(table).encode()).decode()
    page = open_page(f'<!DOCTYPE html><body data-ready><iframe src="{uri}" width="1200" height="900"></iframe>')
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready]").wait_for()
    assert frame.locator("a[href]").count() == 0
    assert "work in the folder of results" in frame.locator("header").inner_text()
    assert frame.locator("#study tbody tr").count() == table.height
    assert "sub-M1/ses-001" in frame.locator("#study tbody tr").first.inner_text()


def test_the_line_goes_through_150_neurons_at_one(page):
    """Read from the pixels: dark dashes lie at ν = sqrt(n / 150), not above."""
    found = page.evaluate("""() => {
        const { canvas, toX, toY } = study.chart;
        canvas.drawNow();
        const dark = (n, noise) => {
            const pixels = canvas.ctx.getImageData(Math.round(toX(n)) - 8, Math.round(toY(noise)) - 4, 16, 8).data;
            let count = 0;
            for (let k = 0; k < pixels.length; k += 4) {
                if (pixels[k + 3] > 100 && pixels[k] < 80 && pixels[k + 1] < 80 && pixels[k + 2] < 80) count++;
            }
            return count;
        };
        return [dark(150, 1), dark(37.5, 0.5), dark(150, 0.4)];
    }""")
    assert found[0] > 5
    assert found[1] > 5
    assert found[2] == 0


def test_only_failures(open_page, table):
    page = open_page(render_study(table.filter(pl.col("status") == "failed")))
    head(page, "cells").click()
    assert set(column(page, "status")) == {"failed"}


@pytest.mark.parametrize(("width", "scheme"), [(800, "light"), (1280, "light"), (1600, "dark")])
def test_nothing_overflows(open_page, table, width, scheme):
    page = open_page(render_study(table), width=width, scheme=scheme)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_three_thousand_rows_are_fluid(open_page, tmp_path: Path):
    table = study(3000)
    page = open_page(render_study(table))
    times = page.evaluate("""async () => {
        const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const measured = {};
        for (const [name, act] of [
            ["sort", () => sortBy("noise_level", true)], ["sort back", () => sortBy("session", false)],
            ["filter", () => { $("filter").value = "m12"; filterRows(); }],
            ["clear", () => { $("filter").value = ""; filterRows(); }],
        ]) {
            const began = performance.now();
            act();
            document.body.offsetHeight;
            measured[name] = performance.now() - began;
            await frame();
        }
        return measured;
    }""")
    print(*(f"{name}: {time:.0f} ms" for name, time in times.items()))
    assert page.locator("#count").inner_text() == "3\u202f000 of 3\u202f000 rows"
    head(page, "noise_level").click()
    largest = table.sort("noise_level", descending=True, nulls_last=True)
    assert column(page, "session")[:5] == largest["session"][:5].to_list()
    page.evaluate("scrollTo(0, document.scrollingElement.scrollHeight)")
    until(page, "document.querySelector('#study tbody').lastElementChild.innerText.includes('failed')")
    assert page.locator("#study tbody tr").last.is_visible()
    page.evaluate("document.querySelectorAll('#study tbody tr')[20].scrollIntoView()")
    page.wait_for_timeout(100)
    top, rows = page.evaluate("""() => {
        const boxes = [...document.querySelectorAll('#study tbody tr')].map((row) => row.getBoundingClientRect());
        const inView = boxes.filter((box) => box.bottom > 0 && box.top < innerHeight);
        return [Math.min(...boxes.map((box) => box.top)), inView.length];
    }""")
    assert top <= 0
    assert rows >= 25, "the view is full of rows, wherever one scrolls"
