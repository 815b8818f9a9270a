"""The sample sheet: reads and checks all of it before any job starts."""

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from groundtrace.errors import InputError, did_you_mean
from groundtrace.movies.excluded import read_excluded
from groundtrace.movies.z_stack import stack_shape
from groundtrace.section import Section
from groundtrace.sessions import Session

MISSPELT = 0.75
"""Likeness from which a name is a column misspelt; below it is the lab's own (`depth` is like `path` by 0.67)."""


@dataclass(frozen=True)
class Sheet:
    """What a sample sheet says."""

    path: Path
    sessions: dict[str, Session]
    """By key: of the rows that are valid."""
    rows: dict[str, str]
    """By key: which row it is."""
    faults: list[str]
    """In the order of rows; each with row, subject, field, value and what is allowed."""
    missing: dict[str, str]
    """Of valid rows, by key of the session: which raw data are not there. No fault of the sheet: what was made of them
    before is still good."""
    text: str = ""
    """The file as it was read."""

    def refuse(self, faults: Collection[str]) -> None:
        """Raise one InputError that lists every fault, if there is one."""
        if faults:
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise InputError(f"{self.path} is not valid:\n{listed}\nThe columns: config/README.md")

    def valid(self) -> dict[str, Session]:
        """All sessions; raises one InputError that lists every fault."""
        self.refuse(self.faults)
        return self.sessions


def read_sheet(path: Path | str, simulations: Collection[str] = (), kept: Path | None = None) -> Sheet:
    """Read and check the whole sheet before any job starts. kept: a copy of it, which is read instead."""
    sheet = Sheet(Path(path), {}, {}, [], {}, _text(Path(path), kept))
    for number, values in rows_of(sheet.path, sheet.text, Session):
        who = f"row {number} ({_who(values)})"
        try:
            session = _session(values, simulations)
        except ValidationError as error:
            sheet.faults.extend(f"{who}: {line}" for line in explain(error))
            continue
        except ValueError as error:
            sheet.faults.append(f"{who}: {error}")
            continue
        key = session.key
        if key in sheet.rows:
            first = sheet.rows[key].partition(" (")[0]
            sheet.faults.append(f"{who}: the same subject, session and date as {first}")
            continue
        sheet.sessions[key], sheet.rows[key] = session, who
        try:
            session.files()
        except InputError as error:
            sheet.missing[key] = f"{who}: path: {error}"
    return sheet


def _session(values: dict[str, Any], simulations: Collection[str]) -> Session:
    session = Session.of_row(values)
    if session.simulate is not None and session.simulate not in simulations:
        raise ValueError(
            f"simulate: {session.simulate!r} is not defined under `simulation` in the config; "
            f"defined are {', '.join(simulations) or 'none'}"
        )
    try:
        session.formats()
    except ValueError as error:
        raise ValueError(f"path: {error}") from None
    if session.exclude:
        try:
            read_excluded(session.exclude)
        except InputError as error:
            raise ValueError(f"exclude: {error}") from None
    if session.z_stack:
        try:
            stack_shape(session.z_stack)
        except InputError as error:
            raise ValueError(f"z_stack: {error}") from None
    return session


def _text(path: Path, kept: Path | None) -> str:
    if not (kept or path).is_file():
        raise InputError(f"{path} does not exist; set `sessions` in the config to your sample sheet")
    return read_text(kept or path)


def read_text(file: Path) -> str:
    """The text of a sheet; raises InputError where it is none."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not UTF-8 text; save it as tab-separated text") from None


def rows_of(path: Path, text: str, kind: type[Section]) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a sheet as dicts with their line number; empty cells left out. The fields of `kind` are its columns.

    path: of the sheet, for errors.
    """
    fields = kind.model_fields
    # Not splitlines: a cell may hold a form feed or another of the separators that it knows.
    lines = [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)]
    lines = [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns: {', '.join(fields)}")
    table = [_cells(path, number, line) for number, line in lines]
    header = [cell.strip() for cell in table[0]]
    for name in header:
        alone = len(header) == 1
        near = "" if alone else did_you_mean(name, fields, MISSPELT)
        if name not in fields and (near or not name or alone):
            tabs = " (columns are separated by tabs)" if alone else ""
            raise InputError(f"{path}: unknown column {name!r}{tabs}; known are {', '.join(fields)}{near}")
    if len(set(header)) < len(header):
        raise InputError(f"{path}: a column is named twice in {', '.join(header)}")
    rows = []
    for (number, _), cells in zip(lines[1:], table[1:], strict=True):
        if len(cells) > len(header):
            raise InputError(f"{path}: row {number} has {len(cells)} cells, the header {len(header)}; check the tabs")
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        rows.append((number, values))
    return rows


def _cells(path: Path, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        raise InputError(f"{path}: row {number}: a cell starts with a quote that is not closed; remove it") from None


def _who(values: dict[str, Any]) -> str:
    return " ".join(filter(None, (f"sub-{values.get('subject', '?')}", f"ses-{values.get('session', '?')}")))


def explain(error: ValidationError) -> list[str]:
    """One line per fault of a row: field, value, what is allowed."""
    lines = []
    for fault in error.errors():
        field = ".".join(str(step) for step in fault["loc"])
        if fault["type"] == "missing":
            lines.append(f"{field}: is empty, and it has no default")
        elif fault["type"] == "value_error":
            message = fault["msg"].removeprefix("Value error, ")
            lines.append(f"{field}: {message}" if field else message)
        elif fault["type"] == "string_pattern_mismatch":
            prefix = next((part for part in ("sub-", "ses-") if fault["input"].startswith(part)), None)
            hint = f", without the prefix {prefix}" if prefix else ""
            lines.append(f"{field}: {fault['input']!r} is not allowed; use letters, digits and underscores{hint}")
        else:
            lines.append(f"{field}: {fault['input']!r} is not allowed: {fault['msg'][0].lower()}{fault['msg'][1:]}")
    return lines
