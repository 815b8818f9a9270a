"""One run at a time works on a folder of results, and what a killed run left behind is settled before the next."""

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from groundtrace.errors import BackendError, InputError

CANCELLED_WITHIN = 600.0
"""Seconds that Slurm gets to end the jobs of a killed run; a node that does not answer takes its time."""
STOPPED = "stopped from outside: cancelled, at its time limit, or its node was taken away; run the same command again"
"""What a step says that was sent SIGTERM."""
MEANING = {
    "OUT_OF_MEMORY": "(it needed more than its mem_mb; see «memory» in docs/cluster.md)",
    "TIMEOUT": "(it needed more than its runtime; see «time» in docs/cluster.md)",
    "CANCELLED": "(scancel)",
    "NODE_FAIL": "(its node went down; run again)",
}
"""Explanations of Slurm's states, for the study page."""
_held: IO[str] | None = None


def claim(results: Path | str) -> dict[str, Any] | None:
    """Claim the folder for this process, until it ends; return what a killed run had noted and `since` when,
    None when there was none.

    The claim is a kernel lock on the file `.running`: it ends with its process, also when that is killed, so it is
    never stale. Raises InputError when another process has it.
    """
    global _held
    path = Path(results, ".running")
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        file = opened.enter_context(path.open("a+", encoding="utf-8"))
        free = lock(file, wait=False)
        file.seek(0)
        try:
            noted = json.loads(file.read() or "null")
        except ValueError:
            raise InputError(f"{path} cannot be read; when no run works on these results, delete it") from None
        if not free:
            who = f"process {noted['process']} on {noted['host']}" if noted else "a process that has just started"
            raise InputError(
                f"{results}: another run works on these results ({who}); wait for its end, or stop it there"
            )
        opened.pop_all()
    if noted:
        # By the clock that also dates the results.
        noted["since"] = os.fstat(file.fileno()).st_mtime
    _held = file
    return noted


def note(slurm: str | None) -> None:
    """Note in the claimed folder who works on it; `slurm` is the name that the run gives to its Slurm jobs."""
    me = {"process": os.getpid(), "host": socket.gethostname(), "slurm": slurm}
    _write(json.dumps(me))


def release() -> None:
    """End the claim; the run's jobs have all ended."""
    global _held
    if _held is not None:
        _write("")
        _held.close()
        _held = None


def cancel(slurm: str, within: float = CANCELLED_WITHIN) -> list[str]:
    """Cancel the Slurm jobs of a killed run and wait until they are gone; return their ids."""
    if not shutil.which("squeue"):
        raise InputError(
            f"Slurm jobs named {slurm} of a run that was killed may still write results, and there is no squeue here; "
            f"run where Slurm is, or, when they are gone, delete the file .running in the results"
        )
    queue = ["squeue", "--noheader", "--format=%i", f"--name={slurm}"]
    found = _output(queue)
    if found:
        _output(["scancel", f"--name={slurm}"])
    deadline = time.monotonic() + within
    while left := _output(queue):
        if time.monotonic() > deadline:
            raise BackendError(f"Slurm jobs {', '.join(left)} of a killed run do not end; ask squeue and scancel why")
        time.sleep(1)
    return found


def lock(file: IO[str], wait: bool) -> bool:
    """Lock an open file for this process and its children; False when another has it and `wait` is False.

    A disk that knows no locks (a Lustre mounted without `flock`) counts as free, with a warning.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        print(f"warning: {file.name} cannot be locked ({error.strerror}): never start two runs at once on this disk")
    return True


def explain(log: str) -> None:
    """Give steps that were killed, and could not say why themselves, a last line in their log with Slurm's reason.

    log: what Snakemake's main process has logged.
    """
    for block in re.split(r"\n(?=\[\w{3} \w{3} [ \d]\d )", log):
        status = re.search(r"SLURM-job '(\S+)' failed, SLURM status is: '(\w+)'", block)
        named = re.findall(r"^ +log: (.+) \(check log file", block, re.M) if status else []
        logs = [Path(name) for names in named for name in names.split(", ") if ".snakemake" not in name]
        # Of a group's steps the last that began is the one that was killed.
        last = max((path for path in logs if path.is_file()), key=lambda path: path.stat().st_mtime_ns, default=None)
        if status and last and not _explained(last):
            reason = f"error: Slurm ended job {status[1]}: {status[2]} {MEANING.get(status[2], '')}"
            with last.open("a", encoding="utf-8") as file:
                file.write(f"{reason.strip()}\n")


def _explained(log: Path) -> bool:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.startswith("error:") and STOPPED not in line for line in lines)


def _write(text: str) -> None:
    assert _held is not None, "claim comes first"
    _held.seek(0)
    _held.truncate()
    _held.write(text)
    _held.flush()


def _output(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackendError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.split()
