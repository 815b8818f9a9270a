"""Asks the raw files of sessions that are not ingested yet for what the sheet leaves to them, before any job starts."""

import time
from collections.abc import Iterable
from pathlib import Path

from groundtrace.running.layout import Entry
from groundtrace.sessions import Session
from groundtrace.sheet import Sheet

PATIENCE = 10.0
"""Seconds after which no other file is asked: what is left is found by its job."""


def unanswered(sheet: Sheet, entries: Iterable[Entry], patience: float = PATIENCE) -> list[str]:
    """A line for each row whose raw file does not tell what the row leaves empty, such as the frame rate, or has other
    planes, channels or scan fields; rows without a frame rate are asked first."""
    from groundtrace.movies.asking import ask

    began, found = time.monotonic(), {}
    for key, session in _to_ask(sheet, entries):
        if time.monotonic() - began > patience:
            break
        found[key] = ask(session, Path(session.named()[0]))
    return [f"{sheet.rows[key]}: {found[key]}" for key in sheet.sessions if found.get(key)]


def _to_ask(sheet: Sheet, entries: Iterable[Entry]) -> list[tuple[str, Session]]:
    made = {entry.session for entry in entries if entry.file("ingest").exists()}
    chosen = [
        (key, session)
        for key, session in sheet.sessions.items()
        if session.path is not None and not session.adopted and key not in sheet.missing and key not in made
    ]
    return sorted(chosen, key=lambda pair: pair[1].frame_rate is not None)
