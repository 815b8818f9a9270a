"""A real Slurm of two virtual nodes on this machine, and a study of ten small recordings that was run on it."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import tifffile

from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from tests.workflow.conftest import PARTS, ROOT, Done, Project

Found = TypeVar("Found")
CLUSTER, IMPATIENT = ROOT / "tests/slurm/cluster.sh", ROOT / "tests/slurm/impatient.py"
NODES = 2
SESSIONS = [f"sub-s{number:02d}/ses-1" for number in range(1, 11)]
"""Six get a fault, the last three a corrupt movie, and one is left alone."""
# Of the virtual nodes; and no long pauses between questions to Slurm.
SITE = ("--cores", "2", "--resources", "mem_mb=12000", "--slurm-init-seconds-before-status-checks", "2")
# The registered movie is kept so that a test can begin with extraction: Suite2p's, which takes long enough to be hit.
CONFIG = {
    "keep": ["registered_movie"],
    "recipes": {"default": {"motion": "none", "extract": "suite2p", "spikes": "oasis"}},
    "motion": {"none": {"backend": "none"}},
    "spikes": {"oasis": {"backend": "oasis"}},
}
CHAIN = "plane-0/motion-none/denoise-none/extract-suite2p"


@dataclass(frozen=True)
class SlurmJob:
    id: str
    state: str
    node: str
    what: str
    """Rule and wildcards, as the plugin's comment says them."""


@dataclass
class Study(Project):
    """A project that runs on the cluster, with the command that it always uses."""

    arguments: tuple[str, ...] = ()
    doubles: Counter[str] = field(default_factory=Counter)
    """Logs of steps that two processes were seen to do at once."""

    def command(self, *arguments: str) -> list[str]:
        command = [sys.executable, str(IMPATIENT), "--profile", "slurm", "--configfile", "test.yaml"]
        return [*command, *SITE, *self.arguments, *arguments]

    def start(self, output: str = "run.log") -> subprocess.Popen[bytes]:
        """Start the run in the background; what it prints goes to a file of the project."""
        with (self.folder / output).open("wb") as file:
            return subprocess.Popen(self.command(), cwd=self.folder, stdout=file, stderr=subprocess.STDOUT)

    def snakemake(self, *arguments: str) -> Done:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, capture_output=True, text=True, check=False, timeout=3000
        )
        return Done(done.returncode, done.stdout + done.stderr)

    def submitted(self) -> Counter[str]:
        """Slurm jobs of the last run, by rule or group."""
        log = max((self.folder / ".snakemake/log").iterdir(), key=lambda path: path.stat().st_mtime_ns).read_text()
        return Counter(re.findall(r"slurm_logs/(?:rule|group)_([a-z]+(?:_report)?)[^ ]*\)", log))

    def results(self, sessions: list[str] = SESSIONS) -> dict[str, bytes]:
        """Everything that was made of some sessions, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for session in sessions
            for path in sorted((self.folder / "results" / session).rglob("*"))
            if path.is_file()
        }

    def forget(self, *sessions: str, whole: bool = False) -> None:
        """Delete what extraction and later steps made of sessions, or everything; and what holds results of all."""
        results = self.folder / "results"
        for session in sessions:
            shutil.rmtree(results / session / ("" if whole else CHAIN))
            (results / session / "plane-0/report-default.html").unlink(missing_ok=True)
        for name in ("study.parquet", "index.html"):
            (results / name).unlink(missing_ok=True)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look, several times a second, whether any step is done by two processes at once."""
        done = threading.Event()

        def look() -> None:
            while not done.wait(0.2):
                self.doubles.update(log for log, count in workers(self.folder).items() if count > 1)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def workers(folder: Path) -> Counter[str]:
    """Processes that write each log of a project, without their children."""
    writing = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            log = os.readlink(process / "fd/1")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if log.startswith(f"{folder}/results/logs/"):
            writing[process.name] = log, parent
    return Counter(log for log, parent in writing.values() if writing.get(parent, ("",))[0] != log)


def worker(study: Study, session: str, step: str) -> int | None:
    """Process that does one step of a session now."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            log = os.readlink(process / "fd/1")
        except OSError:
            continue
        if log.startswith(f"{study.folder}/results/logs/{session}/") and log.endswith(f"{step}.log"):
            return int(process.name)
    return None


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def queue(states: str = "RUNNING,PENDING,COMPLETING,SUSPENDED") -> list[SlurmJob]:
    lines = slurm("squeue", "--noheader", f"--states={states}", "--format=%i|%T|%N|%k").splitlines()
    return [SlurmJob(*line.split("|")) for line in lines]


def wait_for(what: Callable[[], Found | None], seconds: float = 600) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"did not happen within {seconds} s")


def recordings(folder: Path) -> None:
    """Raw movies of all sessions: one simulated recording, each time begun at another frame."""
    folder.mkdir()
    session = Session(subject="x", session="1", frame_rate=30.0, indicator="jGCaMP8m", simulate="small")
    parameters = Simulation(seed=1, frames=300, height=64, width=64)
    simulate(parameters, session, folder / "first.tif", None)
    movie = tifffile.imread(folder / "first.tif")
    (folder / "first.tif").unlink()
    for number, key in enumerate(SESSIONS):
        tifffile.imwrite(folder / f"{key[4:7]}.tif", np.roll(movie, 11 * number, axis=0))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Path]:
    if not shutil.which("slurmctld") or not shutil.which("munged"):
        pytest.skip("Slurm is not installed here (make test-slurm installs it on Debian, as root)")
    if os.geteuid() != 0:
        pytest.skip("starting Slurm's daemons needs root")
    folder = tmp_path_factory.mktemp("cluster")
    subprocess.run([CLUSTER, "up", str(folder), str(NODES)], check=True)
    yield folder
    subprocess.run([CLUSTER, "down", str(folder)], check=True)


@pytest.fixture(scope="session")
def undisturbed(cluster, tmp_path_factory) -> Study:
    """Ten sessions, run on the cluster without any fault; tests work on copies."""
    assert cluster
    folder = tmp_path_factory.mktemp("slurm") / "study"
    movies = folder.parent / "movies"
    recordings(movies)
    rows = [f"{key[4:7]}\t1\t../movies/{key[4:7]}.tif\t30\tjGCaMP8m" for key in SESSIONS]
    sheet = "\n".join(["subject\tsession\tpath\tframe_rate\tindicator", *rows]) + "\n"
    project = Project.make(folder, sheet, **CONFIG)
    assert "slurm" not in PARTS
    os.symlink("profiles/slurm", folder / "slurm")
    study = Study(project.folder)
    with study.watched():
        done = study.snakemake()
    assert done.returncode == 0, done.said
    return study


@pytest.fixture
def study(undisturbed, tmp_path) -> Study:
    """A copy of the finished study, raw movies and times of files included, to do anything with."""
    for part in ("study", "movies"):
        shutil.copytree(undisturbed.folder.parent / part, tmp_path / part, symlinks=True)
    return Study(tmp_path / "study")
