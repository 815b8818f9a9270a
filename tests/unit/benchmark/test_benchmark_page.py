"""The page of the benchmark: from a table of scores made up by the rules of the real one."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import TIMING, to_table
from groundtrace.report.benchmark import render_benchmark
from groundtrace.report.svg import Axis, Line, Row, lines, nice_ticks, rows

PARAMETERS = BenchmarkParameters(noise_levels=(2.0, 4.0), frame_rates=(15.0, 30.0), snrs=(1.0, 2.0), bootstrap=20)
GOOD, BAD, ORACLE = 0.8, 0.4, 0.97


def row(dataset, neuron, backend, metric, value, **where):
    fixed = {"indicator": "GCaMP6s", "cell_class": "excitatory", "in_sample": False, "noise_level": 2.0, "snr": None}
    fixed |= {"frame_rate": 30.0, "lookahead": None, "indicator_told": True}
    own = {"dataset": dataset, "neuron": neuron, "backend": backend, "metric": metric, "value": value}
    return fixed | where | own


def scores(*, lookahead=False, counts=False, in_sample=()) -> pl.DataFrame:
    random = np.random.default_rng(0)
    found = []
    conditions = [{}, {"noise_level": 4.0}, {"frame_rate": 15.0}, {"snr": 1.0}, {"snr": 2.0}, {"indicator_told": False}]
    for dataset in ("DS1 <b>", "DS2", "X-made"):
        for neuron in "1234":
            for backend, r in (("good", GOOD), ("bad", BAD), ("dff", 0.2), ("shuffled", 0.0), ("oracle", ORACLE)):
                for where in conditions:
                    if backend == "oracle" and "indicator_told" in where:
                        continue
                    seen = {"in_sample": backend == "good" and dataset in in_sample}
                    value = min(r + 0.02 * random.standard_normal(), 1)
                    found.append(row(dataset, neuron, backend, "correlation", value, **seen, **where))
                    if backend != "dff":
                        found.append(row(dataset, neuron, backend, "error", 2 - r, **seen, **where))
                if backend == "good" and lookahead:
                    found += [row(dataset, neuron, "good", "correlation", 0.5, lookahead=k) for k in (0, 4)]
                if backend == "good" and counts:
                    levels = (50, 80, 90, 95)
                    found += [row(dataset, neuron, "good", f"coverage_{level}", level / 100) for level in levels]
                    found += [row(dataset, neuron, "good", "width_90", float(neuron))]
                found.append(row(dataset, neuron, backend, "count_ratio", 1.3))
            for metric in ("recordings", "recordings_too_slow", "recordings_too_noisy", "spikes", "duration"):
                found.append(row(dataset, neuron, "oracle", metric, 60.0))
    return to_table(found)


def page(table: pl.DataFrame) -> str:
    timing = table.filter(backend="good", metric="correlation").select(
        *[name for name in TIMING if name in table.columns], frames=pl.lit(1000), seconds=pl.lit(0.001)
    )
    return render_benchmark(table, timing.select(list(TIMING)), PARAMETERS)


def board(html: str) -> dict[str, list[str]]:
    """Text of each row of the first leaderboard, by method and note."""
    body = html.split('<table class="plain board">')[1].split("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", part, re.S) for part in body.split("<tr>")[2:]]
    return {re.sub(r"<[^>]+>", " ", row[0]).strip(): [re.sub(r"<[^>]+>", " ", c).strip() for c in row] for row in cells}


def test_the_leaderboard_is_sorted_and_leaves_simulated_neurons_out():
    html = page(scores())
    found = board(html)
    assert list(found) == ["oracle", "good", "bad", "dff", "shuffled"]
    assert found["good"][1] == "8"
    assert float(found["good"][3].split()[0]) == pytest.approx(GOOD, abs=0.02)
    low, high = (float(number) for number in found["good"][3].split()[1::2])
    assert low < GOOD < high
    assert found["dff"][5] == "–"
    assert found["good"][-1] == "1\u202f000\u202f000"
    assert "Simulated neurons" in html
    assert "has a star" not in html


def test_a_single_neuron_has_no_interval():
    found = board(page(scores().filter(pl.col("dataset") == "DS2", pl.col("neuron") == "1")))
    assert found["good"][1] == "1"
    assert re.fullmatch(r"0\.\d+", found["good"][3])


def test_what_a_method_has_learnt_from_is_marked():
    html = page(scores(in_sample=("DS2",)))
    found = board(html)
    assert any("has learnt from 1 of these data sets" in name for name in found)
    rest = next(cells for name, cells in found.items() if "only data sets" in name)
    assert rest[1] == "4"
    assert "has a star" in html
    panels = html.split('class="quarters"')[1].split("</figure>")
    by_name = {re.search(r"<h3>(.*?)</h3>", part)[1]: part for part in panels if "<h3>" in part}
    assert by_name["DS2"].count('class="ring"') == 4
    assert 'class="ring"' not in by_name["X-made"]


def test_sections_appear_with_what_they_show():
    plain, full = page(scores()), page(scores(lookahead=True, counts=True))
    for section in ("lookahead", "coverage"):
        assert f'<section id="{section}">' not in plain
        assert f'<section id="{section}">' in full
    assert "4 (133 ms)" in full
    assert "80 % interval" in full


def test_what_a_user_gets_stands_by_indicator_and_level_and_leaves_simulated_neurons_out():
    table = scores(counts=True).with_columns(
        cell_class=pl.when(pl.col("neuron") == "4").then(pl.lit("PV")).otherwise("cell_class")
    )
    body = page(table).split('<section id="summary">')[1].split("</section>")[0]
    assert "bad" not in body
    cells = [re.findall(r"<t[hd](?: title=\"(.*?)\")?[^>]*>(.*?)</t[hd]>", part) for part in body.split("<tr>")[3:]]
    excitatory, interneurons = ([value for _, value in row] for row in cells)
    assert (excitatory[:2], interneurons[:2]) == (["GCaMP6s", "6"], ["interneurons", "2"])
    assert [float(value) for value in excitatory[2:4]] == pytest.approx([GOOD, GOOD], abs=0.03)
    assert excitatory[4:] == ["1.3", "–", "90", "–", "2", "–"]
    assert interneurons[-2:] == ["4", "–"]
    assert cells[0][2][0] == "6 neurons"
    assert '<section id="summary">' not in page(scores())


def test_the_page_is_whole_safe_and_the_same_each_time():
    html = page(scores(lookahead=True, counts=True))
    assert html == page(scores(lookahead=True, counts=True))
    assert "DS1 <b>" not in html
    assert "DS1 &lt;b&gt;" in html
    assert "http://" not in html
    assert "https://" not in html
    for chart in re.findall(r"<svg.*?</svg>", html, re.S):
        ElementTree.fromstring(chart)
        assert "nan" not in chart


def test_a_sweep_follows_the_same_neurons():
    """A neuron that cannot be had at every ν would bend the curve."""
    table = scores().filter(~((pl.col("neuron") == "1") & (pl.col("noise_level") == 2) & pl.col("snr").is_null()))
    html = page(table).split('<section id="noise">')[1]
    assert "at 4, 6 neurons" in html
    assert "at 4, 8 neurons" not in html


def test_charts_place_values_on_their_axes():
    axis = Axis("", 1, 100, log=True)
    assert axis.place(10, 0, 200) == pytest.approx(100)
    assert axis.place(1000, 0, 200) == 200
    assert nice_ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    line = Line("a & b", "accent", [0, 1], [0, 1], [0, 0.5], [0.2, 1], ["", " <x>"])
    chart = ElementTree.fromstring(lines([line], Axis("x", 0, 1), Axis("y", 0, 1), "a chart"))
    circles = chart.findall(".//circle")
    assert [c[0].text for c in circles] == ["a & b: 0", "a & b: 1 <x>"]
    assert float(circles[0].get("cx")) < float(circles[1].get("cx"))
    assert float(circles[0].get("cy")) > float(circles[1].get("cy"))
    dots = rows([Row("a", "spike", [0.1, float("nan")], ["p", "q"], [True, False])], Axis("", 0, 1), "dots")
    assert [c.get("class") for c in ElementTree.fromstring(dots).findall(".//circle")] == ["ring"]
