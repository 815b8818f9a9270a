"""Snakemake, and the scripts of its rules, in forks of a process that has imported what they import, and read the code
of all rules for their hash: this takes longer than most jobs of a small study.

Reads commands from standard input, one a line, as JSON: folder, arguments, environment, and the file that gets what is
printed. Answers each with its exit status. The scripts come through a socket, from `forked.py`.
"""

import ast
import atexit
import gc
import json
import os
import runpy
import selectors
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "workflow/src"
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
PRELOADED = (
    *(f"snakemake.{name}" for name in ("cli", "persistence", "report", "report.html_reporter", "storage")),
    *("sqlmodel", "pandas", "pulp", "requests", "smart_open"),
)
USED = ("after_error", "excluded", "identity", "inputs", "plan", "requests", "starting", "status", "targets")
"""Modules of `groundtrace.running` that the rules use."""
HEAVY = ("numba", "scipy.ndimage", "scipy.optimize", "scipy.signal", "torch")
"""What several scripts import where they need it."""
LARGEST_MESSAGE = 200_000
"""Bytes of an environment."""


def preload() -> None:
    """Import what every command imports, and read the code that its hashes are of."""
    import_all([*PRELOADED, "groundtrace.movies.asking", *(f"groundtrace.running.{name}" for name in USED)])
    for root in (*map(str, SCRIPTS), "groundtrace.config"):
        sys.modules["groundtrace.provenance"].source_hash(root)
    pages = sys.modules["groundtrace.report.pages"]
    for page in pages.PAGES:
        pages.identity(page)


@cache
def preload_scripts() -> None:
    """Import what the scripts import."""
    nodes = (node for script in SCRIPTS for node in ast.parse(script.read_text()).body)
    import_all([*HEAVY, *(node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module)])
    gc.freeze()


def import_all(names: list[str]) -> None:
    sys.path.insert(0, str(SOURCE))
    for name in names:
        import_module(name)
    sys.path.remove(str(SOURCE))
    sys.path_importer_cache.clear()


def forget() -> None:
    """As if nothing of the package had been imported: the project has its own copy of it, or plugins."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "groundtrace"]:
        del sys.modules[name]


def fork(act: Callable[[], None]) -> int:
    """Do it in a child that ends as a process of its own would; its process id."""
    if child := os.fork():
        return child
    status = 1
    try:
        act()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, this is a process of its own
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def become(folder: str, environment: dict[str, str], first: str) -> None:
    """Make this process what Python would be in that folder; first: of the path that modules are found in."""
    os.chdir(folder)
    path = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    # Plugins are found when the config is imported.
    if Path("workflow/src").resolve() != SOURCE or [*map(Path, path)] not in ([], [SOURCE]):
        forget()
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0:1] = [first, *path]


def run_snakemake(scripts: str, folder: str, arguments: list[str], environment: dict[str, str], output: str) -> None:
    """What `python -m snakemake` does; scripts: address that they are sent to."""
    become(folder, environment, folder)
    sys.argv = ["snakemake", *arguments]
    sys.orig_argv = [sys.executable, "-m", "snakemake", *arguments]
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    redirect([os.open(os.devnull, os.O_RDONLY), file, file])
    client = f"{sys.executable} -I -S {Path(__file__).with_name('forked.py')} {scripts}"

    def execute(script, file: str, edit: bool = False) -> None:
        script._execute_cmd("{client} {file:q}", client=client, file=file, is_python_script=True)

    sys.modules["snakemake.script"].PythonScript.execute_script = execute
    sys.modules["snakemake.cli"].main(arguments)


def run_script(files: list[int], script: str, folder: str, environment: dict[str, str]) -> None:
    """What `python <script>` does, with these files for what is read and printed."""
    redirect(files)
    become(folder, environment, str(Path(script).parent))
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")


def redirect(files: list[int]) -> None:
    """Make them standard input, output and error."""
    for stream, file in enumerate(files):
        os.dup2(file, stream)


def serve() -> None:
    """Fork for every command and every script, and tell who sent it how it ended, until there are no more commands."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as scripts, selectors.DefaultSelector() as waiting:
        scripts.bind("")  # Linux finds a free address.
        scripts.listen(64)

        def start(act: Callable[[], None], answer: Callable[[int], object]) -> None:
            child = fork(act)
            end = os.pidfd_open(child)

            def ended() -> None:
                waiting.unregister(end)
                os.close(end)
                answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

            waiting.register(end, selectors.EVENT_READ, ended)

        def script() -> None:
            preload_scripts()
            sender, _ = scripts.accept()
            message, files, *_ = socket.recv_fds(sender, LARGEST_MESSAGE, 3)

            def answer(status: int) -> None:
                sender.send(str(status).encode())
                sender.close()

            start(partial(run_script, files, **json.loads(message)), answer)
            for file in files:
                os.close(file)

        waiting.register(scripts, selectors.EVENT_READ, script)
        for line in commands(waiting):
            start(partial(run_snakemake, scripts.getsockname().hex(), **json.loads(line)), partial(print, flush=True))


def commands(waiting: selectors.BaseSelector) -> Iterator[str]:
    """Lines of standard input; while none is there, whatever else happens is dealt with."""
    waiting.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.data:
                key.data()
            elif line := sys.stdin.readline():
                yield line
            else:
                return


if __name__ == "__main__":
    preload()
    serve()
