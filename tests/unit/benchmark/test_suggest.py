"""Suggestions: recipes ranked by simulated sessions that are like a recording."""

import numpy as np
import polars as pl
import pytest

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.benchmark.ranking import mean_estimate, ordered, redrawn, standings
from groundtrace.benchmark.suggest import (
    QUANTITIES,
    Chain,
    Recording,
    Suggestion,
    comparable,
    displacement,
    likeness,
    measure,
    simulated_sessions,
    suggest,
    suggestions,
)
from groundtrace.errors import InputError
from groundtrace.io import write_table
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import RawQuality
from groundtrace.report.suggest import render_suggestions
from groundtrace.tables import validate
from groundtrace.traces.tables import Traces
from tests.tables import example

PROVENANCE = {"history": [], "sources": []}
METHODS = {"motion_method": "suite2p", "denoise": "none", "extract": "suite2p", "spikes": "network"}
DIM = {"noise_level": 6.0, "roi_density": 500.0, "motion": 1.0, "frame_rate": 30.0, "decay_time": 0.57, "photons": 3.0}
BRIGHT = DIM | {"noise_level": 1.5, "photons": 20.0}


def simulated() -> pl.DataFrame:
    """Three dim and three bright sessions."""
    rows = [{"session": f"sub-{k}/ses-1", **(DIM if k < 3 else BRIGHT)} for k in range(6)]
    return pl.DataFrame(rows)


def recipes() -> pl.DataFrame:
    """Recipe a is better on bright sessions, recipe b on dim ones; c is a little worse than b."""
    rows = []
    for k in range(6):
        dim = k < 3
        scores = {"a": 0.3 if dim else 0.9, "b": 0.5 if dim else 0.6, "c": 0.45 if dim else 0.55}
        for name, score in scores.items():
            rows.append({"session": f"sub-{k}/ses-1", "plane": 0, "recipe": name, "score": score + 0.01 * k})
    return pl.DataFrame(rows)


def ranked(own: dict, **changes) -> list[dict]:
    given = {"recipes": recipes(), "simulated": simulated()} | changes
    return suggest(own, **given, generator=np.random.default_rng(0), draws=100)


@pytest.mark.parametrize(("own", "best"), [(DIM, "b"), (BRIGHT, "a")], ids=["dim", "bright"])
def test_the_sessions_like_the_recording_decide(own, best):
    rows = ranked(own)
    assert rows[0]["recipe"] == best
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert rows[0]["behind"] is None
    assert rows[1]["behind"] > 0
    assert rows[0]["score_low"] <= rows[0]["score"] <= rows[0]["score_high"]
    assert rows[0]["outside"] == ""
    # The sessions of the other kind are two standard deviations away in two quantities.
    assert rows[0]["distance"] == pytest.approx(0, abs=1e-6)
    assert 3 <= rows[0]["alike"] < 3.3


def test_the_same_sessions_give_a_sure_difference_where_their_scores_vary():
    rows = {row["recipe"]: row for row in ranked(DIM)}
    assert rows["b"]["score_high"] - rows["b"]["score_low"] > 0.005
    assert (rows["c"]["behind_low"], rows["c"]["behind_high"]) == pytest.approx((0.05, 0.05), abs=1e-6)


@pytest.mark.parametrize("name", ["noise_level", "roi_density", "motion", "frame_rate", "decay_time", "photons"])
def test_a_quantity_outside_the_simulated_range_is_named(name):
    assert likeness(DIM | {name: DIM[name] * 40}, simulated()).outside == [name]
    unknown = likeness(DIM | {name: None}, simulated())
    assert unknown.outside == []
    assert unknown.distances[0] == pytest.approx(0, abs=1e-9)


def test_a_recipe_whose_motion_correction_fails_here_goes_behind():
    rows = ranked(DIM, left={"a": 0.2, "b": 0.8, "c": 0.25})
    assert [row["recipe"] for row in rows] == ["c", "a", "b"]
    assert [row["left_motion"] for row in rows] == [False, False, True]
    assert [row["residual_motion"] for row in rows] == [0.25, 0.2, 0.8]
    assert [row["recipe"] for row in ranked(DIM, left={"b": 0.8})] == ["b", "c", "a"]
    assert [row["recipe"] for row in ranked(DIM, left={"b": 0.08, "a": 0.02})] == ["b", "c", "a"]


