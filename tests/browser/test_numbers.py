"""The scripts of the pages write numbers and place ticks as Python does."""

import json

import pytest

from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import render_session
from tests.unit.report.report_example import example_session


def test_scripts_and_python_write_the_same_numbers_and_ticks(open_page, pytestconfig):
    golden = json.loads((pytestconfig.rootpath / "tests/unit/report/numbers.json").read_text(encoding="utf-8"))
    page = open_page(render_session(example_session(rois=1, frames=300, side=64), ReportParameters()))
    for value, digits, text in golden["numbers"]:
        assert page.evaluate("([value, digits]) => number(value, digits)", [value, digits]) == text
    for case in golden["ticks"]:
        found = page.evaluate("({ low, high, count }) => ticks(low, high, count)", case)
        assert found == pytest.approx(case["ticks"])
        assert page.evaluate("(all) => all.map((tick) => tickText(tick, all))", found) == case["texts"]
