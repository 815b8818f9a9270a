"""How far a study is: `python -m groundtrace.running.status [CONFIG ...]`, the files that `--configfile` gets.

It looks at the files that are there, at Snakemake's marks of jobs under way and at logs; it lays out no job.
"""

import argparse
import fcntl
import os
import sys
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from groundtrace.config import load
from groundtrace.errors import GroundtraceError, InputError
from groundtrace.running.layout import STAGES, Entry, Step, study_entries, told_missing
from groundtrace.sheet import read_sheet

NOT_RUN = "did not run: an earlier step failed or was never started"
STOPPED = "stopped while it ran; run the same command again"
LOG_BYTES = 200_000
"""Bytes of the end of a log that are read; errors are the last thing in it."""
LISTED = 20
"""Failures that are printed."""
STATES = ("done", "running", "failed", "to do")


@dataclass(frozen=True)
class State:
    """State of a step."""

    name: str
    """One of STATES; what a cluster has queued counts as running."""
    reason: str = ""
    log: Path | None = None


def status(entries: Sequence[Entry], working: bool, marked: frozenset[str], listed: int = LISTED) -> str:
    """What is done, running, failed (with reason and log) and to do, of each step and of each recipe.

    working: a run is under way. marked: the files that Snakemake's jobs have begun and not finished.
    """
    # Recipes and planes that share a step share its file.
    steps = {step.file: step for entry in entries for step in entry.steps}
    states: dict[Path, State] = {}
    for entry in entries:
        ready = True
        for step in entry.steps:
            if step.file not in states:
                states[step.file] = state_of(step, ready, working, marked)
            ready = ready and states[step.file].name == "done"
    stages = {
        stage.name: Counter(states[file].name for file in steps if steps[file].stage == stage.name) for stage in STAGES
    }
    recipes: dict[str, Counter[str]] = {}
    for entry in entries:
        own = {states[step.file].name for step in entry.steps}
        name = next((name for name in ("failed", "running", "to do") if name in own), "done")
        recipes.setdefault(entry.recipe, Counter())[name] += 1
    table = [("step", stage, counts) for stage, counts in stages.items() if counts]
    table += [("recipe", recipe, counts) for recipe, counts in recipes.items()]
    width = max(len(f"{kind} {name}") for kind, name, _ in table)
    lines = [f"{'':{width}}" + "".join(f"{state:>9}" for state in STATES)]
    lines += [f"{f'{kind} {name}':{width}}" + "".join(f"{n[state]:9,}" for state in STATES) for kind, name, n in table]
    failed = [(steps[file], state) for file, state in states.items() if state.name == "failed"]
    lines += ["", "failed:"] if failed else []
    lines += [f"  {state.log}: {state.reason}" for _, state in failed[:listed]]
    lines += [f"  and {len(failed) - listed:,} more; the study page lists all"] if len(failed) > listed else []
    return "\n".join(lines)


def state_of(step: Step, ready: bool, working: bool, marked: frozenset[str]) -> State:
    """A step that has a log and no result has failed, or was killed, unless it is under way.

    ready: the steps before it are done; the log of a step that is not is from an earlier time.
    """
    begun = step.file.as_posix() in marked
    if begun and working:
        return State("running")
    if step.file.exists() and not begun:
        return State("done")
    if not ready and not begun:
        return State("to do")
    reason, log = failure([step.log])
    if begun:
        return State("failed", STOPPED if log is None else reason, step.log)
    return State("to do") if log is None else State("failed", reason, log)


def failure(logs: Sequence[Path]) -> tuple[str, Path | None]:
    """Why a row failed: the last `error:` line of the newest log that has one, else the last line of the newest."""
    newest = sorted((log for log in logs if log.is_file()), key=lambda log: log.stat().st_mtime_ns, reverse=True)
    for file in newest:
        errors = [line for line in _lines(file) if line.startswith("error:")]
        if errors:
            return errors[-1].removeprefix("error:").strip(), file
    for file in newest:
        lines = [line for line in _lines(file) if line.strip()]
        if lines:
            return f"stopped without an error message; the last line of its log is: {lines[-1].strip()}", file
    return NOT_RUN, None


def under_way(folder: Path = Path(".snakemake")) -> frozenset[str]:
    """The files that Snakemake's jobs have begun and not finished."""
    return recorded(folder / "incomplete")


def recorded(marks: Path) -> frozenset[str]:
    """The files of which Snakemake keeps a mark or a record in a folder: its names are theirs, in base64."""
    found = set()
    for path in marks.rglob("*"):
        if path.is_file():
            # Names that are too long for one are cut into folders that begin with @.
            *folders, name = path.relative_to(marks).parts
            try:
                found.add(urlsafe_b64decode("".join(part[1:] for part in folders) + name).decode())
            except ValueError:
                continue  # no mark of a file
    return frozenset(found)


def is_working(results: Path, folder: Path = Path(".snakemake")) -> bool:
    """Whether a run is under way: it holds Snakemake's lock, or that of the results (a kernel lock)."""
    if any((folder / "locks").glob("*.lock")):
        return True
    try:
        with (results / ".running").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def merged(configs: Sequence[Path]) -> dict[str, Any]:
    """Config files as Snakemake joins them: later ones win, key by key."""

    def join(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
        both = {key for key in later if isinstance(later[key], dict) and isinstance(earlier.get(key), dict)}
        return earlier | later | {key: join(earlier[key], later[key]) for key in both}

    found: dict[str, Any] = {}
    for path in configs:
        if not path.is_file():
            raise InputError(f"{path} does not exist; name the config file that `snakemake --configfile` gets")
        found = join(found, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="*", type=Path, help="config files that are read over config/config.yaml")
    parser.add_argument("--all", action="store_true", help="list all failures")
    given = parser.parse_args()
    try:
        config = load(merged([Path("config/config.yaml"), *given.config]))
        sheet = read_sheet(config.sessions, config.simulation)
    except GroundtraceError as error:
        sys.exit(f"error: {error}")
    study = study_entries(config, sheet.sessions, sheet.missing)
    entries = study.rows
    for fault in [*sheet.faults, *told_missing(study)]:
        print(f"warning: {config.sessions}: {fault}", file=sys.stderr)
    if not entries:
        sys.exit(f"{config.sessions}: no session in it")
    working = is_working(config.results)
    print(f"{len(sheet.sessions):,} sessions, {len(entries):,} rows; ", end="")
    print("a run is under way\n" if working else "nothing runs\n")
    print(status(entries, working, under_way(), len(entries) if given.all else LISTED))
    from groundtrace.report.study import study_warnings, told

    if said := told(study_warnings(entries)):
        print(f"\n{said}")


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES))
        return file.read().decode(errors="replace").splitlines()


if __name__ == "__main__":
    main()
