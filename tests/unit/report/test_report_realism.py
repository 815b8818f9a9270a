"""The page that compares simulated sessions with real ones."""

import re
import xml.etree.ElementTree as ElementTree

import polars as pl

from groundtrace.report.realism import render_realism
from groundtrace.simulation.realism import STATISTICS

POINTS = {"noise_correlation": ("y1", "y2", "x1"), "patch_correlation": ("5 to 8 px", "over 40 px")}


def planes(off: dict[str, float], simulated: int = 2) -> pl.DataFrame:
    """Two real planes from 1 to 3, simulated ones at 2 but for the statistics in `off`."""
    rows = []
    for number in range(2 + simulated):
        for statistic in STATISTICS:
            for point in POINTS.get(statistic.name, ("median",)):
                middle = 1.5 + number if number < 2 else 2.0 + (off.get(statistic.name, 0) if number == 2 else 0)
                name = f"sub-{'made' if number > 1 else 'real'}{number} <i>/ses-1"
                rows.append((name, 0, number > 1, statistic.name, point, middle, middle - 0.5, middle + 0.5, True))
    names = ["session", "plane", "simulated", "statistic", "point", "value", "low", "high", "judged"]
    schema = dict.fromkeys(names, pl.Float32) | {"session": pl.String, "plane": pl.Int32, "statistic": pl.String}
    return pl.DataFrame(
        rows, schema | {"simulated": pl.Boolean, "point": pl.String, "judged": pl.Boolean}, orient="row"
    )


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_page_says_what_is_inside_and_by_how_much_not():
    html = render_realism(planes({"contrast": 10.0, "roi_skew": 100.0}))
    said = text(html)
    assert "6 to 8 of 8 statistics of a simulated plane" in said
    board = html.split("simulated plane</th>")[1].split("</table>")[0]
    marks = [re.findall(r'class="(yes|no)"', part) for part in board.split("<tr>")[1:]]
    assert [part.count("no") for part in marks] == [2, 0]
    # The real planes span 1 to 3; 12 is 9 beyond, 4.5 widths.
    assert "12 at median, real 1 to 3 (misfit 4.5)" in said
    assert "1 of 2" in said


def test_every_chart_is_well_formed_and_names_are_escaped():
    html = render_realism(planes({}))
    charts = re.findall(r"<svg.*?</svg>", html, re.S)
    assert len(charts) == len(STATISTICS)
    for chart in charts:
        ElementTree.fromstring(chart)
    assert "sub-made2 &lt;i&gt;/ses-1" in html
    assert "<i>/ses-1" not in html
    assert "https://" not in html


def test_a_sheet_without_simulated_sessions_still_shows_the_real_ones():
    said = text(render_realism(planes({}, simulated=0)))
    assert "No simulated session in the sample sheet" in said
    assert "sub-real0" in said
