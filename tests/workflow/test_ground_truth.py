"""Ground truth comes into the workflow by asking for its table, and not otherwise."""

import shutil

import polars as pl
import pytest

from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.io import read_provenance
from tests.workflow.conftest import Project

TABLE = "results/ground_truth.parquet"


@pytest.fixture(scope="module")
def imported(test_data, tmp_path_factory) -> Project:
    """A project whose ground truth, a copy of real files, is imported; nothing else is done."""
    project = Project.make(tmp_path_factory.mktemp("ground_truth") / "project")
    shutil.copytree(test_data / "ground_truth_mat", project.folder / "neurons")
    for path in (project.folder / "neurons").rglob("*"):
        path.chmod(0o755)
    project.configure(ground_truth={"mine": {"source": "neurons", "format": "cascade"}})
    project.run("--", TABLE)
    return project


def test_real_files_become_the_table(imported):
    table = pl.read_parquet(imported.folder / TABLE)
    assert len(table) == 18
    assert table["plausible"].sum() == 15
    assert len(list(read_recordings(imported.folder / TABLE, plausible=True))) == 15
    log = (imported.folder / "results/logs/ground_truth.log").read_text()
    assert "ground_truth.mine: 18 recordings of 7 neurons" in log
    assert "CAttached_spinal_cord_excitatory_211111_cell1_miXni.mat" in log
    found = read_provenance(imported.folder / TABLE)
    assert found["sources"][0]["name"] == "mine"
    assert found["history"][-1]["parameters"]["mine"]["format"] == "cascade"
    assert str(imported.folder) not in str(found)


def test_the_pipeline_does_not_ask_for_it(imported):
    assert "ground_truth" not in imported.planned()


def test_only_a_change_of_the_files_imports_again(imported):
    assert imported.planned("--", TABLE) == {}
    shutil.move(imported.folder / "neurons/DS04-OGB1-zf-pDp", imported.folder / "aside")
    planned = imported.planned("--", TABLE)
    shutil.move(imported.folder / "aside", imported.folder / "neurons/DS04-OGB1-zf-pDp")
    assert planned == {"ground_truth": 1}
    assert imported.planned("--", TABLE) == {}


def test_a_missing_folder_is_said(tmp_path):
    truth = {"mine": {"source": "nowhere", "format": "cascade"}}
    done = Project.make(tmp_path / "project", ground_truth=truth).snakemake("--", TABLE)
    assert done.returncode != 0
    assert "nowhere does not exist; name a folder or file of format cascade" in done.said
