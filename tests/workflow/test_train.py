"""`snakemake train` makes weights from ground truth that the spike backend then uses; sessions are not needed."""

import polars as pl
import pytest

from groundtrace.indicators import indicators
from groundtrace.spikes.network.backend import Network
from tests.workflow.conftest import GROUND_TRUTH, Project

NO_SESSIONS = "subject\tsession\tindicator\n"
TINY = {"rounds": 1, "steps": 8, "online_steps": 8, "batch": 4, "window": 256, "folds": 2, "members": 1, "together": []}


@pytest.fixture
def project(ground_truth, tmp_path) -> Project:
    truth = {"database": {"source": str(ground_truth), "format": "parquet"}}
    return Project.make(tmp_path / "project", NO_SESSIONS, ground_truth=truth, training=TINY)


def test_ground_truth_becomes_weights_with_a_card(project, population_trace):
    project.run("--", "train")
    folder = project.folder / "results/network"
    names = {"all", "without-0", "without-1"}
    assert {path.stem for path in folder.glob("*.safetensors")} == names | {f"online-{name}" for name in names}
    card = (folder / "README.md").read_text()
    assert all(name in card for name in GROUND_TRUTH)
    assert not list(folder.glob("*.npz"))

    network = Network(model=folder)
    assert network.trained_on == GROUND_TRUTH
    for dataset in GROUND_TRUTH:
        unseen = network.without(dataset)
        assert dataset not in unseen.trained_on
        online = unseen.model_copy(update={"lookahead": 2})
        for backend in (unseen, online):
            found = backend.run(population_trace, 30.0, indicators()["GCaMP6f"])
            assert (found.low <= found.high).all()
            assert -1 < found.expected.low[0] < found.expected.value[0] < found.expected.high[0] < 1
    assert pl.read_parquet(folder / "assessed/offline-0.parquet")["dataset"].unique().to_list() == [GROUND_TRUTH[0]]


def test_without_sessions_and_target_snakemake_says_what_to_do(project):
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert "test.tsv: no session in it; write one row per recording, or try `make demo`" in done.said
