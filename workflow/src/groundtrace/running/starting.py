"""The beginning of a run: it claims its folder of results, and settles what a killed one left behind."""

from groundtrace.io import write_text
from groundtrace.running import claim, internals, layout
from groundtrace.running.plan import Plan


@internals.plainly
def begin(plan: Plan, workflow: internals.Workflow) -> None:
    """Claim the results for this run; after one that was killed, end its jobs, and start again with what it finished.

    Snakemake's own lock stays behind when it is killed, and its jobs run on: profiles have `nolock`, and this instead.
    """
    killed = claim.claim(plan.results)
    if killed:
        jobs = claim.cancel(killed["slurm"]) if killed["slurm"] else []
        print(f"An earlier run was killed; Slurm jobs of it that had to be cancelled: {' '.join(jobs) or 'none'}")
        since = killed["since"]
        internals.mark_incomplete(
            workflow, lambda job: any(internals.finished_since(workflow, file, since) for file in job.output)
        )
        claim.release()
        internals.start_again()
    keep_sheets(plan)
    claim.note(internals.run_name(workflow))
    internals.never_ask_sacct(workflow)
    internals.look_only_when_a_job_ends(workflow)


def keep_sheets(plan: Plan) -> None:
    """Jobs that start later read the sheets that this run was planned with: the user may edit them meanwhile."""
    write_text(plan.at(layout.SHEET), plan.sheet)
    write_text(plan.at(layout.ANIMALS), plan.animals.text)
