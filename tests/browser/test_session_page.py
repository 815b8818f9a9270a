"""The session page does what it shows: hover, click, keys, zoom."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Locator, Page

from groundtrace.report.html import number
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session
from tests.browser.browser_wait import until
from tests.unit.report.report_example import example_acquisition, example_session, with_accuracy

FRAMES = 3000
SIDE = 128


@pytest.fixture(scope="module")
def session() -> SessionInputs:
    return example_session(rois=50, frames=FRAMES, side=SIDE)


@pytest.fixture(scope="module")
def html(session) -> str:
    return render_session(session, ReportParameters())


@pytest.fixture
def page(open_page, html) -> Page:
    return open_page(html)


def canvas(page: Page, name: str) -> Locator:
    found = page.locator(f"#{name} canvas")
    found.scroll_into_view_if_needed()
    return found


def corner(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box
    return box["x"], box["y"]


def point_at(page: Page, roi: int) -> tuple[float, float]:
    """Screen position of a pixel of the map that belongs to this ROI alone."""
    found = canvas(page, "map")
    pixel = page.evaluate("(roi) => report.map.owner.indexOf(roi)", roi)
    assert pixel >= 0
    scale = page.evaluate("report.map.pixel")
    left, top = corner(found)
    return left + (pixel % SIDE + 0.5) * scale, top + (pixel // SIDE + 0.5) * scale


def accepted(session: SessionInputs, wanted: bool = True) -> list[int]:
    return session.rois.filter(pl.col("accepted") == wanted)["roi"].to_list()


def tip(page: Page) -> dict[str, str]:
    rows = page.locator("#tip div").all()
    found = {row.locator("span").inner_text(): row.locator("b").inner_text() for row in rows}
    return (
        found | {"": page.locator("#tip strong").first.inner_text()} if page.locator("#tip strong").count() else found
    )


def selected(page: Page) -> int:
    return int(page.locator("#traces").get_attribute("data-selected") or -1)


def test_hover_shows_the_values_of_the_roi_under_the_pointer(page, session):
    for roi in accepted(session)[:6]:
        page.mouse.move(*point_at(page, roi))
        shown = tip(page)
        assert shown[""] == f"ROI {roi}"
        assert shown["ν"] == f"{number(session.traces['noise_level'][roi])} %/√Hz"
        assert shown["SNR"] == number(session.traces["snr"][roi])
        assert shown["area"] == f"{session.rois['area'][roi]} px"
        assert shown["cell probability"] == number(session.rois["cell_probability"][roi], 2)
        assert shown["status"] == "accepted"


def test_hover_beside_all_rois_shows_nothing(page):
    found = canvas(page, "map")
    pixel = page.evaluate("report.map.owner.indexOf(-1)")
    scale = page.evaluate("report.map.pixel")
    left, top = corner(found)
    page.mouse.move(left + (pixel % SIDE + 0.5) * scale, top + (pixel // SIDE + 0.5) * scale)
    assert page.locator("#tip").is_hidden()


def test_click_shows_the_trace_of_that_roi(page, session):
    page.select_option("#rows", "1")
    for roi in accepted(session)[3:6]:
        page.mouse.click(*point_at(page, roi))
        assert selected(page) == roi
        assert f"ROI {roi}:" in page.locator("#place").inner_text()
        assert page.evaluate("report.traces.visible()") == [roi]
        assert number(session.traces["snr"][roi]) in page.locator("#about").inner_text()
        found = canvas(page, "traces")
        left, top = corner(found)
        until(page, f"report.traces.cache.get({roi}).dff.integers.length === {FRAMES}")
        page.mouse.move(left + 300, top + 60)
        shown = tip(page)
        frame = int(shown["frame"].replace("\u202f", ""))
        exact = session.traces["dff"][roi][frame]
        step = float(session.traces["noise_level"][roi]) / 100 * np.sqrt(30) / 9.54
        assert float(shown["dF/F"].replace("−", "-")) == pytest.approx(exact, abs=step + 0.01 * abs(exact))
        assert float(shown["time"].split()[0]) == pytest.approx(frame / 30, abs=1 / 30)


def test_the_drawn_line_follows_the_trace(page, session):
    """The pixels themselves: a transient is drawn where it is."""
    page.select_option("#rows", "1")
    roi = accepted(session)[0]
    page.mouse.click(*point_at(page, roi))
    page.wait_for_timeout(200)
    drawn = page.evaluate("""() => {
        const { canvas, margin } = report.traces;
        canvas.drawNow();
        const pixels = canvas.ctx.getImageData(0, 0, canvas.node.width, Math.round(canvas.tall * 0.6)).data;
        const wide = canvas.node.width;
        const heights = [];
        for (let x = margin.left + 2; x < wide - margin.right - 2; x++) {
            let y = 10;
            while (y * wide * 4 < pixels.length && !(pixels[(y * wide + x) * 4 + 2] > 150
                   && pixels[(y * wide + x) * 4] < 60 && pixels[(y * wide + x) * 4 + 3] > 120)) y++;
            heights.push(-y);
        }
        return heights;
    }""")
    # In stretches of a dozen pixels, since a noise peak may be drawn one pixel further.
    stretches = np.linspace(0, 1, 51)
    dff = session.traces["dff"][roi].to_numpy()
    peaks = [part.max() for part in np.split(dff, (stretches[1:-1] * FRAMES).astype(int))]
    tops = [part.max() for part in np.split(np.array(drawn), (stretches[1:-1] * len(drawn)).astype(int))]
    assert np.corrcoef(tops, peaks)[0, 1] > 0.95


def test_keys_walk_through_the_rois_and_time(page, session):
    cells = session.traces.filter("accepted").sort("snr", descending=True)["roi"].to_list()
    found = canvas(page, "traces")
    found.focus()
    assert selected(page) == cells[0]
    page.keyboard.press("ArrowDown")
    assert selected(page) == cells[1]
    page.keyboard.press("PageDown")
    assert selected(page) == cells[7]
    assert page.evaluate("report.traces.visible()") == cells[6:12]
    page.keyboard.press("ArrowUp")
    assert selected(page) == cells[6]
    canvas(page, "map").focus()
    page.keyboard.press("ArrowRight")
    assert selected(page) == cells[7]
    found.focus()
    page.keyboard.press("+")
    start, end = page.evaluate("[report.traces.range.start, report.traces.range.end]")
    assert end - start == pytest.approx(60)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("report.traces.range.start") == pytest.approx(start + 12)
    page.keyboard.press("Escape")
    assert page.evaluate("[report.traces.range.start, report.traces.range.end]") == [0, 100]


def test_drag_zooms_to_what_was_marked(page):
    found = canvas(page, "traces")
    left, top = corner(found)
    times = page.evaluate("[200, 400].map((px) => report.traces.toX.invert(px))")
    page.mouse.move(left + 200, top + 100)
    page.mouse.down()
    page.mouse.move(left + 300, top + 100)
    page.mouse.move(left + 400, top + 100)
    before = selected(page)
    page.mouse.up()
    assert page.evaluate("[report.traces.range.start, report.traces.range.end]") == pytest.approx(times)
    assert selected(page) == before, "the end of a drag is not a click"
    page.mouse.dblclick(left + 300, top + 100)
    assert not page.evaluate("report.traces.range.zoomed")


def test_wheel_zooms_in_focus_and_scrolls_otherwise(page):
    left, top = corner(canvas(page, "traces"))
    page.mouse.move(left + 300, top + 100)
    page.evaluate("document.activeElement.blur()")
    page.mouse.wheel(0, 120)
    until(page, "scrollY > 0")
    assert not page.evaluate("report.traces.range.zoomed")
    left, top = corner(canvas(page, "traces"))
    page.mouse.click(left + 300, top + 100)
    page.mouse.wheel(0, -300)
    until(page, "report.traces.range.zoomed")


def test_charts_of_the_recording_zoom_together(page):
    found = canvas(page, "shifts")
    found.focus()
    page.keyboard.press("+")
    shown = page.evaluate("[report.shifts, report.correlation, report.brightness].map((c) => c.x.range.end)")
    assert shown == pytest.approx([80] * 3)


def test_order_and_filter_decide_what_is_listed(page, session):
    rejected = accepted(session, wanted=False)
    page.select_option("#show", "rejected")
    page.select_option("#order", "roi")
    assert page.evaluate("report.traces.order") == rejected
    assert f"of {len(rejected)} by number" in page.locator("#place").inner_text()
    assert set(page.evaluate("[...report.map.owner]")) <= {-1, *rejected}
    page.select_option("#order", "noise")
    by_noise = session.traces.filter(~pl.col("accepted")).sort("noise_level")["roi"].to_list()
    assert page.evaluate("report.traces.order") == by_noise


@pytest.mark.parametrize("by", ["probability", "noise", "snr"])
def test_map_colours_follow_the_numbers(page, session, by):
    page.select_option("#colour", by)
    page.check("#filled")
    colours = page.evaluate("report.map.colour")
    table, name = {
        "probability": (session.rois, "cell_probability"),
        "noise": (session.traces, "noise_level"),
        "snr": (session.traces, "snr"),
    }[by]
    column = table[name]
    assert colours[column.arg_max()] == "rgb(253, 231, 37)"
    assert colours[column.arg_min()] == "rgb(68, 1, 84)"
    low, high = page.locator("#map .legend").inner_text().split()
    assert float(low) < float(high)


def test_map_zooms_and_still_finds_the_roi(page, session):
    roi = accepted(session)[2]
    found = canvas(page, "map")
    position = point_at(page, roi)
    page.mouse.click(*position)
    page.mouse.wheel(0, -400)
    until(page, "report.map.view.scale > 1.5")
    page.mouse.move(position[0] + 1, position[1])
    assert tip(page)[""] == f"ROI {roi}"
    found.focus()
    page.keyboard.press("Escape")
    assert page.evaluate("report.map.view.scale") == 1


def test_a_row_of_the_raster_and_a_point_of_the_scatter_select_their_cell(page):
    left, top = corner(canvas(page, "raster"))
    row = 5
    y = page.evaluate("(row) => report.raster.toY(row + 0.5)", row)
    page.mouse.click(left + 300, top + y)
    assert selected(page) == page.evaluate("(row) => page.raster.order[row]", row)
    roi = 9
    left, top = corner(canvas(page, "scatter"))
    x, y = page.evaluate("(i) => [report.scatter.toX(page.rois.noise[i]), report.scatter.toY(page.rois.snr[i])]", roi)
    page.mouse.click(left + x, top + y)
    assert selected(page) == roi


@pytest.mark.parametrize(("name", "column"), [("noise", "noise_level"), ("skew", "skew")])
def test_histograms_count_every_roi(page, session, name, column):
    left, top = corner(canvas(page, name))
    bars = {}
    for px in range(60, page.evaluate("(name) => report[name].canvas.width", name), 8):
        page.mouse.move(left + px, top + 60)
        if page.locator("#tip").is_visible():
            shown = tip(page)
            bars[shown[""]] = (int(shown["accepted"]), int(shown["rejected"]))
    assert len(bars) > 5
    assert sum(bar[0] for bar in bars.values()) == len(accepted(session))
    assert sum(bar[1] for bar in bars.values()) == len(accepted(session, wanted=False))
    view = page.evaluate("(name) => report[name].view", name)
    assert view["start"] < session.traces[column].median() < view["end"]


def test_raw_and_registered_images_are_compared_three_ways(page):
    before, after = page.locator("#before"), page.locator("#after")
    assert before.is_visible()
    assert after.is_visible()
    assert before.evaluate("(image) => image.naturalWidth") == SIDE
    page.check("input[value=slider]")
    page.locator("#wipe").fill("25")
    assert after.evaluate("(image) => getComputedStyle(image).clipPath") == "inset(0px 0px 0px 25%)"
    page.check("input[value=flicker]")
    for _ in range(2):
        until(page, "getComputedStyle(document.getElementById('after')).visibility === 'visible'")
        until(page, "getComputedStyle(document.getElementById('after')).visibility === 'hidden'")


def test_a_roi_without_full_resolution_says_so(open_page, session):
    page = open_page(render_session(session, ReportParameters(trace_bytes=30_000, trace_points=300)))
    assert page.locator("#detail").inner_text() == "every frame is shown"
    page.locator("#traces canvas").focus()
    for _ in range(49):
        page.keyboard.press("ArrowDown")
    assert "envelope only: smallest and largest value of every 20 frames" in page.locator("#detail").inner_text()
    left, top = corner(canvas(page, "traces"))
    page.mouse.move(left + 300, top + 500)
    assert tip(page)["dF/F"].startswith("≈")


@pytest.mark.parametrize("rois", [0, 1])
def test_pages_with_hardly_any_roi_open(open_page, rois):
    page = open_page(render_session(example_session(rois=rois, frames=300, side=64), ReportParameters()))
    assert page.locator("#shifts canvas").count() == 1
    assert page.locator("#map canvas").count() == rois


def test_unusable_traces_and_intervals_open(open_page, session):
    nan = [float("nan")] * FRAMES
    dff = pl.Series([nan if i < 10 else values.to_list() for i, values in enumerate(session.traces["dff"])])
    inputs = replace(
        session,
        traces=session.traces.with_columns(
            dff=dff.cast(pl.List(pl.Float32)), snr=pl.when(pl.col("roi") < 10).then(None).otherwise("snr")
        ),
        spikes=with_accuracy(session).spikes,
    )
    page = open_page(render_session(inputs, ReportParameters()))
    page.select_option("#order", "roi")
    page.select_option("#show", "all")
    page.select_option("#rows", "24")
    canvas(page, "traces").focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    left, top = corner(canvas(page, "traces"))
    page.mouse.move(left + 300, top + 10)
    assert tip(page)[""] == "ROI 0"
    assert tip(page)["dF/F"] == "–"
    assert " to " in tip(page)["spikes in 1 s, 90 %"]


def test_expected_correlation_is_shown_sorted_and_counted(open_page, session):
    inputs = with_accuracy(session)
    page = open_page(render_session(inputs, ReportParameters(accuracy=0.6)))
    cells = inputs.spikes.filter("accepted")
    page.select_option("#order", "expected")
    by_accuracy = cells.sort("expected_correlation", descending=True, nulls_last=True)
    assert page.evaluate("report.traces.order") == by_accuracy["roi"].to_list()
    best = by_accuracy.row(0, named=True)
    page.evaluate("(i) => select(i)", best["roi"])
    expected, low, high = (best[f"expected_correlation{end}"] for end in ("", "_low", "_high"))
    assert f"{expected:.2f}, {low:.2f} to {high:.2f}" in page.locator("#about").inner_text()
    left, top = corner(canvas(page, "expected"))
    bars = {}
    for px in range(60, page.evaluate("report.expected.canvas.width"), 8):
        page.mouse.move(left + px, top + 150)
        if page.locator("#tip").is_visible():
            shown = tip(page)
            bars[shown[""]] = (int(shown["at least 0.6"]), int(shown["below 0.6"]))
    known = cells["expected_correlation"].drop_nulls()
    assert [sum(bar) for bar in zip(*bars.values(), strict=True)] == [(known >= 0.6).sum(), (known < 0.6).sum()]


def test_the_band_is_drawn_where_the_interval_is(open_page, session):
    """Read from the pixels: in a column of the band, colour from the lower to the upper end."""
    page = open_page(render_session(with_accuracy(session), ReportParameters()))
    page.select_option("#rows", "1")
    roi = selected(page)
    until(page, f"report.traces.cache.get({roi}).rate_high !== undefined")
    upper = with_accuracy(session).spikes["rate_high"][roi].to_numpy()
    frame = int(upper.argmax())
    page.evaluate("(at) => report.traces.range.set(at - 1, at + 1)", (frame + 0.5) / 30)
    painted = page.evaluate(
        """([roi, frame]) => {
        const { canvas, toX, range, cache, margin, band } = report.traces;
        canvas.drawNow();
        const { rate_low: lower, rate_high: upper, rate } = cache.get(roi);
        const most = Math.max(rate.extent(range.start, range.end)[1], upper.extent(range.start, range.end)[1]);
        const [split, foot] = [margin.top + band * 0.66 + 3, margin.top + band - Math.min(6, band * 0.07)];
        const toRate = scale(0, most, foot, split);
        const [low, high] = [lower.value(frame), upper.value(frame)];
        // Beside the line of the rate: at the edge of the frame.
        const x = Math.round(report.traces.toX((frame + 0.1) / 30));
        const alpha = (y) => canvas.ctx.getImageData(x, Math.round(y), 1, 1).data[3];
        return [alpha((toRate(low) + toRate(high)) / 2), alpha(toRate(high) - 6), high - low];
    }""",
        [roi, frame],
    )
    assert painted[2] > 0
    assert painted[0] > painted[1] + 40


def test_without_expectation_the_page_says_so(page):
    assert "not known for this method" in page.locator("#about").inner_text()
    assert page.locator("#order option[value=expected]").count() == 0


def test_text_of_the_user_does_not_run(open_page, session):
    attack = "<img src=x onerror='window.broken = 1'><script>window.broken = 1</script>"
    nasty = example_acquisition(FRAMES, SIDE, location=attack)
    page = open_page(render_session(replace(session, acquisition=nasty), ReportParameters()))
    assert page.evaluate("window.broken") is None
    assert page.locator(".facts").get_by_text(attack, exact=True).count() == 1


@pytest.mark.parametrize("width", [800, 1280, 1600])
def test_nothing_overflows(open_page, html, width):
    page = open_page(html, width=width)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_dark_theme_reaches_page_and_charts(open_page, html):
    page = open_page(html, scheme="dark")
    assert page.evaluate("colours.surface") == "#1a1d21"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 19, 22)"
    page.emulate_media(color_scheme="light")
    until(page, "colours.surface === '#ffffff'")


def test_a_large_page_is_fluid(open_page, tmp_path: Path):
    """1,000 ROIs of 50,000 frames. The times are printed; how fast the machine is decides no test."""
    inputs = example_session(rois=1000, frames=50_000, side=512, copies=50)
    path = tmp_path / "large.html"
    path.write_text(render_session(inputs, ReportParameters()), encoding="utf-8")
    assert path.stat().st_size < 10_000_000
    page = open_page(path)
    page.select_option("#rows", "24")
    page.wait_for_timeout(1000)
    times = page.evaluate("""async () => {
        const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const measured = {};
        for (const [name, act] of [
            ["whole recording, 24 rows", () => report.traces.range.reset()],
            ["zoom", () => report.traces.range.zoom(0.3)],
            ["pan", () => report.traces.range.pan(0.2)],
            ["next ROI", () => report.traces.step(1)],
            ["map", () => report.map.zoom(1.5)],
        ]) {
            act();
            await frame();
            const began = performance.now();
            act();
            await frame();
            const { milliseconds } = name === "map" ? report.map.canvas : report.traces.canvas;
            const total = performance.now() - began;
            measured[name] = `${milliseconds.toFixed(1)} ms drawing, ${total.toFixed(0)} ms to the next frame`;
        }
        return measured;
    }""")
    print(*(f"{name}: {time}" for name, time in times.items()), sep="\n")
    assert page.evaluate("report.traces.visible().length") == 24
    assert len(times) == 5
