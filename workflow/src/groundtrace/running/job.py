"""One job's log: everything that a step prints, and at its end, when it failed, one line that says why."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundtrace.errors import GroundtraceError
from groundtrace.notices import Notice, noting
from groundtrace.running.claim import STOPPED, lock

INTERRUPTED = "interrupted (Ctrl-C); run the same command again"
"""What a step says that was sent SIGINT."""


class Stopped(BaseException):
    """SIGTERM, as scancel, a time limit and a drained node send it: the block ends as after any error."""


@contextmanager
def job(log: str) -> Iterator[list[Notice]]:
    """Send what the block prints, also from C code, to the file `log`; yield what it has to say of its result.

    A failure ends the log with a line `error: …`; the study report shows it. An error in the user's input ends the
    process with that line alone, anything else with its traceback as well.

    The log is locked as long as this process or a child of it lives: another process that comes to do the same step,
    because a run was killed and its jobs were not, waits for its end. The kernel's lock goes with its owner.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("a", encoding="utf-8") as file:
        if not lock(file, wait=False):
            print(f"{log}: an earlier job still writes it; waiting for its end", file=sys.stderr, flush=True)
            lock(file, wait=True)
        file.truncate(0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    warnings.showwarning = _show_warning
    signal.signal(signal.SIGTERM, _stop)
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    try:
        with noting() as notices:
            yield notices
    except KeyboardInterrupt:
        _say(f"error: {INTERRUPTED}", terminal)
        raise SystemExit(1) from None
    except (GroundtraceError, Stopped) as error:
        _say(f"error: {error}", terminal)
        raise SystemExit(1) from None
    except BaseException as error:  # noqa: BLE001 - said in the log and on the terminal, then the process ends
        traceback.print_exc()
        _say(f"error: {type(error).__name__}: {error}", terminal)
        raise SystemExit(1) from None


def _say(line: str, terminal: int) -> None:
    print(line, file=sys.stderr, flush=True)
    os.write(terminal, f"{line}\n".encode())


def _stop(number, frame) -> None:
    raise Stopped(STOPPED)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)
