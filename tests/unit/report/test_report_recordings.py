"""The page of the benchmark on simulated recordings: its answers follow from tables whose order is known."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, astuple

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.parameters import BenchmarkParameters, RecordingBenchmark
from groundtrace.report.comparison import Recordings, binned
from groundtrace.report.recordings import render_recordings
from tests.unit.report.recordings_example import FOUND, RECIPES, Tables, example_tables

PARAMETERS = BenchmarkParameters(bootstrap=100)


def page(tables: Tables, parameters: BenchmarkParameters = PARAMETERS) -> str:
    return render_recordings(Recordings(**asdict(tables), parameters=parameters))


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def answers(html: str) -> dict[str, str]:
    """Text of each answer by its conditions, the overall one first."""
    section = html.split('<section id="answers">')[1].split("</section>")[0]
    parts = re.findall(r"<h3>(.*?)</h3>(.*?)</div>", section, re.S)
    return {title: text(body) for title, body in parts}


def board(html: str, section: str) -> dict[str, list[str]]:
    """Cells of the first table of a section, by method."""
    body = html.split(f'<section id="{section}">')[1].split("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", part, re.S) for part in body.split("<tr>")[2:]]
    return {text(row[0].split("<small")[0]).strip(): [text(cell).strip() for cell in row] for row in cells}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return example_tables()


@pytest.fixture(scope="module")
def html(tables) -> str:
    return page(tables)


def test_recipes_within_the_error_are_not_told_apart(html):
    found = answers(html)
    overall = found["Over all simulated sessions"]
    assert "No clear winner" in overall
    assert "best" in overall
    assert "twin" in overall
    assert "by no more than the error" in overall
    assert "Behind them worse (0.4" in overall
    assert "told" not in overall


def test_a_clear_winner_is_named_with_the_next():
    html = page(example_tables(twin=0.6))
    for answer in answers(html).values():
        assert re.search(
            r"best \(score 0\.[56]\d* \[0\.\d+ to 0\.\d+\] \); next twin 0\.[45]\d, behind by 0\.[01]", answer
        )


def test_there_is_an_answer_for_each_group_of_conditions(html):
    found = list(answers(html))[1:]
    assert len(found) == 8
    assert found[:2] == [f"GCaMP6s at 30 Hz, ν about {level}, sparse field" for level in (3, 6)]
    assert found[-1] == "jGCaMP8m at 30 Hz, ν about 6, dense field"
    assert "16 photons per pixel and frame, 50 000 cells per mm³" in answers(html)[found[0]].replace("\u202f", " ")


def test_boards_are_sorted_with_controls_marked(html):
    recipes = board(html, "recipes")
    assert set(list(recipes)[1:3]) == {"best", "twin"}
    assert next(iter(recipes)) == "told"
    assert [*recipes][3:] == ["worse", "unmoved"]
    assert "control" in recipes["told"][0]
    assert "control" in recipes["unmoved"][0]
    assert "control" not in recipes["worse"][0]
    score, found = (float(recipes["worse"][k].split()[0]) for k in (3, 4))
    assert found == pytest.approx(FOUND, abs=0.05)
    assert score == pytest.approx(FOUND * RECIPES["worse"][-1], abs=0.05)
    # 30 + 20 + 10 CPU seconds for 3000 frames.
    assert recipes["best"][-2:] == ["50", "900"]
    motion = board(html, "motion")
    assert list(motion) == ["suite2p", "rigid", "none"]
    assert float(motion["rigid"][3].split()[0]) == pytest.approx(0.8, abs=0.05)
    assert motion["rigid"][7] == "–"
    assert list(board(html, "extraction"))[-1] == "suite2p on none"


def test_cells_that_cannot_be_seen_count_in_no_score(tables):
    html = page(tables)
    hidden = tables.cells.with_columns(
        spike_correlation=pl.when(pl.col("detectability") < 5).then(-1.0).otherwise("spike_correlation")
    )
    changed = page(Tables(tables.motion, tables.extraction, hidden.cast(tables.cells.schema), *astuple(tables)[3:]))
    assert board(changed, "recipes") == board(html, "recipes")
    assert changed != html


def test_a_recipe_that_ran_in_few_sessions_is_compared_there():
    """The best recipe has run in the two sessions that are hardest; it stays the best."""
    few = {f"sub-s{k}/ses-1" for k in range(2, 8)}
    tables = example_tables(missing={"best": few}, twin=0.6)
    hard = pl.when(pl.col("session").is_in(list(few))).then(1.0).otherwise(0.5)
    cells = tables.cells.with_columns(spike_correlation=pl.col("spike_correlation") * hard).cast(tables.cells.schema)
    html = page(Tables(tables.motion, tables.extraction, cells, tables.recipes, tables.timing))
    recipes = board(html, "recipes")
    assert recipes["best"][1] == "2"
    names = [name for name in recipes if name != "told"]
    assert names[0] == "best"
    assert float(recipes["best"][3].split()[0]) < float(recipes["twin"][3].split()[0])
    # Where it has not run, the others are compared without it.
    assert "twin" in answers(html)["jGCaMP8m at 30 Hz, ν about 6, dense field"].split("next")[0]


def test_the_page_is_whole_safe_and_the_same_each_time(tables, html):
    assert html == page(tables)
    assert "http://" not in html
    assert "https://" not in html
    assert "None" not in text(html)
    charts = re.findall(r"<svg.*?</svg>", html, re.S)
    assert len(charts) > 20
    for chart in charts:
        ElementTree.fromstring(chart)
        assert "nan" not in chart
    renamed = tables.cells.with_columns(recipe=pl.col("recipe").replace("worse", "worse <b>"))
    recipes = tables.recipes.with_columns(recipe=pl.col("recipe").replace("worse", "worse <b>"))
    other = page(Tables(tables.motion, tables.extraction, renamed, recipes, tables.timing))
    assert "worse <b>" not in other
    assert "worse &lt;b&gt;" in other


def test_controls_alone_are_no_answer(tables):
    cells, recipes = (frame.filter(pl.col("recipe") == "told") for frame in (tables.cells, tables.recipes))
    html = page(Tables(tables.motion, tables.extraction, cells, recipes, tables.timing.clear()))
    assert "No recipe without a control has run." in html
    assert board(html, "recipes")["told"][-2:] == ["–", "–"]


def test_a_single_session_without_a_visible_cell_has_a_page(tables):
    """One condition, so no curves; no cell that counts, so no score."""
    one = Tables(*(frame.filter(pl.col("session") == "sub-s0/ses-1") for frame in astuple(tables)))
    html = page(one, BenchmarkParameters(bootstrap=20, recordings=RecordingBenchmark(detectability=1000)))
    assert "No simulated cell can be seen (d′ of at least 1\u202f000)" in html
    assert board(html, "recipes") == {}
    # One session has no interval over sessions.
    assert [re.fullmatch(r"[\d.]+", cells[3]) is not None for cells in board(html, "motion").values()] == [True] * 3
    assert "nan" not in html.split("<main>")[1].split("</main>")[0]
    alone = answers(page(one, BenchmarkParameters(bootstrap=20)))
    assert list(alone)[1:] == ["GCaMP6s at 30 Hz, ν about 6"]


def test_a_single_cell_has_no_interval(tables):
    chosen = (pl.col("session") == "sub-s0/ses-1") & (pl.col("detectability") >= 5)
    cell = tables.cells.filter(chosen & pl.col("roi").is_not_null())["cell"][0]
    cells = tables.cells.filter(chosen, pl.col("cell") == cell)
    html = page(Tables(tables.motion, tables.extraction, cells, tables.recipes, tables.timing))
    assert all("to" not in cells[3] for cells in board(html, "recipes").values())
    assert "nan" not in " ".join(answers(html).values())


def test_conditions_are_put_together_in_few_classes():
    assert binned(np.array([3.0, 1.0, 3.0]), 4).tolist() == [1, 0, 1]
    many = binned(np.arange(100.0), 4)
    assert np.bincount(many).tolist() == [25, 25, 25, 25]
    assert np.all(np.diff(many) >= 0)
