"""What the session page shows to judge whether the right cells were picked: backgrounds, groups, one ROI, clips."""

from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page

from groundtrace.report.html import number
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session
from tests.browser.browser_wait import until
from tests.unit.report.report_example import example_acquisition, example_session

SIDE, FRAMES, SILENT = 128, 1500, 6


@pytest.fixture(scope="module")
def session() -> SessionInputs:
    return example_session(rois=50, frames=FRAMES, side=SIDE, silent=SILENT)


@pytest.fixture(scope="module")
def html(session) -> str:
    return render_session(session, ReportParameters())


@pytest.fixture
def page(open_page, html) -> Page:
    return open_page(html)


PIXELS = """([x, y, w, h]) => {
    report.map.canvas.drawNow();
    const { ratio } = report.map.canvas;
    return [...report.map.canvas.ctx.getImageData(x * ratio, y * ratio, w * ratio, h * ratio).data];
}"""


def map_pixels(page: Page, x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array(page.evaluate(PIXELS, [x, y, width, height])).reshape(-1, 4)[:, :3]


def whole_map(page: Page) -> np.ndarray:
    return map_pixels(page, 0, 0, page.evaluate("report.map.canvas.width"), page.evaluate("report.map.canvas.tall"))


def roi_of(session: SessionInputs, group: str) -> int:
    kind, accepted = session.rois["kind"] == "visible", session.rois["accepted"]
    return int({"accepted": accepted, "rejected": ~accepted & ~kind, "silent": kind}[group].arg_true()[0])


@pytest.mark.parametrize("pixel_size", [1.2, None])
def test_the_map_has_a_scale_bar_of_a_round_length(open_page, session, pixel_size):
    acquisition = example_acquisition(FRAMES, SIDE, pixel_size=pixel_size)
    page = open_page(render_session(replace(session, acquisition=acquisition), ReportParameters()))
    wide, tall, pixel = page.evaluate("[report.map.canvas.width, report.map.canvas.tall, report.map.pixel]")
    length = page.evaluate("scaleBar(report.map.canvas.ctx, report.map.canvas.width, 0, report.map.pixel)")
    drawn = length / (pixel_size or 1) * pixel
    assert str(length).rstrip("0").rstrip(".") in {"1", "2", "5"}
    assert 0.08 * wide <= drawn <= 0.2 * wide
    bar = map_pixels(page, wide - 12 - drawn + 1, tall - 13, drawn - 2, 2)
    assert bar.mean() > 220, "white where the bar is"


@pytest.mark.parametrize("count", [0.7, 1, 2.5, 5])
def test_every_axis_has_two_ticks(page, count):
    random = np.random.default_rng(0)
    for low, width in zip(random.normal(0, 5, 60), random.lognormal(0, 4, 60), strict=True):
        high = low + width
        found = page.evaluate("([low, high, count]) => ticks(low, high, count)", [low, high, count])
        assert len(found) >= 2
        assert all(low - 1e-6 * width <= tick <= high + 1e-6 * width for tick in found)
        steps = np.diff(found)
        mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9)
        assert np.allclose(steps, steps[0])
        assert round(float(mantissa), 6) in {1, 2, 5}
    assert page.evaluate("ticks(0, 1.06, 5, true)") == [0, 1]
    assert page.evaluate("ticks(0, 7, 2, true)") == [0, 5]


def test_scales_of_the_page_have_two_ticks(page):
    for axis in ("noise", "skew", "scatter", "shifts", "correlation", "brightness", "raster"):
        count = page.evaluate(
            """(name) => { const { ctx } = report[name].canvas; const written = []; const fill = ctx.fillText.bind(ctx);
            ctx.fillText = (text, ...at) => { written.push([text, ctx.textAlign]); fill(text, ...at); };
            report[name].canvas.drawNow(); ctx.fillText = fill;
            return ["right", "center"].map((side) => written.filter(([text, align]) =>
                align === side && /^[−\\d.\\u202fe]+$/.test(text)).length); }""",
            axis,
        )
        assert min(count) >= 2, axis


