"""A session that got another name in the sheet: recognised by its raw data, and renamed with all that was made of it.

`python -m groundtrace.running.renaming OLD NEW [CONFIG ...]`, names as the folders of the results: `sub-M01/ses-001`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from groundtrace.config import load
from groundtrace.errors import GroundtraceError, InputError
from groundtrace.io import atomic, write_text
from groundtrace.running import internals, raw_files
from groundtrace.running.status import is_working, merged, recorded
from groundtrace.sessions import Session
from groundtrace.sheet import Sheet, read_sheet

NAMED = ("acquisition.json", "motion_channel.json")
"""Files of a plane that say whose they are."""
MADE_AGAIN = ("report-*", "warnings-*", "realism-*")
"""Files of a plane that show the name of the session: they are soon made again."""


def renamed(results: Path, sheet: Sheet) -> dict[str, str]:
    """Sessions without results whose raw data are those of a folder of results that the sheet does not name any more:
    old keys by new ones."""
    lost = [made for made in results.glob("sub-*/ses-*/plane-0/acquisition.json") if _key(made) not in sheet.sessions]
    new = [
        (key, session)
        for key, session in sheet.sessions.items()
        if session.path is not None and key not in sheet.missing and not (results / key).exists()
    ]
    return {key: _key(made) for key, session in new for made in lost if _made_of(session, made)}


def advice(results: Path, sheet: Sheet) -> Iterable[str]:
    """A line for each session that seems to be renamed."""
    for new, old in renamed(results, sheet).items():
        yield (
            f"{sheet.rows[new]}: its raw data are those of {results / old}, which the sheet does not name any more; to "
            f"keep what was made of them: PYTHONPATH=workflow/src python -m groundtrace.running.renaming {old} {new}"
        )


def rename(results: Path, curation: Path, old: str, session: Session) -> None:
    """Move all that was made of a session under its new name, and what a person decided about its ROIs; of its tables
    only pages are made again."""
    moved = {}
    for folder in (results, results / "logs", results / "timings", curation):
        source, target = folder / old, folder / session.key
        if source.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            moved[source.as_posix()] = target.as_posix()
            if not any(source.parent.iterdir()):
                source.parent.rmdir()
    internals.rename_records(recorded(Path(".snakemake/metadata")), moved)
    for plane in (results / session.key).glob("plane-*"):
        for name in filter(Path.exists, map(plane.joinpath, NAMED)):
            _call(name, session)
        for file in (file for pattern in MADE_AGAIN for file in plane.glob(pattern)):
            file.unlink()
    for file in (curation / session.key).glob("plane-*/*.tsv"):
        text = file.read_text(encoding="utf-8")
        write_text(file, text.replace(f"\n{old}\t", f"\n{session.key}\t"))


def _key(made: Path) -> str:
    return made.parent.parent.relative_to(made.parents[3]).as_posix()


def _made_of(session: Session, made: Path) -> bool:
    """Whether the acquisition.json `made` was made of the raw files of a session, read as it is to be read now."""
    history = json.loads(made.read_bytes()).get("history", [])
    if not history or history[0].get("parameters") != session.reading():
        return False
    return all(raw_files.as_read(session, session.files(), made))


def _call(file: Path, session: Session) -> None:
    """Give a file its new name inside, and its old time: its content is no other to those that were made of it."""
    content: dict[str, Any] = json.loads(file.read_bytes())
    content |= {"subject": session.subject, "session": session.session, "date": session.date}
    state = file.stat()
    with atomic(file) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def _checked(results: Path, old: str, new: str, sheet: Sheet) -> Session:
    """The session of the new name; raises InputError where it cannot be that of the old one."""
    if new not in sheet.sessions or old in sheet.sessions:
        named, wrong = ("does not name", new) if new not in sheet.sessions else ("still names", old)
        raise InputError(f"{sheet.path} {named} {wrong}; write the new name into the sheet first")
    if renamed(results, sheet).get(new) != old:
        raise InputError(
            f"{results / old} was not made of the raw data of {new}, or is read otherwise, or {results / new} is there "
            "already; run the workflow, which makes it"
        )
    return sheet.sessions[new]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", help="as the folder of the results: sub-M01/ses-001")
    parser.add_argument("new", help="as the sheet has it now")
    parser.add_argument("config", nargs="*", type=Path, help="config files that are read over config/config.yaml")
    given = parser.parse_args()
    try:
        config = load(merged([Path("config/config.yaml"), *given.config]))
        sheet = read_sheet(config.sessions, config.simulation)
        session = _checked(config.results, given.old, given.new, sheet)
        if is_working(config.results):
            raise InputError(f"{config.results}: a run is under way; wait for its end")
        rename(config.results, config.curation, given.old, session)
    except GroundtraceError as error:
        sys.exit(f"error: {error}")
    print(f"{given.old} is now {given.new}; run the workflow, which makes its pages again")


if __name__ == "__main__":
    main()
