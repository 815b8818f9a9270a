"""Profiles name what exists, and the one for Slurm hides nothing of the default."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())


def test_slurm_is_found_by_its_name_from_the_projects_folder():
    assert (ROOT / "slurm" / "config.yaml").samefile(ROOT / "profiles/slurm/config.yaml")


def test_slurm_repeats_the_default():
    # --workflow-profile slurm is read instead of profiles/default.
    default, slurm = profile("default"), profile("slurm")
    assert {key: slurm[key] for key in default} == default


def test_groups_hold_rules_that_exist():
    text = "".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.M))
    assert set(profile("slurm")["groups"]) <= rules
    assert not {"motion", "extract"} & set(profile("slurm")["groups"])
