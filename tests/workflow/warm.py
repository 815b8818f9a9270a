"""Snakemake in forks of a process that has imported it: its imports take longer than to plan a small study.

Reads commands from standard input, one a line, as JSON: folder, arguments, environment, and the file that gets what is
printed. Answers each with its exit status.
"""

import json
import os
import sys
import traceback
from importlib import import_module

PRELOADED = ("snakemake.cli", "snakemake.persistence", "snakemake.report", "sqlmodel", "pandas", "pulp", "pydantic")
"""Nothing of groundtrace: a test may have edited its own copy."""


def run(folder: str, arguments: list[str], environment: dict[str, str], output: str) -> int:
    """Start one command, wait for it, and return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        become(folder, arguments, environment, output)
        sys.modules["snakemake.cli"].main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, this is a process of its own
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def become(folder: str, arguments: list[str], environment: dict[str, str], output: str) -> None:
    """Make this process what `python -m snakemake` would be."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    sys.orig_argv = [sys.executable, "-m", "snakemake", *arguments]
    sys.path[0:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    for line in sys.stdin:
        print(run(**json.loads(line)), flush=True)
