"""The workflow with `--sdm conda`: every rule in the environment that its file under `envs/` describes.

What is tested is Snakemake's wiring, that an environment has all that its rules import, and that its pins go together.
What is not: that conda-forge has these versions and solves them (see channel.py and conda.py).
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path

import polars as pl
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytest.importorskip("rattler", reason="py-rattler is not installed")
from tests.environments.channel import PYTHON, build_channel

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FILES = {path.stem: path for path in sorted((ROOT / "envs").glob("*.yaml"))}
PINNED = ("caiman", "roicat", "simulation")
"""CaImAn is on no package index, so no local channel has it; of these only the pins are tested."""
BUILT = sorted(FILES.keys() - set(PINNED))
CONTROLLER = (
    "jinja2",
    "natsort",
    "numpy",
    "pillow",
    "polars",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "scipy",
    "snakemake",
    "threadpoolctl",
)
"""What Snakemake and the Snakefile need. Rules find these too: Snakemake lends them its own packages."""
ACTIVATE = 'export CONDA_PREFIX="$1"\nexport PATH="$1/bin:$PATH"\n'
SHEET = "subject\tsession\tframe_rate\tpixel_size\tindicator\tsimulate\na\t1\t30\t2\tjGCaMP8m\tsmall\n"
METHODS = {"motion": "phase", "denoise": "none", "extract": "transients", "spikes": "network"}
CONFIG = {
    "sessions": "sheet.tsv",
    "simulation": {"small": {"seed": 1, "frames": 300, "height": 96, "width": 96}},
    "recipes": {
        "default": METHODS,
        "oasis": METHODS | {"spikes": "oasis"},
        "denoised": METHODS | {"denoise": "network"},
        "truth": METHODS | {"motion": "suite2p", "extract": "oracle", "spikes": "convex"},
    },
    "motion": {"phase": {"backend": "phase"}, "suite2p": {"backend": "suite2p"}},
    "denoise": {"network": {"backend": "network", "members": 1, "steps": 20}},
    "spikes": {name: {"backend": name} for name in ("network", "oasis", "convex")},
    "benchmark": {"bootstrap": 200},
}


def pins(name: str) -> dict[str, str]:
    """Versions that an environment's file asks for; without Python."""
    found = {}
    for item in yaml.safe_load(FILES[name].read_text())["dependencies"]:
        for pin in item["pip"] if isinstance(item, dict) else [item]:
            package, *version = re.split("=+", pin)
            if version:
                found[package] = version[0]
    del found["python"]
    return found


@dataclass
class Run:
    """The workflow, run in conda environments."""

    folder: Path
    prefixes: dict[str, Path]
    """Folder of each environment."""
    noted: list[dict]
    """What the processes imported, and from where."""


@pytest.fixture(scope="session")
def conda(tmp_path_factory) -> Path:
    """Folder with a local channel, and with `conda` and `activate` under `bin`."""
    folder = tmp_path_factory.mktemp("conda")
    sections = [yaml.safe_load(FILES[name].read_text())["dependencies"] for name in BUILT]
    specs = {item.split("=")[0] for section in sections for item in section if isinstance(item, str)}
    build_channel(folder / "channel", specs - {"python"})
    (folder / "bin").mkdir()
    (folder / "bin/activate").write_text(ACTIVATE)
    command = folder / "bin/conda"
    search = os.environ.get("PYTHONPATH", "")
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{search}" exec {sys.executable} {HERE / "conda.py"} "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def controller(tmp_path_factory) -> Path:
    """Python of an environment in which there is only what CONTROLLER names."""
    folder = tmp_path_factory.mktemp("controller")
    subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    wanted = [f"{name}=={version(name)}" for name in CONTROLLER]
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", folder / "bin/python", *wanted], check=True)
    return folder / "bin/python"


def workflow(folder: Path, python: Path | str, *arguments: str, **environment: str) -> str:
    """Run Snakemake in `folder`; what it prints."""
    (folder / "home").mkdir()
    for part in ("Snakefile", "config", "profiles", "workflow", "resources", "envs"):
        (folder / part).symlink_to(ROOT / part)
    (folder / "sheet.tsv").write_text(SHEET)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [python, "-m", "snakemake", "--profile", "profiles/local", "--configfile", "config.yaml"]
    command += arguments
    own = {"HOME": str(folder / "home"), **environment}
    done = subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def beside(conda: Path) -> dict[str, str]:
    """Environment variables that put the stand-in for conda in the way."""
    return {"PATH": f"{conda / 'bin'}:{os.environ['PATH']}", "LOCAL_CONDA": str(conda)}