def test_weights_fall_with_distance_and_never_vanish():
    own = DIM | {"noise_level": 600.0}
    like = likeness(own, simulated())
    assert like.weights.max() == 1
    assert np.all(like.distances > 3)
    assert np.argmax(like.weights) < 3
    near = likeness(DIM | {"noise_level": 5.0}, simulated())
    assert near.weights[0] > 5 * near.weights[3]


def test_a_recipe_that_ran_in_easy_sessions_only_is_not_ahead_for_it():
    table = recipes().filter(~((pl.col("recipe") == "c") & pl.col("session").is_in(["sub-0/ses-1", "sub-1/ses-1"])))
    table = table.with_columns(score=pl.when(pl.col("session") == "sub-2/ses-1").then(pl.col("score") + 0.3)
                               .otherwise("score"))  # fmt: skip
    rows = ranked(DIM, recipes=table)
    assert rows[0]["recipe"] == "b"
    assert next(row for row in rows if row["recipe"] == "c")["score"] > rows[0]["score"]


def test_only_recipes_of_the_same_name_and_methods_are_compared():
    table = recipes().with_columns(**{name: pl.lit(value) for name, value in METHODS.items()})
    other = METHODS | {"spikes": "oasis"}
    found = comparable(table, {"a": METHODS, "b": other, "d": METHODS}, "recipes.parquet")
    assert set(found["recipe"]) == {"a"}
    with pytest.raises(
        InputError, match=r"recipes.parquet: has none of the recipes of the config \(d\).*it has a, b, c"
    ):
        comparable(table, {"d": METHODS}, "recipes.parquet")


def test_quantities_of_simulated_sessions():
    conditions = {
        "session": "sub-0/ses-1",
        "plane": 0,
        "pixel_size": 2.0,
        "extract": "suite2p",
        "selection": "accepted",
    }
    extraction = pl.DataFrame([conditions | {"rois": 100}, conditions | {"selection": "all", "rois": 900}])
    timing = pl.DataFrame([{"session": "sub-0/ses-1", "pixels": 250_000}])
    own = METHODS | {
        "session": "sub-0/ses-1",
        "frame_rate": 30.0,
        "photons": 3.0,
        "motion": 1.0,
        "indicator": "GCaMP6s",
    }
    scores = pl.DataFrame([own | {"noise_level": 4.0}, own | {"motion_method": "none", "noise_level": 9.0}])
    row = simulated_sessions(scores, extraction, timing).row(0, named=True)
    assert row["roi_density"] == pytest.approx(100)
    assert row["noise_level"] == 4
    assert row["decay_time"] == 0.57
    assert list(row) == ["session", *QUANTITIES]


def test_a_recording_is_measured_and_gets_its_page(tmp_path):
    recording = written(tmp_path, accepted=[True, True, True, False], levels=[2.0, 4.0, 5.0, 90.0])
    own = measure(recording)
    # 200 × 100 px of 2 µm are 0.08 mm².
    assert own["roi_density"] == pytest.approx(3 / 0.08)
    assert own["noise_level"] == 4
    assert own["motion"] == pytest.approx(5)
    assert (own["frame_rate"], own["photons"], own["decay_time"]) == (30, 3, 0.57)
    scores = recipes().with_columns(motion_method=pl.lit("suite2p"))
    table = suggestions([recording], scores, simulated(), 0, 50)
    assert validate(Suggestion, table).height == 3
    assert table.equals(suggestions([recording], scores, simulated(), 0, 50))
    assert table["outside"][0] == "roi_density, motion"
    assert table["residual_motion"].to_list() == [0.25] * 3
    assert not table["left_motion"].any()
    page = render_suggestions(table, simulated(), ["d <i>"])
    assert (
        "No simulated session is like this recording: density is 37.5 ROIs per mm², simulated were 500 to 500" in page
    )
    assert "A guess: take b" in page
    assert "not ranked: d &lt;i&gt;" in page


def test_displacement_leaves_bad_frames_out():
    shifts = pl.DataFrame({"y": [0.0, 6.0, 500.0], "x": [0.0, 8.0, 0.0], "bad": [False, False, True]})
    assert displacement(shifts) == pytest.approx(5)
    assert displacement(shifts.filter("bad")) is None


