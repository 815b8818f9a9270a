"""The workflow from another folder, and as a module of another workflow."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import yaml

from tests.workflow.conftest import ROOT

SHEET = "subject\tsession\tindicator\tframe_rate\tsimulate\na\t1\tGCaMP6f\t30\tsmall\n"
CONFIG = {"sessions": "mine.tsv", "simulation": {"small": {"frames": 60, "height": 48, "width": 48}}}
PLANE = "results/sub-a/ses-1/plane-0"
OWN = f"""
configfile: "own.yaml"


module groundtrace:
    snakefile:
        "{ROOT}/workflow/Snakefile"
    config:
        config["groundtrace"]


use rule * from groundtrace as groundtrace_*


rule counted:
    input:
        rules.groundtrace_ingest.output.frames,
    output:
        "results/{{session}}/plane-{{plane}}/counted.txt",
    shell:
        "wc -c {{input}} > {{output}}"
"""


def snakemake(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "HOME": str(folder.parent / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_study_in_a_folder_of_its_own(tmp_path):
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    (study / "config").mkdir(parents=True)
    elsewhere.mkdir()
    (study / "mine.tsv").write_text(SHEET)
    (study / "config/config.yaml").write_text(yaml.safe_dump(CONFIG))
    given = ("--snakefile", f"{ROOT}/Snakefile", "--directory", str(study))
    said = snakemake(elsewhere, *given, f"{PLANE}/frames.parquet")
    assert f"{ROOT}/profiles/default" in said
    assert pl.read_parquet(study / PLANE / "frames.parquet").height == 60
    assert list(elsewhere.iterdir()) == []
    planned = snakemake(elsewhere, *given, "--dry-run")
    assert "session_report" in planned
    assert "simulate " not in planned


def test_rules_beside_those_of_another_workflow(tmp_path):
    (tmp_path / "mine.tsv").write_text(SHEET)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"groundtrace": CONFIG}))
    (tmp_path / "Snakefile").write_text(OWN)
    snakemake(tmp_path, f"{PLANE}/counted.txt")
    assert (tmp_path / PLANE / "counted.txt").read_text().endswith("frames.parquet\n")
    assert "groundtrace_study" in snakemake(tmp_path, "--dry-run", "groundtrace_all")
