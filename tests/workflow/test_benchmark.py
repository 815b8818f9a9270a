"""`snakemake benchmark` goes from ground truth to its page, and only what changed runs again."""

import json

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.workflow.conftest import GROUND_TRUTH, Project

NO_SESSIONS = "subject\tsession\tindicator\tframe_rate\tsimulate\n"
FAST = {
    "datasets": ["DS09", "DS32"],
    "backends": ["oasis"],
    "frame_rates": [15, 30],
    "noise_levels": [2, 8],
    "snrs": [2],
    "max_seconds": 60,
    "population_cells": 6,
    "population_seconds": 20,
    "population_indicators": ["GCaMP6f", "jGCaMP8m"],
    "bootstrap": 20,
    "parts": 1,
}


@pytest.fixture
def project(ground_truth, tmp_path) -> Project:
    truth = {"database": {"source": str(ground_truth), "format": "parquet"}}
    return Project.make(
        tmp_path / "project", NO_SESSIONS, ground_truth=truth, benchmark=FAST, spikes={"oasis": {"backend": "oasis"}}
    )


def test_ground_truth_reaches_the_benchmark_page(project):
    project.run("--", "benchmark")
    folder = project.folder / "results/benchmark"
    table = pl.read_parquet(folder / "spikes.parquet")
    assert set(table["backend"]) == {"oasis", "dff", "shuffled", "zero", "oracle"}
    assert set(table["dataset"]) == {*GROUND_TRUTH, "population"}
    r = table.filter(metric="correlation", frame_rate=30.0, noise_level=2.0, indicator_told=True)
    median = dict(r.group_by("backend").agg(pl.col("value").median()).iter_rows())
    assert 0.3 < median["oasis"] < median["oracle"] <= 1
    assert median["zero"] == 0
    assert abs(median["shuffled"]) < 0.2
    assert not table["in_sample"].any()

    page = (folder / "report.html").read_text()
    assert all(name in page for name in (*GROUND_TRUTH, "oasis", "oracle"))
    assert "http://" not in page
    assert "https://" not in page
    timing = pl.read_csv(folder / "spikes_timing.tsv", separator="\t")
    assert set(timing["backend"]) == {"oasis"}
    assert (timing["seconds"] >= 0).all()

    history = json.loads(pq.read_schema(folder / "spikes.parquet").metadata[b"groundtrace"])["history"]
    steps = [entry["step"] for entry in history]
    assert steps[0] == "ground_truth"
    assert {"benchmark_spikes", "benchmark_population", "benchmark_table"} <= set(steps)

    assert "Nothing to be done" in project.run("--", "benchmark")
    # The bootstrap changes the page alone, a backend's parameter its own scores.
    project.configure(benchmark=FAST | {"bootstrap": 10})
    assert project.planned("--", "benchmark") == {"benchmark_report": 1}
    project.configure(benchmark=FAST, spikes={"oasis": {"backend": "oasis", "decay_time": 0.4}})
    one = ("benchmark_spikes", "benchmark_population", "benchmark_table", "benchmark_report")
    assert project.planned("--", "benchmark") == dict.fromkeys(one, 1)
