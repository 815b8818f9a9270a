"""Real runs of the workflow on small simulated sessions, in a copy of the project that tests may edit."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "config", "profiles", "workflow", "resources", "envs")
SOURCE = "workflow/src"
GROUND_TRUTH = ("DS09-GCaMP6f-m-V1", "DS32-GCaMP8s-m-V1")
SUITE2P = ("suite2p: {backend: suite2p, nonrigid: true}", "rigid: {backend: suite2p, nonrigid: false}")
"""Motion corrections of the config that take longest: to import Suite2p alone costs 7 CPU seconds."""
SHEET = """\
subject\tsession\tplanes\tframe_rate\tindicator\tsimulate
a\t1\t1\t30\tjGCaMP8m\tsmall
b\t1\t2\t15\tGCaMP6s\tsmall
"""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit status, and all that it printed."""

    returncode: int
    said: str


@dataclass
class Project:
    """A copy of the project with its own sheet, config and results."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, sheet: str = SHEET, **config: object) -> "Project":
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "src"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        (folder / SOURCE).symlink_to(ROOT / SOURCE)
        project = cls(folder)
        small = {"seed": 1, "frames": 300, "height": 96, "width": 96}
        project.configure(sessions="test.tsv", simulation={"small": small}, **config)
        (folder / "test.tsv").write_text(sheet)
        return project

    def copy(self, folder: Path) -> "Project":
        """The project and its results elsewhere, with the times of its files."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def configure(self, **changes: object) -> None:
        path = self.folder / "test.yaml"
        config = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(yaml.safe_dump(config | changes))

    def snakemake(self, *arguments: str) -> Done:
        home, output = self.folder / "home", self.folder / "output.txt"
        home.mkdir(exist_ok=True)
        command = {
            "folder": str(self.folder),
            "arguments": ["--profile", "profiles/local", "--configfile", "test.yaml", *arguments],
            "environment": {**os.environ, "HOME": str(home)},
            "output": str(output),
        }
        server = warm_snakemake()
        assert server.stdin is not None
        assert server.stdout is not None
        print(json.dumps(command), file=server.stdin, flush=True)
        return Done(int(server.stdout.readline()), output.read_text(encoding="utf-8"))

    def run(self, *arguments: str) -> str:
        """Run it without a fault; what is said. A target needs `--` before it, as `--configfile` takes many words."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.said
        return done.said

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs that a run would start, by rule; without targets that make nothing."""
        jobs = re.findall(r"^(\w+) +(\d+)$", self.run("-n", *arguments), re.M)
        return {rule: int(count) for rule, count in jobs if rule not in ("all", "benchmark", "total")}

    def own_source(self) -> None:
        """Copy the package, so that a test can change it or the resources beside it: all projects share one."""
        source = self.folder / SOURCE
        source.unlink()
        shutil.copytree(ROOT / SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))

    def edit(self, file: str, old: str, new: str) -> None:
        if file.startswith(SOURCE) and (self.folder / SOURCE).is_symlink():
            self.own_source()
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def drop_methods(self, *lines: str) -> None:
        """Leave methods out of the config that all commands read: benchmarks score every one."""
        for line in lines:
            self.edit("config/config.yaml", f"  {line}\n", "")

    def bytes_of(self, pattern: str) -> dict[str, bytes]:
        results = self.folder / "results"
        return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob(pattern))}


@cache
def warm_snakemake() -> subprocess.Popen[str]:
    """Process that runs Snakemake's commands, and the scripts of their jobs, without importing anything anew."""
    command = [sys.executable, str(ROOT / "tests/workflow/warm.py")]
    # A process with threads cannot be forked safely.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    atexit.register(server.communicate)
    return server


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A project whose sessions are all done; tests must undo what they change."""
    project = Project.make(tmp_path_factory.mktemp("finished"))
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with the times of its files, to do anything with."""
    return finished.copy(tmp_path / "copy")


@pytest.fixture
def ground_truth(test_data, tmp_path) -> Path:
    """Two neurons of two data sets, in the three files of the test data."""
    folder = tmp_path / "ground_truth"
    folder.mkdir()
    key = ["dataset", "neuron", "recording"]
    source = test_data / "ground_truth"
    if not source.is_dir():
        pytest.skip("no ground truth in the test data")
    chosen = pl.read_parquet(source / "recordings.parquet").filter(
        pl.col("dataset").is_in(GROUND_TRUTH), pl.col("recording") == 0
    )
    chosen = chosen.sort(key).group_by("dataset", maintain_order=True).head(2)
    chosen.write_parquet(folder / "recordings.parquet")
    for name in ("traces.parquet", "spikes.parquet"):
        rows = pl.scan_parquet(source / name).join(chosen.select(key).lazy(), on=key, how="semi")
        rows.collect().write_parquet(folder / name)
    return folder


@pytest.fixture
def population_trace() -> np.ndarray:
    """dF/F (1, 600) of noise with one event."""
    trace = np.random.default_rng(0).normal(0, 0.05, (1, 600)).astype(np.float32)
    trace[0, 300:310] += 0.5
    return trace