def test_redrawn_means_have_the_spread_of_sessions_and_cells():
    random = np.random.default_rng(0)
    sessions = [random.normal(k, 1, (200, 1)) for k in np.linspace(0, 3, 30)]
    drawn = redrawn(sessions, np.random.default_rng(1), 3000)
    means = np.array([block.mean() for block in sessions])
    assert drawn.mean() == pytest.approx(means.mean(), abs=0.02)
    assert drawn.std() == pytest.approx(np.sqrt(means.var() / 30 + 1 / 200 / 30), rel=0.05)
    one = redrawn(sessions[:1], np.random.default_rng(1), 3000)
    assert one.std() == pytest.approx(sessions[0].std() / np.sqrt(200), rel=0.06)
    gap = [np.column_stack([block, np.full(200, np.nan)]) for block in sessions]
    assert np.isnan(redrawn(gap, np.random.default_rng(1), 5)[:, 1]).all()
    assert np.isnan(mean_estimate([np.array([np.nan])], np.random.default_rng(1), 5).value)


def test_order_compares_on_shared_sessions():
    means = np.array([[0.2, 0.1, np.nan], [0.9, np.nan, 0.7], [0.5, 0.4, np.nan]])
    assert ordered(means) == [0, 1, 2]
    assert ordered(means, np.array([0.0, 1.0, 0.0])) == [0, 2, 1]


def test_standings_put_controls_aside_and_pair_cells():
    random = np.random.default_rng(0)
    rows = []
    for session in ("s1", "s2"):
        hard = random.normal(0, 0.2, 50)
        for recipe, r, extract in (("a", 0.6, "x"), ("b", 0.55, "x"), ("told", 0.8, "oracle")):
            for cell in range(50):
                found = cell % 5 > 0 or extract == "oracle"
                rows.append({"session": session, "plane": 0, "cell": cell, "recipe": recipe, "motion_method": "m",
                             "extract": extract, "roi": cell if found else None,
                             "spike_correlation": r + hard[cell] if found else 0.0})  # fmt: skip
    table = {row.recipe: row for row in standings(pl.DataFrame(rows), np.random.default_rng(0), 200)}
    assert list(table) == ["told", "a", "b"]
    assert table["told"].control
    assert not table["a"].control
    assert table["a"].found.value == pytest.approx(0.8)
    assert table["a"].score.value == pytest.approx(table["a"].found.value * table["a"].correlation.value)
    assert table["b"].behind.value == pytest.approx(0.05 * 0.8)
    # Scores overlap, and yet the difference on the same cells is sure.
    assert table["b"].score.high > table["a"].score.low
    assert not table["b"].tied


def written(folder, accepted, levels) -> Recording:
    """Files of a session whose tissue moves by 5 px RMS."""
    source = (SourceFile(name="a.tif", sha256="0" * 64, frames=2),)
    acquisition = Acquisition(
        subject="a", session="1", plane=0, planes=1, channels=1, functional_channel=1, frames=2, height=200, width=100,
        dtype="int16", frame_rate=30.0, pixel_size=2.0, indicator="GCaMP6s", saturation=9, sources=source,
    )  # fmt: skip
    (folder / "acquisition.json").write_text(acquisition.model_dump_json())
    quality = {"frames": 2, "gain": 1.0, "offset": 0.0, "photons": 3.0, "brightness": 3.0}
    tables = {
        "raw_quality": (RawQuality, example(RawQuality, 1, **quality)),
        "shifts": (Shifts, example(Shifts, y=[0, 6], x=[0, 8])),
        "quality": (MotionQuality, example(MotionQuality, 1, residual_motion=0.25)),
        "traces": (Traces, example(Traces, accepted=accepted, noise_level=levels)),
    }
    for name, (table, rows) in tables.items():
        write_table(folder / f"{name}.parquet", table, rows, PROVENANCE)
    chain = Chain("suite2p", folder / "shifts.parquet", folder / "traces.parquet", folder / "quality.parquet")
    return Recording("sub-a/ses-1", 0, "GCaMP6s", folder / "acquisition.json", folder / "raw_quality.parquet", (chain,))