def test_another_background_and_its_contrast_change_the_picture(page):
    page.uncheck("#outlines")
    mean = whole_map(page)
    page.select_option("#background", "energy")
    until(page, "report.map.background.name === 'energy' && report.map.background.grey.has('energy')")
    energy = whole_map(page)
    assert np.abs(mean - energy).mean() > 10
    before = page.evaluate("report.map.background.level")
    page.locator("#white").fill("40")
    brighter = whole_map(page)
    assert brighter.mean() > energy.mean() + 5
    page.locator("#black").fill("200")
    assert page.evaluate("report.map.background.level") == {"low": 200, "high": 201}
    page.click("#contrast")
    assert page.evaluate("report.map.background.level") == before
    assert np.abs(whole_map(page) - energy).max() == 0
    page.select_option("#background", "mean")
    assert np.abs(whole_map(page) - mean).max() == 0


def test_outlines_can_be_hidden(page):
    page.select_option("#show", "all")
    page.evaluate("report.map.selected = -1")
    shown = whole_map(page)
    page.uncheck("#outlines")
    hidden = whole_map(page)
    assert np.ptp(shown, axis=1).max() > 60, "coloured outlines"
    # Only the name and the fill of a selected ROI would be coloured.
    assert np.ptp(hidden, axis=1).max() < 20


@pytest.mark.parametrize("group", ["accepted", "rejected", "silent"])
def test_one_group_is_shown_alone_and_its_roi_explained(page, session, group):
    page.select_option("#show", group)
    chosen = {"accepted": session.rois["accepted"], "silent": session.rois["kind"] == "visible"}
    chosen["rejected"] = ~chosen["accepted"] & ~chosen["silent"]
    wanted = chosen[group].arg_true().to_list()
    assert sorted(page.evaluate("report.traces.order")) == wanted
    roi = wanted[0]
    page.evaluate("(i) => select(i)", roi)
    heading, why = page.locator("#which").inner_text(), page.locator("#why").inner_text()
    assert heading.startswith(f"ROI {roi}: ")
    assert ("not accepted" in heading) == (group != "accepted")
    assert ("never active" in heading) == (group == "silent")
    if group != "accepted":
        assert f"Why not: {session.rois['reason'][roi]}." in why
    assert f"{number(100 * session.rois['cell_probability'][roi], 2)} % are cells" in why


def test_each_statistic_stands_among_those_of_all_rois(page, session):
    roi = roi_of(session, "rejected")
    page.select_option("#show", "all")
    page.evaluate("(i) => select(i)", roi)
    rows = page.locator(".statistic").all()
    names = page.evaluate("page.statistics.map((one) => one.name)")
    assert len(rows) == len(names) > 8
    for row, name in zip(rows, names, strict=True):
        value = session.rois[name][roi]
        text = row.locator(".value").inner_text()
        assert text.split(" ")[0] == number(float(f"{value:.4g}"))
        counts = page.evaluate("(k) => report.roi.rows[k].counts", names.index(name))
        active = session.rois.filter((session.rois["kind"] == "active") & session.rois[name].is_finite())
        assert sum(counts["accepted"]) == active["accepted"].sum()
        assert sum(counts["rejected"]) == (~active["accepted"]).sum()
    page.evaluate("(i) => select(i)", roi_of(session, "silent"))
    assert rows[0].locator(".value").inner_text() == "–"


def test_raw_traces_are_those_of_the_roi(page, session):
    roi = roi_of(session, "accepted")
    page.evaluate("(i) => select(i)", roi)
    step = page.evaluate("(i) => report.roi.light.fluorescence.steps[i]", roi)
    for name in ("fluorescence", "neuropil"):
        trace = session.traces[name][roi].to_numpy()
        low, high = page.evaluate(f"report.roi.lightOf('{name}').extent(0, duration)")
        assert (low, high) == pytest.approx((trace.min(), trace.max()), abs=0.6 * step)
        assert step < float(np.ptp(session.traces["fluorescence"][roi].to_numpy())) / 100
    page.evaluate("report.traces.range.set(10, 20)")
    assert (
        page.evaluate("report.roi.charts.map((chart) => { chart.canvas.drawNow(); return chart.view.start; })")
        == [10] * 3
    )


