"""What a user should know of the raw files."""

from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.notices import notice


def note(path: Path, sentence: str, kind: str = "raw_file") -> None:
    """Say with one sentence what was found in a raw file, and what to do about it.

    What is kept has the file's name alone: where it lies must not change a result.
    """
    notice(kind, f"{path}: {sentence}", kept=f"{path.name}: {sentence}")


def tell_cut_short(path: Path, whole: int, expected: int | None = None) -> None:
    """Of a file that ends inside a frame; raises InputError when none is whole."""
    if not whole:
        raise InputError(f"{path}: is cut short inside its first frame; copy it again from the microscope")
    of = f" of {expected}" if expected else ""
    note(
        path,
        f"is cut short: its first {whole}{of} frames are read, all that are whole; if the original is longer, "
        "copy it again",
        "cut_short",
    )
