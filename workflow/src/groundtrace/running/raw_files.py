"""Whether raw files still are what a session was made from, wherever they lie now: by SHA-256, asked when size, time or
place have changed."""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.errors import InputError
from groundtrace.io import write_text
from groundtrace.sessions import Session

Seen = list[str | int]
"""Path, bytes and time of change (ns) of an entry of the sheet."""


def present(session: Session, given: Sequence[str]) -> list[Path]:
    """What a job is given to read; raises InputError when there is nothing."""
    try:
        return [Path(name) for name in given] or session.files()
    except InputError as error:
        raise InputError(f"{error}; copy the raw data back, or correct the column path of the sheet") from None


def note(session: Session, read: Sequence[Path], made: Path) -> None:
    """Note, beside the acquisition.json that is made of them, which files were read."""
    _write(made, [file.as_posix() for file in read], [_seen(session, file) for file in read])


def as_read(session: Session, files: Sequence[Path], made: Path) -> list[str | None]:
    """For each file that holds what the acquisition.json `made` was made from, the path under which it was read; None
    for one that is new or has changed."""
    ledger = _ledger(made)
    if not made.exists() or not ledger.exists():
        return [None] * len(files)
    known = json.loads(ledger.read_text(encoding="utf-8"))
    sources = Acquisition.read(made).sources
    if not len(files) == len(sources) == len(known["read"]):
        return [None] * len(files)
    now = [_seen(session, file) for file in files]
    same = [
        seen == before or (seen[1] == before[1] and _has(session, file, source.sha256))
        for seen, before, file, source in zip(now, known["seen"], files, sources, strict=True)
    ]
    if all(same) and now != known["seen"]:
        _write(made, known["read"], now)
    return [path if equal else None for path, equal in zip(known["read"], same, strict=True)]


def _has(session: Session, file: Path, sha256: str) -> bool:
    print(f"{file} was moved, copied or touched: comparing it with what was read before", file=sys.stderr)
    whole = hashlib.sha256()
    for part in _parts(session, file):
        with part.open("rb") as handle:
            while chunk := handle.read(2**22):
                whole.update(chunk)
    return whole.hexdigest() == sha256


def _seen(session: Session, file: Path) -> Seen:
    states = [part.stat() for part in _parts(session, file)]
    return [
        file.as_posix(),
        sum(state.st_size for state in states),
        max((state.st_mtime_ns for state in states), default=0),
    ]


def _parts(session: Session, file: Path) -> tuple[Path, ...]:
    return session.files_behind(file)


def _ledger(made: Path) -> Path:
    return made.with_name("raw_files.json")


def _write(made: Path, read: Sequence[str], seen: Sequence[Seen]) -> None:
    write_text(_ledger(made), json.dumps({"read": read, "seen": seen}, indent=2))
