"""The file of a person's decisions about the ROIs of a plane: `curation/<session>/plane-<n>/<recipe>.tsv`."""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError, did_you_mean

COLUMNS = ("session", "plane", "roi", "accepted", "reason", "note", "merge", "y", "x", "area", "footprint")
"""All that there are. A file needs `accepted`, and `roi` or `footprint`; y, x and area are for people."""
VERDICTS = {"true": True, "1": True, "false": False, "0": False}
LIMIT = 8 << 20
"""Bytes; 5000 ROIs of 20 rows each take 1.5 MB."""
MOST_LISTED = 8
RUN = re.compile(r"(\d{1,5}):(\d{1,5})-(\d{1,5})")

Outline = tuple[IntArray, IntArray]
"""Rows and columns of the pixels of a ROI, without the faint tail of its footprint."""


@dataclass(frozen=True)
class Decision:
    """What a person decided about one ROI."""

    row: int
    """Line of the file; 1 is the header."""
    roi: int | None
    """Its number when it was decided on. None: known by its outline alone."""
    accepted: bool
    reason: str = ""
    note: str = ""
    merge: str = ""
    """Decisions of the same name are about parts of one cell."""
    outline: Outline | None = None


@dataclass(frozen=True)
class CurationFile:
    """A curation file that is there, what it is about, and the recipe that it is named after."""

    path: Path
    session: str
    plane: int
    recipe: str

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Raises InputError with every fault of the file."""
        return read_curation(self.path, self.session, self.plane)

    @cached_property
    def digest(self) -> str:
        """Hash of what was decided; neither the name of the session nor how the file is laid out is in it."""
        told = [
            (one.row, one.roi, one.accepted, one.reason, one.note, one.merge, one.outline and outline_text(one.outline))
            for one in self.decisions
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def write_curation(decisions: Sequence[Decision], session: str, plane: int) -> str:
    """The file as text, sorted by ROI."""
    written = io.StringIO()
    table = csv.writer(written, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    for one in sorted(decisions, key=lambda one: (one.roi is None, one.roi or 0, one.row)):
        y, x = one.outline or (np.zeros(0, int), np.zeros(0, int))
        place = [_tenths(y.mean()), _tenths(x.mean()), len(y)] if len(y) else ["", "", ""]
        number = "" if one.roi is None else one.roi
        words = (one.reason, one.note, one.merge)
        table.writerow(
            [session, plane, number, str(one.accepted).lower(), *map(_plain, words), *place, outline_text((y, x))]
        )
    return written.getvalue()


def read_curation(path: Path, session: str, plane: int) -> tuple[Decision, ...]:
    """Decisions about a plane of a session; raises one InputError with every fault of the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_curation(data, session, plane, str(path))


def parse_curation(data: bytes, session: str, plane: int, name: str) -> tuple[Decision, ...]:
    """The same of the content of a file. name: of the file, for errors."""
    if len(data) > LIMIT:
        raise InputError(
            f"{name}: has {len(data) / 1e6:.0f} MB, which is no curation; at most {LIMIT >> 20} MB are read"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is no UTF-8 text; save it as text, separated by tabs") from error
    rows = list(csv.reader(io.StringIO(text), delimiter="\t"))
    header = [cell.strip() for cell in rows[0]] if rows else []
    _check_header(header, name)
    faults: list[str] = []
    decisions = []
    for line, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells):
            found, wrong = _decision(line, header, cells, session, plane)
            faults += wrong
            decisions += [found] if found else []
    faults += _disagreements(decisions)
    if faults:
        more = [f"and {len(faults) - MOST_LISTED} more"] * (len(faults) > MOST_LISTED)
        raise InputError("\n".join(f"{name}: {fault}" for fault in [*faults[:MOST_LISTED], *more]))
    return tuple(decisions)


def outline_text(outline: Outline) -> str:
    """Pixels as `y:first-last` along their rows."""
    y, x = outline
    order = np.lexsort((x, y))
    y, x = y[order], x[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(y) != 0) | (np.diff(x) != 1)]) if len(y) else np.zeros(0, int)
    ends = np.r_[starts[1:], len(y)] - 1
    return " ".join(f"{y[a]}:{x[a]}-{x[b]}" for a, b in zip(starts, ends, strict=False))


