"""The rules' conda environments hold the versions of the lock, so that both ways of running give the same numbers."""

import re
from pathlib import Path

import pytest
import yaml

from groundtrace.config import STAGES, own_backends

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
OWN = {
    "caiman": {"caiman", "numpy", "pyarrow", "scipy", "setuptools"},
    "roicat": {"fast-hdbscan", "ipython", "kymatio", "optuna", "richfile", "roicat", "sparse", "sparse_convolution"},
}
"""Packages that an environment needs in another version than the rest, or that only it has."""
PYTHON = "python_full_version < '3.12'"


def locked() -> dict[str, str]:
    """Versions of the lock for Python 3.11."""
    versions = {}
    for name, version, marker in re.findall(r"^([\w.-]+)==([^ ;\\]+)(?: ; ([^\\\n]+?))? *\\?$", _lock(), re.M):
        if not marker or PYTHON in marker or name not in versions:
            versions[name] = version
    return versions


def _lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_pin_is_that_of_the_lock(path):
    versions = locked()
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    pip = next((item["pip"] for item in dependencies if isinstance(item, dict)), [])
    pins = [item.split("=") for item in dependencies if isinstance(item, str) and item != "pip"]
    pins += [item.split("==") for item in pip]
    assert len(pins) > 5
    for name, version in pins:
        if name in OWN.get(path.stem, ()):
            continue
        assert version == ("3.11" if name == "python" else versions[name]), name


def test_every_environment_is_used_and_every_used_one_exists():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    backends = {method.environment for stage in STAGES for method in own_backends(stage)}
    used = set(re.findall(r"envs/(\w+)\.yaml", rules)) | backends
    assert used == {path.stem for path in ENVIRONMENTS}
