"""What Slurm costs: CPU seconds of the pipeline on a cluster over those of the same work in one local run.

    python measurements/slurm.py [--sessions 24] [--nodes 2]

Starts a Slurm of virtual nodes on this machine (tests/slurm/cluster.sh; needs root, installs Slurm if it is missing),
runs the demo's sessions again and again under new names, once with profiles/local and once with profiles/slurm, and
compares the results byte by byte. Counted is all CPU time below this process: Snakemake, jobs, Slurm's daemons.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config", "profiles", "slurm", "workflow", "resources", "envs")
CLUSTER = ROOT / "tests/slurm/cluster.sh"
# Of the virtual nodes, whose CPUs and memory bound a job; and no long pauses between questions to Slurm.
SITE = ("--cores", "2", "--resources", "mem_mb=12000", "--slurm-init-seconds-before-status-checks", "5")


class Account:
    """A control group for this process and all that it starts, which counts their CPU time."""

    def __init__(self) -> None:
        first = Path("/sys/fs/cgroup/cpuacct")
        self.folder = (first if first.is_dir() else first.parent) / f"groundtrace-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self) -> float:
        usage = self.folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        return int((self.folder / "cpu.stat").read_text().split()[1]) / 1e6

    def close(self) -> None:
        for process in (self.folder / "cgroup.procs").read_text().split():
            (self.folder.parent / "cgroup.procs").write_text(process)
        self.folder.rmdir()


def project(folder: Path, sessions: int) -> Path:
    """A copy of the project whose sheet holds the demo's two sessions in turn."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        folder.mkdir(exist_ok=True)
        copy(ROOT / part, folder / part)
    head, *rows = (ROOT / "config/demo/sessions.tsv").read_text().splitlines()
    turns = [f"n{turn:02d}\t" + rows[turn % len(rows)].split("\t", 1)[1] for turn in range(sessions)]
    (folder / "config/demo/sessions.tsv").write_text("\n".join([head, *turns]) + "\n")
    return folder


def run(folder: Path, account: Account, *arguments: str) -> float:
    """CPU seconds of one run."""
    before = account.seconds()
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/demo/config.yaml", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return account.seconds() - before


def results(folder: Path) -> dict[str, bytes]:
    kinds = ("*.parquet", "*.html", "acquisition.json")
    return {str(path.relative_to(folder)): path.read_bytes() for kind in kinds for path in folder.rglob(kind)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=24)
    parser.add_argument("--nodes", type=int, default=2)
    given = parser.parse_args()
    subprocess.run([CLUSTER, "install"], check=True)
    with tempfile.TemporaryDirectory() as name:
        account = Account()
        local, slurm = (project(Path(name, kind), given.sessions) for kind in ("local", "slurm"))
        alone = run(local, account, "--profile", "profiles/local", "--set-threads", "motion=1", "extract=1")
        print(f"one local run   {alone:8.1f} CPU s, {alone / given.sessions:6.1f} a session", flush=True)
        subprocess.run([CLUSTER, "up", f"{name}/cluster", str(given.nodes)], check=True)
        try:
            together = run(slurm, account, "--profile", "slurm", *SITE)
        finally:
            subprocess.run([CLUSTER, "down", f"{name}/cluster"], check=True)
        account.close()
        print(f"{given.nodes} Slurm nodes   {together:8.1f} CPU s, {together / given.sessions:6.1f} a session")
        same = results(local / "demo") == results(slurm / "demo")
        print(f"Slurm over local {together / alone:.2f}; results {'the same bytes' if same else 'DIFFER'}")


if __name__ == "__main__":
    main()
