"""Snakemake in forks of a process that has imported it and the package, and read the code of all rules for their hash:
this takes longer than to plan a small study.

Reads commands from standard input, one a line, as JSON: folder, arguments, environment, and the file that gets what is
printed. Answers each with its exit status.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "workflow/src"
PRELOADED = ("snakemake.cli", "snakemake.persistence", "snakemake.report", "sqlmodel", "pandas", "pulp")
USED = ("after_error", "identity", "inputs", "plan", "requests", "starting", "status", "targets")
"""Modules of `groundtrace.running` that the rules use."""


def preload() -> None:
    """Import what every command imports, and read the code that its hashes are of."""
    sys.path.insert(0, str(SOURCE))
    for name in (*PRELOADED, "groundtrace.movies.asking", *(f"groundtrace.running.{name}" for name in USED)):
        import_module(name)
    for script in (ROOT / "workflow/scripts").glob("*.py"):
        sys.modules["groundtrace.provenance"].source_hash(str(script))
    sys.path.remove(str(SOURCE))
    sys.path_importer_cache.clear()


def forget() -> None:
    """As if nothing of the package had been imported: the project has its own copy of it, or plugins."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "groundtrace"]:
        del sys.modules[name]


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
    # Plugins are found when the config is imported.
    if Path("workflow/src").resolve() != SOURCE or environment.get("PYTHONPATH") != os.environ.get("PYTHONPATH"):
        forget()
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
    preload()
    for line in sys.stdin:
        print(run(**json.loads(line)), flush=True)
