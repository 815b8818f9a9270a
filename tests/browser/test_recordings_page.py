"""The page of the benchmark on simulated recordings in a browser: nothing is cut, on a desk and on a phone."""

from dataclasses import asdict

import pytest

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.report.comparison import Recordings
from groundtrace.report.recordings import render_recordings
from tests.unit.report.recordings_example import example_tables


@pytest.fixture(scope="module")
def html() -> str:
    tables = asdict(example_tables())
    return render_recordings(Recordings(**tables, parameters=BenchmarkParameters(bootstrap=20)))


@pytest.mark.parametrize("width", [1300, 400])
def test_the_page_fits_its_window(open_page, html, width):
    page = open_page(html, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".answers .panel").count() == 8
    cut = page.evaluate("[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length")
    # On a phone the tables scroll inside their panels.
    assert cut == 0 if width == 1300 else cut > 0


def test_a_point_says_its_value(open_page, html):
    page = open_page(html)
    titles = page.locator("#recipes svg.chart circle title").all_text_contents()
    assert any(title.startswith("best: 0.5") and title.endswith("4 sessions") for title in titles)
