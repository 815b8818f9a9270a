"""Names of Snakemake that are not public, as this version has them; a real run of two jobs asks for each."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from groundtrace.errors import InputError
from groundtrace.running import internals

SNAKEFILE = """
import math
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil

from groundtrace.running import internals


def told(name, call):
    # Before the run begins.
    try:
        print("TOLD", name, call())
    except Exception as error:
        print("TOLD", name, f"{type(error).__name__}: {error}")


told("is_batched", lambda: internals.is_batched(workflow))
told("limit_memory", lambda: (internals.limit_memory(workflow, 1234), workflow.global_resources["mem_mb"].value)[1])


rule all:
    input:
        "b.txt",


rule a:
    output:
        "a.txt",
    shell:
        "touch {output}"


rule b:
    input:
        "a.txt",
    output:
        "b.txt",
    shell:
        "touch {output}"


onstart:
    told("rules_of", lambda: sorted(internals.rules_of(workflow)))
    told("wildcards_of", lambda: [dict(own.items()) for own in internals.wildcards_of(workflow, "a")])
    told("run_name", lambda: internals.run_name(workflow))
    told("look_only_when_a_job_ends", lambda: internals.look_only_when_a_job_ends(workflow))
    told("never_ask_sacct", lambda: internals.never_ask_sacct(workflow))
    # A job that outlived its run, made it after all.
    Path("a.txt").touch()
    found = {}
    since = time.time() - 60
    internals.mark_incomplete(
        workflow, lambda job: found.update({str(f): internals.finished_since(workflow, f, since) for f in job.output})
    )
    told("finished_since", lambda: sorted(found.items()))
    told("mark_incomplete", lambda: internals.mark_incomplete(workflow, lambda job: job.rule.name == "a"))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("internals")
    (folder / "Snakefile").write_text(SNAKEFILE)
    source = Path(inspect.getfile(internals)).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-c1"],
        cwd=folder,
        env={"PYTHONPATH": str(source), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    return dict(lines)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("is_batched", "False"),
        ("limit_memory", "1234"),
        ("rules_of", "['a', 'all', 'b']"),
        ("wildcards_of", "[{}]"),
        ("run_name", "None"),
        ("look_only_when_a_job_ends", "None"),
        ("never_ask_sacct", "None"),
        ("finished_since", "[('a.txt', True), ('b.txt', False)]"),
        ("mark_incomplete", "None"),
    ],
)
def test_this_snakemake_has_the_names_that_we_use(told, name, expected):
    assert told[name] == expected, f"Snakemake has changed what internals.{name} uses; its docstring says what for"


def test_the_slurm_plugin_has_the_names_that_we_replace():
    plugin = pytest.importorskip(internals.SLURM)
    assert inspect.signature(plugin.get_min_job_age).parameters.keys() == set(), (
        "the Slurm plugin has changed what internals.never_ask_sacct replaces"
    )
    assert hasattr(plugin.Executor, "additional_general_args"), (
        "the Slurm plugin has changed what internals.one_start_per_job replaces"
    )


def test_every_function_says_why():
    for name, function in inspect.getmembers(internals, inspect.isfunction):
        if function.__module__ == internals.__name__:
            assert function.__doc__, f"internals.{name} does not say what it is for"


def test_no_other_module_touches_private_names():
    package = Path(inspect.getfile(internals)).parents[1]
    private = ("workflow.dag", "workflow.persistence", "workflow.scheduler", "executor_settings", "dag_settings")
    rules = [package.parents[2] / "Snakefile", *(package.parents[1]).rglob("*.smk"), package.parents[1] / "Snakefile"]
    for path in [*package.rglob("*.py"), *rules]:
        text = path.read_text()
        assert path.name == "internals.py" or not [name for name in private if name in text], path


def test_of_a_fetched_source_snakemake_records_where_it_came_from():
    from snakemake.persistence import PersistenceBase

    assert 'get_flag_value(f, "sourcecache_entry")' in inspect.getsource(PersistenceBase), (
        "Snakemake has changed what internals.recorded_as relies on"
    )


def test_an_error_of_the_user_is_its_own_text():
    """No traceback, and no line of the rule file that called."""
    from snakemake.exceptions import WorkflowError, format_exception_to_string

    @internals.plainly
    def read() -> None:
        raise InputError("sheet.tsv: row 2 is wrong; mend it")

    with pytest.raises(WorkflowError) as raised:
        read()
    rules = {__file__: {line: line for line in range(1000)}}
    assert format_exception_to_string(raised.value, rules) == "InputError:\nsheet.tsv: row 2 is wrong; mend it"
