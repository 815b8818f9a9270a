"""`snakemake benchmark` scores motion, extraction and recipes on simulated sessions, against the controls."""

import polars as pl
import pytest

from tests.workflow.conftest import SUITE2P, Project

SHEET = "subject\tsession\tindicator\tframe_rate\tsimulate\na\t1\tjGCaMP8m\t30\tsmall\n"
CONFIG = {
    "recipes": {
        "default": {"spikes": "oasis"},
        "ceiling": {"extract": "oracle", "spikes": "oasis"},
    },
    "benchmark": {"bootstrap": 20},
}
SMALL = {
    "seed": 1,
    "frames": 300,
    "height": 96,
    "width": 96,
    "stimulus": {"images": "gratings", "n_images": 12, "repeats": 2, "grey": 0},
}
RECIPES = {
    "default": ("phase", "none", "transients", "oasis"),
    "ceiling": ("phase", "none", "oracle", "oasis"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("benchmark"), SHEET, **CONFIG)
    project.configure(simulation={"small": SMALL})
    project.drop_methods(*SUITE2P)
    project.run("--", "benchmark")
    return project


def table(project: Project, name: str) -> pl.DataFrame:
    return pl.read_parquet(project.folder / f"results/benchmark/{name}.parquet")


def test_motion_correction_is_scored_against_none(project):
    motion = table(project, "motion")
    assert motion.select("session", "plane", "motion_method").rows() == [
        ("sub-a/ses-1", 0, "none"),
        ("sub-a/ses-1", 0, "phase"),
    ]
    none, phase = motion.rows(named=True)
    assert 0 < phase["residual"] < 0.6 * none["residual"]
    # Without correction all of the true motion is left.
    assert none["residual_rigid"] == pytest.approx(none["motion"], rel=0.2)
    assert phase["residual_rigid"] <= phase["residual"] < phase["residual_99"]
    assert none["frames"] == 300


def test_the_oracle_finds_all_and_transients_not_more(project):
    rows = {row["extract"]: row for row in table(project, "extraction").filter(selection="accepted").rows(named=True)}
    oracle, default = rows["oracle"], rows["transients"]
    assert oracle["cells"] == default["cells"] >= 3
    assert [oracle[f"{name}_50"] for name in ("precision", "recall", "f1")] == [1, 1, 1]
    assert oracle["overlap"] == 1
    assert oracle["trace_correlation"] > 0.7
    assert 0 < default["f1_30"] <= 1
    assert default["overlap"] < 1
    assert oracle["residual"] == table(project, "motion").filter(motion_method="phase")["residual"].item()


def test_recipes_are_scored_from_movie_to_spikes(project):
    recipes = {row["recipe"]: row for row in table(project, "recipes").rows(named=True)}
    names = ("motion_method", "denoise", "extract", "spikes")
    assert {name: tuple(row[part] for part in names) for name, row in recipes.items()} == RECIPES
    assert recipes["ceiling"]["found"] == 1
    assert recipes["ceiling"]["score"] > max(0.5, recipes["default"]["score"])
    cells = table(project, "cells")
    truth = pl.read_parquet(project.folder / "results/sub-a/ses-1/truth/cells.parquet")
    for name, row in recipes.items():
        own = cells.filter(recipe=name)
        assert own["cell"].to_list() == truth["roi"].to_list()
        counted = own.filter((pl.col("kind") == "soma") & (pl.col("detectability") >= 5) & (pl.col("true_spikes") > 0))
        assert row["cells"] == len(counted)
        assert row["score"] == pytest.approx(counted["spike_correlation"].mean(), abs=1e-6)
        assert (counted.filter(pl.col("roi").is_null())["spike_correlation"] == 0).all()


def test_responses_are_scored_from_true_spikes_to_dff(project):
    responses, cells = table(project, "responses"), table(project, "cells")
    for name, row in RECIPES.items():
        found = cells.filter(pl.col("kind") == "soma", pl.col("roi").is_not_null(), pl.col("detectability") >= 5)
        judged = found.filter(recipe=name)["cell"].to_list()
        own = responses.filter(recipe=name)
        assert own["spikes"].unique().to_list() == [row[-1]]
        for source in ("true", "inferred", "dff"):
            assert own.filter(source=source)["cell"].sort().to_list() == judged
    assert table(project, "encoding").is_empty()
    assert "Responses to stimuli" in (project.folder / "results/benchmark/recordings.html").read_text()


def test_costs_and_the_page_come_with_it(project):
    folder = project.folder / "results/benchmark"
    timing = pl.read_csv(folder / "recordings_timing.tsv", separator="\t")
    assert set(timing.select("stage", "name").rows()) == {
        ("simulate", "small"),
        ("motion", "none"),
        ("motion", "phase"),
        ("extract", "transients"),
    }
    assert (timing["frames"] == 300).all()
    assert (timing["pixels"] == 96 * 96).all()
    page = (folder / "recordings.html").read_text()
    assert all(name in page for name in ("default", "ceiling", "phase"))
    assert "http://" not in page
    assert "https://" not in page
    assert not (folder / "report.html").exists()


def test_only_what_depends_on_a_change_runs_again(project):
    assert project.planned("--", "benchmark") == {}
    project.configure(benchmark={"bootstrap": 10})
    planned = project.planned("--", "benchmark")
    project.configure(benchmark=CONFIG["benchmark"])
    assert planned == {"benchmark_recordings_report": 1}


def test_a_recipe_that_fails_leaves_the_others_their_scores(project):
    broken = {"backend": "cascade", "model": "nowhere"}
    recipes = {**CONFIG["recipes"], "wrong": {"spikes": "broken"}}
    project.configure(recipes=recipes, spikes={"broken": broken})
    done = project.snakemake("--", "benchmark")
    project.configure(recipes=CONFIG["recipes"], spikes={})
    assert done.returncode != 0
    assert "Not scored:\n  sub-a/ses-1/plane-0/recipe-wrong/recipes" in done.said
    assert set(table(project, "recipes")["recipe"]) == {"default", "ceiling"}
    assert set(table(project, "motion")["motion_method"]) == {"none", "phase"}
    page = (project.folder / "results/benchmark/recordings.html").read_text()
    assert "sub-a/ses-1/plane-0/recipe-wrong/recipes" in page
    # The page says what is missing until all is there.
    both = {"benchmark_recordings_table": 1, "benchmark_recordings_report": 1}
    assert project.planned("--", "benchmark") == both
    project.run("--", "benchmark")
    assert "recipe-wrong" not in (project.folder / "results/benchmark/recordings.html").read_text()


def test_a_sheet_and_config_without_any_truth_say_what_to_do(tmp_path):
    project = Project.make(tmp_path / "project", "subject\tsession\tindicator\tpath\n")
    done = project.snakemake("-n", "--", "benchmark")
    assert done.returncode != 0
    assert "name recordings under `ground_truth` in the config" in done.said
