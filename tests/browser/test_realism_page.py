"""The page of realism in a browser: no text leaves its chart."""

import polars as pl
import pytest

from groundtrace.report.realism import render_realism
from tests.unit.report.test_report_realism import planes

OUTSIDE = """() => [...document.querySelectorAll("svg.chart")].flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((text) => {
    const { left, right } = text.getBoundingClientRect();
    return left < box.left - 1 || right > box.right + 1;
  }).map((text) => text.textContent);
})"""


@pytest.mark.parametrize("name", ["sub-a/ses-1", "sub-WWMMWW_area-V1/ses-20260301_run-002_repeated_afterwards"])
def test_names_stay_inside_their_charts(open_page, name):
    table = planes({}).with_columns(session=pl.format("{}{}", "session", pl.lit(name)))
    page = open_page(render_realism(table))
    assert page.evaluate(OUTSIDE) == []
    labels = page.locator("svg.chart text.name title").all_text_contents()
    assert any(label.endswith(f"{name}, plane 0") for label in labels), "the whole name is shown at the pointer"
