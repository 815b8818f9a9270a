"""Rows of scan fields from the JSON that Suite2p is given for mesoscope movies, for files that do not tell them."""

import json
from pathlib import Path
from typing import Any

from groundtrace.errors import InputError
from groundtrace.movies.raw import ScanField


def lines_file(path: Path) -> Path | None:
    """Suite2p's JSON of a movie: it has the movie's name and the suffix `.json`."""
    found = path.with_suffix(".json")
    return found if found.is_file() and _lines(found) is not None else None


def line_fields(path: Path, height: int, width: int) -> tuple[ScanField, ...]:
    """Scan fields of a movie by the key `lines` of its JSON: a list of rows for each; none without such a file.

    It has no size of a pixel: that is the sheet's.
    """
    file = lines_file(path)
    if file is None:
        return ()
    fields = []
    for rows in _lines(file) or ():
        if not rows or rows != list(range(rows[0], rows[0] + len(rows))) or rows[0] < 0 or rows[-1] >= height:
            raise InputError(
                f"{file}: `lines` must be a list of consecutive rows, from 0 to {height - 1}, for each scan field; "
                "correct it, or move the file away"
            )
        fields.append(ScanField(rows[0], len(rows), width))
    return tuple(fields)


def _lines(file: Path) -> list[list[int]] | None:
    try:
        content: Any = json.loads(file.read_bytes())
    except ValueError:
        return None
    found = content.get("lines") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(rows, list) for rows in found):
        return None
    return [[int(row) for row in rows] for rows in found] or None
