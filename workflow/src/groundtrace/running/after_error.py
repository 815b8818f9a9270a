"""What is still made after an error: the study page and the scores that there are, with what is missing named."""

import os
from collections.abc import Iterable
from pathlib import Path

from groundtrace.running import claim, internals, layout
from groundtrace.running.left_out import track_the_others
from groundtrace.running.plan import Plan
from groundtrace.running.targets import Targets

LATER = ("benchmark_recordings_table", "benchmark_recordings_report")
"""Rules whose results are then incomplete: they run again as soon as they can."""


def after_success(plan: Plan) -> None:
    """End of a run: what the study has come to."""
    from groundtrace.io import read_table
    from groundtrace.report.study import summary, told

    claim.release()
    table, unfinished = plan.at("study.parquet"), Path(plan.at(layout.UNFINISHED))
    if os.path.exists(table):
        unfinished.unlink(missing_ok=True)
        said = told(read_table(plan.at("warnings.parquet")))
        print("", summary(table), *filter(None, [said]), f"Study report: {plan.at('index.html')}", sep="\n")


def after_error(plan: Plan, workflow: internals.Workflow, logs: Iterable[str]) -> None:
    """End of a run in which something failed. logs: what Snakemake's main process has logged."""
    for log in logs:
        with open(log, encoding="utf-8") as file:
            claim.explain(file.read())
    claim.release()
    tracked = track_the_others(plan, workflow)
    # `train` and `benchmark` can fail too, with or without sessions.
    if plan.sessions:
        _write_study(plan, tracked)
    if LATER[0] in internals.rules_of(workflow):
        missing = _write_scores(plan, workflow)
        print("Not scored:", *missing, f"The others: {plan.benchmark}/recordings.html", sep="\n  ")


def _write_study(plan: Plan, tracked: list[str]) -> None:
    """The study page cannot wait for the rule `study`, which needs every session: without its table that rule runs
    again as soon as it can. tracked: what became of fields of which a session failed."""
    from groundtrace.report.study import study_warnings, told, write_study
    from groundtrace.running.status import status, under_way

    rows, table, page = plan.study.rows, plan.at("study.parquet"), plan.at("index.html")
    for file in (table, plan.at("warnings.parquet")):
        if os.path.exists(file):
            os.remove(file)
    write_study(rows, page, plan.at(layout.UNFINISHED))
    print(f"\nNot everything was made.\n\n{status(rows, False, under_way())}")
    print(told(study_warnings(rows)))
    print(*tracked, sep="\n")
    print(f"\nAll rows, with reasons and logs of those that failed: {page}")


def _write_scores(plan: Plan, workflow: internals.Workflow) -> list[str]:
    """Tables and page of the scores that were made. Returns what is missing, in words."""
    from groundtrace.benchmark.recordings import TABLES, join_recording_timing, write_scores
    from groundtrace.benchmark.shards import write_timing
    from groundtrace.io import write_text
    from groundtrace.report.comparison import Recordings
    from groundtrace.report.recordings import render_recordings

    targets, folder = Targets(plan), plan.benchmark
    parts = {name: targets.recipe_scores(name) for name in TABLES}
    parts |= {"motion": targets.motion_scores(), "denoising": targets.denoising_scores()}
    parts |= {name: targets.response_scores(name) for name in ("responses", "encoding")}
    made = {name: [path for path in paths if os.path.exists(path)] for name, paths in parts.items()}
    listed = ("motion", "denoising", "recipes", "responses")
    lost = sorted({path for name in listed for path in parts[name]} - {path for name in listed for path in made[name]})
    absent = [os.path.relpath(path, f"{folder}/recordings").removesuffix(".parquet") for path in lost]
    if absent and all(made[name] for name in made if name not in ("denoising", "responses", "encoding")):
        timing = join_recording_timing([job for job in targets.timed_jobs() if os.path.exists(job["file"])])
        write_timing(f"{folder}/recordings_timing.tsv", timing)
        tables = write_scores(made, folder)
        recordings = Recordings(**tables, timing=timing, parameters=plan.config.benchmark, absent=absent)
        write_text(f"{folder}/recordings.html", render_recordings(recordings))
        internals.mark_incomplete(workflow, lambda job: job.rule.name in LATER)
    return absent
