"""One job's log: everything that a step prints, and at its end, when it failed, one line that says why."""

import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundtrace.errors import GroundtraceError


@contextmanager
def job(log: str) -> Iterator[None]:
    """Send what the block prints, also from C code, to the file `log`.

    A failure ends the log with a line `error: …`; the study report shows it. An error in the user's input ends the
    process with that line alone, anything else with its traceback as well.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    warnings.showwarning = _show_warning
    try:
        yield
    except GroundtraceError as error:
        _say(f"error: {error}", terminal)
        raise SystemExit(1) from None
    except BaseException as error:  # noqa: BLE001 - said in the log and on the terminal, then the process ends
        traceback.print_exc()
        _say(f"error: {type(error).__name__}: {error}", terminal)
        raise SystemExit(1) from None


def _say(line: str, terminal: int) -> None:
    print(line, file=sys.stderr, flush=True)
    os.write(terminal, f"{line}\n".encode())


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)