@pytest.fixture(scope="session")
def run(conda, controller, tmp_path_factory) -> Run:
    folder, noted = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("noted")
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    workflow(
        folder,
        controller,
        *("--sdm", "conda", "--", "all", "benchmark", "suite2p"),
        **beside(conda),
        UV_CACHE_DIR=cache,
        PYTHONPATH=str(HERE / "noted"),
        IMPORTS_NOTED_IN=str(noted),
    )
    prefixes = {}
    for file in folder.glob(".snakemake/conda/*.yaml"):
        name = next(name for name, path in FILES.items() if path.read_bytes() == file.read_bytes())
        prefixes[name] = file.with_suffix("")
    return Run(folder, prefixes, [json.loads(path.read_text()) for path in noted.iterdir()])


def test_all_environments_were_built_and_used(run):
    assert sorted(run.prefixes) == BUILT
    used = {note["prefix"] for note in run.noted if "/.snakemake/scripts/" in note["script"]}
    assert used == {str(prefix) for prefix in run.prefixes.values()}


@pytest.mark.parametrize("name", BUILT)
def test_an_environment_holds_its_pins_and_they_go_together(run, name):
    python = run.prefixes[name] / "bin/python"
    listed = subprocess.run(
        ["uv", "pip", "list", "--format", "json", "--python", python], capture_output=True, text=True, check=True
    )
    versions = {canonicalize_name(item["name"]): item["version"] for item in json.loads(listed.stdout)}
    wanted = pins(name)
    assert {package: versions[canonicalize_name(package)] for package in wanted} == wanted
    checked = subprocess.run(["uv", "pip", "check", "--python", python], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_rules_import_only_what_their_environment_has(run):
    """Besides what Snakemake itself needs: it appends its own search path to that of a rule's script."""
    snakemake = _needs("snakemake")
    outside = {
        (Path(note["script"]).name.split(".", 1)[1], module)
        for note in run.noted
        if "/.snakemake/scripts/" in note["script"]
        for module, file in note["modules"].items()
        if "site-packages" in file and not file.startswith(note["prefix"]) and module not in snakemake
    }
    assert not outside


def _needs(name: str) -> set[str]:
    """Top-level modules of a distribution and of all that it needs."""
    modules: set[str] = set()
    found, waiting = set(), [name]
    while waiting:
        installed = distribution(waiting.pop())
        if installed.name not in found:
            found.add(installed.name)
            tops = {path.parts[0] for path in installed.files or [] if ".." not in path.parts}
            modules |= {top.split(".")[0] for top in tops}
            needed = [Requirement(text) for text in installed.requires or []]
            waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return modules


def test_results_are_those_without_conda(run, tmp_path):
    """Both ways of running have the same versions of what computes."""
    workflow(tmp_path, sys.executable, "--", "results/sub-a/ses-1/plane-0/report-default.html")
    tables = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("results/sub-*/**/*.parquet"))
    assert len(tables) > 8
    for table in tables:
        assert pl.read_parquet(tmp_path / table).equals(pl.read_parquet(run.folder / table)), table


def test_a_container_can_be_described(conda, tmp_path):
    """Built it cannot be here."""
    recipe = workflow(
        tmp_path, sys.executable, "--containerize", "apptainer", "--", "all", "benchmark", "suite2p", **beside(conda)
    )
    created = re.findall(r"conda env create --prefix (\S+)", recipe)
    assert len(created) == len(BUILT)
    for name in BUILT:
        copied = re.search(rf"envs/{name}\.yaml (\S+)/environment\.yaml", recipe)
        assert copied is not None
        assert copied[1] in created


@pytest.mark.parametrize("name", PINNED)
def test_what_is_not_built_is_on_the_package_index_and_goes_together(name):
    """All pins but CaImAn itself."""
    wanted = "\n".join(f"{package}=={version}" for package, version in pins(name).items() if package != "caiman")
    done = subprocess.run(
        ["uv", "pip", "compile", "--quiet", "--no-header", "--python-version", PYTHON.removeprefix("python"), "-"],
        input=wanted,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
