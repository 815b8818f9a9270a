"""Opens a raw movie of any format; what its library objects to becomes an error with the next step."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.movies.formats import FORMATS
from groundtrace.movies.raw import Raw

# What the libraries behind the readers raise for a file they cannot make sense of.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,  # roiextractors, where an element of the XML is not there
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,  # XML parsers
    TypeError,
    ValueError,
    struct.error,
)


def open_raw(path: Path, name: str) -> Raw:
    """Open a raw file of the format `name`; raises InputError, naming file and next step, when it is not one."""
    format = FORMATS[name]
    if not path.exists():
        raise InputError(f"{path}: does not exist; correct the column path of the sheet")
    if path.is_dir() and not format.folder:
        raise InputError(f"{path}: is a folder; write the files in it in the column path, for example {path}/*")
    if not any(part.stat().st_size for part in format.files(path)):
        raise InputError(f"{path}: is empty; copy it again from the microscope")
    with reading(path, name):
        raw = format.open(path)
    raw.format = name
    return raw


def source_files(raw: Raw) -> tuple[Path, ...]:
    """Every file behind one entry of the sheet, in natural order."""
    return FORMATS[raw.format].files(raw.path)


@contextmanager
def reading(path: Path, name: str) -> Iterator[None]:
    """Turn the errors of the libraries into one that names the file and the next step."""
    try:
        yield
    except FAULTS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be read as {name}: {reason.rstrip('.')}; {_next_step(path, name)}") from error


def _next_step(path: Path, name: str) -> str:
    if path.is_file():
        with path.open("rb") as handle:
            start = handle.read(64)
        likely = [other for other, format in FORMATS.items() if start.startswith(format.magic)]
        if likely and name not in likely:
            return f"its content looks like {' or '.join(likely)}: write that in the column format"
        if start and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
            return "its content is text: correct the column path"
    return "check the column format; if no other program opens it either, copy it again from the microscope"
