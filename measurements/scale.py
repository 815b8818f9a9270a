"""What Snakemake costs over thousands of sessions that are done: CPU time and memory of the plan, not of the science.

    python measurements/scale.py [--sessions 3000] [--folder DIR]

Runs one tiny recording for real, gives its results, with Snakemake's records of them, to all other sessions of the
sheet (hard links, same times), lets the workflow make the study page of all, and prints CPU seconds, seconds and peak
memory of plans and of `make status`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config", "envs", "profiles", "resources", "workflow")
MODEL = "s0000"
"""Subject of the session that is really run; the name stands nowhere else in Snakemake's records."""
METADATA = Path(".snakemake/metadata")
NAME_MAX = 254
"""Snakemake cuts names of records that are longer into folders; ours must be shorter."""


def snakemake(*arguments: str) -> list[str]:
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--configfile", "scale.yaml"]
    return [*command, *arguments]


def write_project(folder: Path, subjects: list[str]) -> None:
    """The workflow by links, a config, and a sheet of recordings that are one file under many names."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if not (folder / part).exists():
            (folder / part).symlink_to(ROOT / part)
    (folder / "scale.yaml").write_text(yaml.safe_dump({"sessions": "scale.tsv"}))
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    if not (raw / f"{MODEL}.npy").exists():
        np.save(raw / f"{MODEL}.npy", np.random.default_rng(0).poisson(50, (200, 64, 64)).astype(np.uint16))
    for subject in subjects:
        if not (raw / f"{subject}.npy").exists():
            (raw / f"{subject}.npy").hardlink_to(raw / f"{MODEL}.npy")
    rows = [f"{subject}\t1\traw/{subject}.npy\t30\tGCaMP6s\n" for subject in subjects]
    (folder / "scale.tsv").write_text("subject\tsession\tpath\tframe_rate\tindicator\n" + "".join(rows))


def multiply(folder: Path, subjects: list[str]) -> None:
    """Give every subject the model's results and Snakemake's records of them."""
    files = [path for path in (folder / "results").rglob("*") if path.is_file() and f"sub-{MODEL}" in path.as_posix()]
    records = {
        urlsafe_b64decode(path.name).decode(): path.read_text()
        for path in (folder / METADATA).iterdir()
        if path.is_file()
    }
    records = {key: text for key, text in records.items() if f"sub-{MODEL}" in key}
    for subject in subjects:
        for path in files:
            link = Path(path.as_posix().replace(f"sub-{MODEL}", f"sub-{subject}"))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(path)
        for key, text in records.items():
            name = urlsafe_b64encode(key.replace(MODEL, subject).encode()).decode()
            assert len(name) < NAME_MAX, name
            (folder / METADATA / name).write_text(text.replace(MODEL, subject))


def measure(what: str, command: list[str], folder: Path) -> str:
    """Print CPU seconds, seconds and peak memory of a command that must succeed; return what it said."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(said[-3000:])
    cpu = used.ru_utime + used.ru_stime
    print(f"{what:30s} {cpu:6.1f} CPU s {seconds:7.1f} s {used.ru_maxrss / 1024:6.0f} MB", flush=True)
    return said


def build(folder: Path, sessions: int) -> None:
    write_project(folder, [MODEL])
    subprocess.run(snakemake(), cwd=folder, check=True, capture_output=True)
    subjects = [f"s{number:04d}" for number in range(1, sessions + 1)]
    write_project(folder, subjects)
    multiply(folder, subjects)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=3000)
    parser.add_argument("--folder", type=Path, help="keep everything here; an existing tree is measured again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        if not (folder / "scale.tsv").exists():
            build(folder, given.sessions)
            measure("the study page", snakemake(), folder)
        said = measure("nothing to do", snakemake(), folder)
        assert "Nothing to be done" in said, said[-3000:]
        measure("dry run", snakemake("-n"), folder)
        measure("dry run, a tenth", snakemake("-n", "--batch", "study=1/10"), folder)
        os.environ["PYTHONPATH"] = str(ROOT / "workflow/src")
        measure("status", [sys.executable, "-m", "groundtrace.running.status", "scale.yaml"], folder)
        # A step of one session is missing, as in the middle of a long run.
        (folder / f"results/sub-s{1:04d}/ses-1/plane-0/report-default.html").rename(folder / "report.html")
        measure("dry run, one session to do", snakemake("-n"), folder)
        (folder / "report.html").rename(folder / f"results/sub-s{1:04d}/ses-1/plane-0/report-default.html")


if __name__ == "__main__":
    main()