def test_the_neuropil_ring_is_near_the_roi_and_in_no_other(page, session):
    roi = roi_of(session, "accepted")
    page.evaluate("(i) => select(i)", roi)
    found = page.evaluate(
        """(i) => { const ctx = document.createElement("canvas").getContext("2d"); const path = report.roi.ring(i);
        const inside = []; const { width, height } = report.map;
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
            if (ctx.isPointInPath(path, x + 0.5, y + 0.5)) inside.push([y, x]);
        return inside; }""",
        roi,
    )
    taken = np.zeros((SIDE, SIDE), bool)
    for y, x in session.rois.select("pixel_y", "pixel_x").iter_rows():
        taken[y, x] = True
    ring = np.array(found)
    assert len(ring) > 50
    assert not taken[ring[:, 0], ring[:, 1]].any()
    own = np.column_stack([session.rois["pixel_y"][roi], session.rois["pixel_x"][roi]])
    distance = np.hypot(*(ring[:, None] - own[None]).transpose(2, 0, 1)).min(axis=1)
    assert distance.min() > 2
    assert distance.max() <= 15


def test_a_clip_plays_pauses_and_is_scrubbed(page, session):
    with_clip = page.evaluate("Number(Object.keys(page.clips.rois)[0])")
    page.evaluate("(i) => select(i)", with_clip)
    until(page, "report.roi.player.images.length === 1")
    clip = page.locator("#clip")
    clip.get_by_role("button").click()
    until(page, "report.roi.player.at > 2")
    clip.get_by_role("button").click()
    at = page.evaluate("report.roi.player.at")
    page.wait_for_timeout(400)
    assert page.evaluate("report.roi.player.at") == at
    clip.locator("input[type=range]").fill("20")
    frame = page.evaluate("page.clips.rois[report.selected].frame + 20.5 * page.clips.rois[report.selected].step")
    assert clip.locator(".time").inner_text() == f"{frame / 30:.2f} s"
    assert page.evaluate("report.roi.now") == pytest.approx(frame / 30)
    page.select_option("#show", "silent")
    assert clip.is_hidden()
    assert page.locator("#noclip").is_visible()
    assert page.evaluate("report.roi.player.playing") is False


def test_the_clip_of_the_motion_shows_raw_beside_registered(page):
    player = page.locator("#motionplayer")
    player.scroll_into_view_if_needed()
    until(page, "report.motion.images.length === 2")
    player.locator("input[type=range]").fill("4")
    page.wait_for_timeout(100)
    assert page.evaluate("report.motion.at") == 4
    assert page.evaluate("report.moment") == pytest.approx((90 + 4.5 * 3) / 30)
    wide, tall = page.evaluate("[report.motion.canvas.width, report.motion.canvas.tall]")
    assert tall == pytest.approx((wide - 8) / 2, abs=1)


@pytest.mark.parametrize(("width", "scheme"), [(700, "light"), (1280, "dark")])
def test_nothing_overflows_and_dark_reaches_the_panel(open_page, html, width, scheme):
    page = open_page(html, width=width, scheme=scheme)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.evaluate("colours.rejected") == ("#d08a00" if scheme == "light" else "#e69f00")


def test_a_session_without_images_clips_or_raw_traces_opens(open_page, session):
    bare = replace(session, extraction_images={}, light={}, motion_images={"mean": session.motion_images["mean"]})
    page = open_page(render_session(bare, ReportParameters()))
    assert page.locator("#light canvas").count() == 0
    assert page.locator("#dff canvas").count() == 1
    assert page.locator("#noclip").is_hidden()
    assert page.locator("#background option").all_inner_texts() == ["mean"]
