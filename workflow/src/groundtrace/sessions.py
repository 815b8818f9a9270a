"""The sample sheet: one row per recording."""

import csv
import difflib
import glob
import os
import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from natsort import natsorted
from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from groundtrace.acquisition import session_key
from groundtrace.errors import InputError
from groundtrace.indicators import indicators
from groundtrace.section import Section

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")]

Format = Literal[
    "tiff",
    "hdf5",
    "nwb",
    "zarr",
    "npy",
    "scanbox",
    "bruker",
    "thor",
    "femtonics",
    "micromanager",
    "inscopix",
]
SUFFIXES: dict[str, Format] = {
    ".tif": "tiff",
    ".tiff": "tiff",
    ".btf": "tiff",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".nwb": "nwb",
    ".zarr": "zarr",
    ".npy": "npy",
    ".sbx": "scanbox",
    ".mesc": "femtonics",
    ".isxd": "inscopix",
}


class Session(Section):
    """One recording: one row of the sheet."""

    subject: Label
    """Animal; letters, digits, underscores."""
    session: Label
    """Of this animal."""
    date: str | None = None
    """YYYYMMDD or YYYY-MM-DD."""
    path: str | None = None
    """One file, several separated by `;`, or a glob; several are concatenated in natural order. Relative paths start
    at the folder in which Snakemake runs."""
    format: Format | None = None
    """Empty takes it from the file's suffix."""
    planes: PositiveInt = 1
    """Imaging planes interleaved in the file."""
    channels: PositiveInt = 1
    """Colour channels interleaved in the file."""
    functional_channel: PositiveInt = 1
    """1-based; the channel with the calcium indicator."""
    motion_channel: PositiveInt | None = None
    """1-based; the channel on which motion is estimated, such as a structural red one; the functional one is moved as
    found there. Empty is the functional channel."""
    frame_rate: PositiveFloat | None = Field(default=None, le=10_000)
    """Hz per plane (volume rate); empty takes it from the file's metadata."""
    pixel_size: PositiveFloat | None = Field(default=None, le=100)
    """µm; empty takes it from the file's metadata when it is there."""
    indicator: str
    """A name from `resources/indicators.tsv`."""
    location: str | None = None
    """Brain area."""
    simulate: str | None = None
    """A name under `simulation` in the config, instead of a path."""

    @field_validator("date")
    @classmethod
    def _date_is_real(cls, value: str | None) -> str | None:
        if value is None:
            return None
        for pattern in ("%Y%m%d", "%Y-%m-%d"):
            try:
                return datetime.strptime(value, pattern).strftime("%Y%m%d")
            except ValueError:
                continue
        raise ValueError(f"{value!r} is not a date; write YYYYMMDD or YYYY-MM-DD")

    @field_validator("indicator")
    @classmethod
    def _indicator_is_known(cls, value: str) -> str:
        known = {name.lower(): name for name in indicators()}
        if value.lower() in known:
            return known[value.lower()]
        close = difflib.get_close_matches(value.lower(), list(known), n=1)
        hint = f"; did you mean {known[close[0]]!r}?" if close else ""
        raise ValueError(
            f"{value!r} is not known; known are {', '.join(known.values())}{hint} "
            "(add a line to resources/indicators.tsv for another)"
        )

    @model_validator(mode="after")
    def _source_and_channels(self) -> "Session":
        if (self.path is None) == (self.simulate is None):
            raise ValueError("fill either path or simulate, one of the two")
        if self.functional_channel > self.channels:
            raise ValueError(f"functional_channel {self.functional_channel} is beyond the {self.channels} channel(s)")
        if self.motion_channel is not None and self.motion_channel > self.channels:
            raise ValueError(f"motion_channel {self.motion_channel} is beyond the {self.channels} channel(s)")
        if self.simulate is not None and self.frame_rate is None:
            raise ValueError("a simulated session needs frame_rate (Hz)")
        return self

    @property
    def other_channel(self) -> bool:
        """Motion is estimated on another channel than the functional one."""
        return self.motion_channel not in (None, self.functional_channel)

    @property
    def key(self) -> str:
        return session_key(self.subject, self.session, self.date)

    def files(self) -> list[Path]:
        """Raw files in natural order; empty for a simulated session. Raises ValueError when one is missing."""
        if self.path is None:
            return []
        found: list[str] = []
        for part in filter(None, (part.strip() for part in self.path.split(";"))):
            matches = natsorted(glob.glob(part)) if glob.has_magic(part) and not Path(part).exists() else [part]
            if not matches:
                raise ValueError(f"{part!r} matches no file")
            found += matches
        missing = [name for name in found if not Path(name).exists()]
        if missing:
            raise ValueError(f"{missing[0]!r} does not exist")
        if not found:
            raise ValueError(f"{self.path!r} names no file")
        if len({os.path.normpath(name) for name in found}) < len(found):
            raise ValueError(f"{self.path!r} names a file twice")
        return [Path(name) for name in found]

    def file_format(self) -> Format:
        """The format given, or that of the suffix. Raises ValueError when neither tells."""
        if self.format is not None:
            return self.format
        path = self.files()[0]
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"{path.name!r} has no suffix that names a format ({', '.join(SUFFIXES)}); fill the column format: "
                f"{', '.join(get_args(Format))}"
            )
        return SUFFIXES[path.suffix.lower()]


def read_sheet(path: Path | str, simulations: Collection[str] = ()) -> dict[str, Session]:
    """Read and check the whole sheet before any job starts; sessions by their key.

    Raises one InputError that lists every fault with row, subject, field, value and what is allowed.
    """
    path = Path(path)
    faults: list[str] = []
    sessions: dict[str, Session] = {}
    rows: dict[str, int] = {}
    for number, values in _rows(path):
        try:
            session = Session.model_validate(values)
            if session.simulate is None:
                session.file_format()
                session.files()
            elif session.simulate not in simulations:
                raise ValueError(
                    f"simulate: {session.simulate!r} is not defined under `simulation` in the config; "
                    f"defined are {', '.join(simulations) or 'none'}"
                )
        except ValidationError as error:
            faults += [f"row {number} ({_who(values)}): {line}" for line in _explain(error)]
            continue
        except ValueError as error:
            field = "" if str(error).startswith("simulate:") else "path: "
            faults.append(f"row {number} ({_who(values)}): {field}{error}")
            continue
        if session.key in sessions:
            faults.append(
                f"row {number} ({_who(values)}): the same subject, session and date as row {rows[session.key]}"
            )
        sessions[session.key], rows[session.key] = session, number
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(f"{path} is not valid:\n{listed}\nThe columns: config/README.md")
    return sessions


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Rows as dicts with their line number; empty cells left out."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; set `sessions` in the config to your sample sheet")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save it as tab-separated text") from None
    # Not splitlines: a cell may hold a form feed or another of the separators that it knows.
    lines = [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)]
    lines = [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns: {', '.join(Session.model_fields)}")
    table = [_cells(path, number, line) for number, line in lines]
    header = [cell.strip() for cell in table[0]]
    for name in header:
        if name not in Session.model_fields:
            close = difflib.get_close_matches(name, list(Session.model_fields), n=1)
            hint = f"; did you mean {close[0]!r}?" if close and len(header) > 1 else ""
            tabs = "" if len(header) > 1 else " (columns are separated by tabs)"
            raise InputError(
                f"{path}: unknown column {name!r}{tabs}; known are {', '.join(Session.model_fields)}{hint}"
            )
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


def _explain(error: ValidationError) -> list[str]:
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