def outline_of(text: str) -> Outline | None:
    """The pixels that `outline_text` wrote; None where it is no such text."""
    y, x = [], []
    for word in text.split():
        run = RUN.fullmatch(word)
        row, first, last = map(int, run.groups()) if run else (0, 1, 0)
        if last < first:
            return None
        x.append(np.arange(first, last + 1))
        y.append(np.full(len(x[-1]), row))
    return (np.concatenate(y), np.concatenate(x)) if y else None


def _check_header(header: list[str], name: str) -> None:
    if unknown := [column for column in header if column not in COLUMNS]:
        raise InputError(
            f"{name}: unknown column {unknown[0]!r}{did_you_mean(unknown[0], COLUMNS)}; there are "
            f"{', '.join(COLUMNS)}, separated by tabs"
        )
    if twice := [column for column in header if header.count(column) > 1]:
        raise InputError(f"{name}: column {twice[0]} is there twice; leave one")
    if "accepted" not in header or not {"roi", "footprint"} & set(header):
        raise InputError(
            f"{name}: needs the columns accepted, and roi or footprint; save it again on the session's page"
        )


def _decision(
    line: int, header: list[str], cells: list[str], session: str, plane: int
) -> tuple[Decision | None, list[str]]:
    """The decision of a line, and what is wrong with it."""
    if len(cells) > len(header):
        return None, [f"line {line}: has {len(cells)} cells, the header {len(header)}"]
    row = dict.fromkeys(COLUMNS, "") | {column: cell.strip() for column, cell in zip(header, cells, strict=False)}
    faults = [*_other_plane(row, session, plane)]
    if row["accepted"].lower() not in VERDICTS:
        faults.append(f"accepted: {row['accepted']!r} is not allowed; write true or false")
    if row["roi"] and not row["roi"].isdecimal():
        faults.append(f"roi: {row['roi']!r} is no number of a ROI: 0, 1, 2, …")
    outline = outline_of(row["footprint"]) if row["footprint"] else None
    if row["footprint"] and outline is None:
        faults.append(f"footprint: {row['footprint'][:40]!r} is not `y:first-last y:first-last …` (px); leave it empty")
    if not row["roi"] and not row["footprint"]:
        faults.append("neither roi nor footprint says which ROI it is about; give one, or delete the line")
    if faults:
        return None, [f"line {line}: {fault}" for fault in faults]
    number = int(row["roi"]) if row["roi"] else None
    verdict = VERDICTS[row["accepted"].lower()]
    return Decision(line, number, verdict, row["reason"], row["note"], row["merge"], outline), []


def _other_plane(row: dict[str, str], session: str, plane: int) -> Iterator[str]:
    if row["session"] and row["session"] != session:
        yield (
            f"session: is of {row['session']}, and lies where that of {session} belongs; move the file to the folder "
            "of its session (of one that was renamed, correct the column)"
        )
    if row["plane"] and row["plane"] != str(plane):
        yield f"plane: is of plane {row['plane']}, and lies where that of plane {plane} belongs; move the file"


def _disagreements(decisions: Sequence[Decision]) -> Iterator[str]:
    """Two lines about one ROI, and parts of one cell with different verdicts."""
    seen: dict[int, int] = {}
    merges: dict[str, Decision] = {}
    for one in decisions:
        if one.roi is not None and seen.setdefault(one.roi, one.row) != one.row:
            yield f"line {one.row}: roi: {one.roi} is decided in line {seen[one.roi]} already; leave one of them"
        if one.merge and merges.setdefault(one.merge, one).accepted != one.accepted:
            yield (
                f"line {one.row}: merge: {one.merge!r} is one cell, and line {merges[one.merge].row} decides "
                "otherwise; write the same in accepted"
            )


def _tenths(value: float) -> str:
    """With one decimal, as the page writes it."""
    return f"{math.floor(value * 10 + 0.5) / 10:.1f}"


def _plain(text: str) -> str:
    return " ".join(text.split())
