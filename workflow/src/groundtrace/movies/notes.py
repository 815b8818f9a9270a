"""What a user should know of the raw files: said in the log of the job, and kept for the page."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from groundtrace.errors import InputError

_KEPT: ContextVar[list[str] | None] = ContextVar("kept", default=None)


def note(path: Path, sentence: str) -> None:
    """Warn with one sentence: what was found in a raw file, and what to do about it.

    What is kept has the file's name alone: where it lies must not change a result.
    """
    kept, told = _KEPT.get(), f"{path.name}: {sentence}"
    if kept is not None and told not in kept:
        kept.append(told)
    warnings.warn(f"{path}: {sentence}", stacklevel=3)


def tell_cut_short(path: Path, whole: int, expected: int | None = None) -> None:
    """Of a file that ends inside a frame; raises InputError when none is whole."""
    if not whole:
        raise InputError(f"{path}: is cut short inside its first frame; copy it again from the microscope")
    of = f" of {expected}" if expected else ""
    note(
        path,
        f"is cut short: its first {whole}{of} frames are read, all that are whole; if the original is longer, "
        "copy it again",
    )


@contextmanager
def noting() -> Iterator[list[str]]:
    """Keep the sentences of the notes made inside, each once."""
    kept: list[str] = []
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)
