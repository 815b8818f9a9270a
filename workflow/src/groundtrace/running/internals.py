"""The only place that touches names of Snakemake, or of its Slurm plugin, that are not public.

Each function says why, and a test (tests/unit/running/test_internals.py) fails when a new Snakemake has no such name.
The versions are those of the lock file: Snakemake 9.27, its Slurm plugin 2.8.
"""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from groundtrace.errors import GroundtraceError

P = ParamSpec("P")
T = TypeVar("T")
Workflow = Any
"""snakemake.workflow.Workflow"""
SLURM = "snakemake_executor_plugin_slurm"


def plainly(function: Callable[P, T]) -> Callable[P, T]:
    """An error in the user's input is its own text: no traceback, and no line of a rule file.

    Snakemake prints the places that it finds in the traceback of an exception; of this one it finds none.
    """

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        from snakemake.exceptions import WorkflowError

        class InputError(WorkflowError):
            __traceback__ = None  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]

        try:
            return function(*args, **kwargs)
        except GroundtraceError as error:
            raise InputError(str(error)) from None

    return told


def recorded_as(file: str, earlier: str) -> Any:
    """An input file whose time does not count, and that is the same to Snakemake as that of another path.

    Snakemake compares the paths of inputs with those of the last run. Of a source that it has fetched, and of no other
    file, it takes the path where that source came from.
    """
    from snakemake.io import ancient, flag

    return flag(ancient(file), "sourcecache_entry", earlier)


def is_batched(workflow: Workflow) -> bool:
    """`--batch` was given: settings of the command line are not meant for the Snakefile."""
    return getattr(workflow.dag_settings, "batch", None) is not None


def rules_of(workflow: Workflow) -> Iterator[str]:
    """Names of the rules of the jobs that were laid out. `dag.jobs` has no public counterpart for handlers."""
    return (job.rule.name for job in workflow.dag.jobs)


def wildcards_of(workflow: Workflow, rule: str) -> Iterator[Any]:
    """Wildcards of the jobs of a rule that were laid out."""
    return (job.wildcards for job in workflow.dag.jobs if job.rule.name == rule)


def finished_since(workflow: Workflow, file: str, since: float) -> bool:
    """A file was made by a job that outlived its run: newer than that run's start, and than what is recorded of it."""
    record = workflow.persistence.metadata(file)
    return os.path.exists(file) and os.path.getmtime(file) > max(since, record.endtime if record else 0)


def mark_incomplete(workflow: Workflow, chosen: Callable[[Any], bool]) -> None:
    """Chosen jobs are made again as soon as they can: Snakemake has no way to say so of a file that is there."""
    for job in workflow.dag.jobs:
        if chosen(job):
            workflow.persistence.started(job)


def rename_records(recorded: Iterable[str], folders: Mapping[str, str]) -> None:
    """What Snakemake has recorded of files, of those that are gone too, follows their folders to a new place.

    Without its record a file is never made again. recorded: names of files. folders: new ones by old.
    """
    from snakemake.persistence.file import FilePersistence

    records: Any = FilePersistence(nolock=True)

    def moved(file: str) -> str:
        old = next((folder for folder in folders if file.startswith(f"{folder}/")), None)
        return file if old is None else folders[old] + file.removeprefix(old)

    for file in recorded:
        if moved(file) != file and (record := records._read_record(file)):
            record.input, record.log = sorted(map(moved, record.input or [])), list(map(moved, record.log or []))
            records._write_record(moved(file), record)
            records._delete_record(file)


def run_name(workflow: Workflow) -> str | None:
    """The name that this run gives to its Slurm jobs; known to the executor alone."""
    return getattr(workflow.scheduler._executor, "run_uuid", None)


def look_only_when_a_job_ends(workflow: Workflow) -> None:
    """Switch off the limit of new jobs per second.

    For its sake Snakemake comes back a second after every look at the jobs that are ready, besides the look after every
    job that ends: one more look a second for each, a timer (a thread) for each look, and in the end nothing else
    (snakemake/snakemake#3804). Without the limit it looks when a job ends.
    """
    workflow.scheduler.job_rate_limiter = None


def never_ask_sacct(workflow: Workflow) -> None:
    """Where the profile says `squeue`, never ask another.

    The plugin asks sacct when the controller is slow to tell its MinJobAge; without accounting, sacct never answers.
    """
    if getattr(workflow.executor_settings, "status_command", None) == "squeue":
        sys.modules[SLURM].get_min_job_age = lambda: math.inf  # pyright: ignore[reportAttributeAccessIssue]


def one_start_per_job() -> None:
    """Run all steps of a group in one Snakemake.

    The plugin starts Snakemake twice a job, and once more for every step of a group, to put each under an `srun` of its
    own. Our jobs are one task on one node: one start runs all their steps, as on any other scheduler.
    """
    if slurm := sys.modules.get(SLURM):
        slurm.Executor.additional_general_args = lambda self: ""  # pyright: ignore[reportAttributeAccessIssue]


def limit_memory(workflow: Workflow, megabytes: int) -> None:
    """On one machine jobs share its memory, as they share its cores, unless the user gave a limit.

    On a cluster (`nodes`) the profile says what a node has. Snakemake limits cores by itself, memory only when told.
    """
    one_machine = workflow.is_main_process and workflow.resource_settings.nodes is None
    if one_machine and workflow.global_resources.get("mem_mb").value is None:
        workflow.register_resource("mem_mb", megabytes)


def start_again() -> None:
    """The jobs were laid out before: once more, with the files as they are now."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
