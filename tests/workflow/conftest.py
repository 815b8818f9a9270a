"""Real runs of the workflow on small simulated sessions, in a copy of the project that tests may edit."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "config", "profiles", "workflow", "resources", "envs")
GROUND_TRUTH = ("DS09-GCaMP6f-m-V1", "DS32-GCaMP8s-m-V1")
SHEET = """\
subject\tsession\tplanes\tframe_rate\tindicator\tsimulate
a\t1\t1\t30\tjGCaMP8m\tsmall
b\t1\t2\t15\tGCaMP6s\tsmall
"""


@dataclass
class Project:
    """A copy of the project with its own sheet, config and results."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, sheet: str = SHEET, **config: object) -> "Project":
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        project = cls(folder)
        small = {"seed": 1, "frames": 300, "height": 96, "width": 96}
        project.configure(sessions="test.tsv", simulation={"small": small}, **config)
        (folder / "test.tsv").write_text(sheet)
        return project

    def configure(self, **changes: object) -> None:
        path = self.folder / "test.yaml"
        config = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(yaml.safe_dump(config | changes))

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--configfile", "test.yaml"]
        environment = {**os.environ, "HOME": str(self.folder / "home"), "NUMBA_CACHE_DIR": numba_cache()}
        (self.folder / "home").mkdir(exist_ok=True)
        return subprocess.run(
            [*command, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def run(self) -> None:
        done = self.snakemake()
        assert done.returncode == 0, done.stdout + done.stderr

    def planned(self) -> dict[str, int]:
        """Jobs that a run would start, by rule; without the target `all`."""
        done = self.snakemake("-n")
        assert done.returncode == 0, done.stdout + done.stderr
        jobs = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M)
        return {rule: int(count) for rule, count in jobs if rule not in ("all", "total")}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def bytes_of(self, pattern: str) -> dict[str, bytes]:
        results = self.folder / "results"
        return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob(pattern))}


def numba_cache() -> str:
    """Rastermap compiles for half a minute on its first import: keep what was compiled between tests."""
    return os.environ.get("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A project whose sessions are all done; tests must undo what they change."""
    project = Project.make(tmp_path_factory.mktemp("finished"))
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with the times of its files, to do anything with."""
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Project(tmp_path / "copy")


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
