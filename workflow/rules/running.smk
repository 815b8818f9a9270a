import math

import psutil

from groundtrace import running


def unrecorded(file, since):
    """Made by a job that outlived its run: newer than that run's start, and than what Snakemake knows of the file."""
    record = workflow.persistence.metadata(file)
    return os.path.exists(file) and os.path.getmtime(file) > max(since, record.endtime if record else 0)


def begin():
    """Claim the results for this run; after one that was killed, end its jobs, and start again with what it finished."""
    killed = running.claim(RESULTS)
    if killed:
        jobs = running.cancel(killed["slurm"]) if killed["slurm"] else []
        print(f"An earlier run was killed; Slurm jobs of it that had to be cancelled: {' '.join(jobs) or 'none'}")
        for job in workflow.dag.jobs:
            if any(unrecorded(file, killed["since"]) for file in job.output):
                workflow.persistence.started(job)
        running.release()
        # The jobs were laid out before: once more, with the files as they are now.
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    running.note(getattr(workflow.scheduler._executor, "run_uuid", None))
    # The plugin asks sacct in place of squeue when the controller is slow to tell its MinJobAge; without accounting, sacct
    # never answers.
    if getattr(workflow.executor_settings, "status_command", None) == "squeue":
        sys.modules["snakemake_executor_plugin_slurm"].get_min_job_age = lambda: math.inf
    # For its limit of 100 new jobs a second Snakemake 9.27 comes back a second after every look at the jobs that are
    # ready, besides the look after every job that ends: one more look a second for each, a timer (a thread) for each
    # look, and in the end nothing else (snakemake/snakemake#3804). Without the limit it looks when a job ends.
    workflow.scheduler.job_rate_limiter = None


# One machine: its jobs share its memory, as they share its cores. On a cluster the profile says what a node has.
if workflow.is_main_process and workflow.resource_settings.nodes is None:
    if workflow.global_resources.get("mem_mb").value is None:
        workflow.register_resource("mem_mb", int(psutil.virtual_memory().total * 0.9e-6))


# The plugin starts Snakemake twice a job, and once more for every step of a group, to put each under an `srun` of its own.
# Our jobs are one task on one node: one start runs all their steps, as on any other scheduler.
if slurm := sys.modules.get("snakemake_executor_plugin_slurm"):
    slurm.Executor.additional_general_args = lambda self: ""


onstart:
    # Snakemake's own lock stays behind when it is killed, and its jobs run on: profiles have `nolock`, and this instead.
    try:
        begin()
    except GroundtraceError as error:
        raise WorkflowError(str(error)) from None
