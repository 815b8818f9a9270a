"""groundtrace: raw two-photon movies to spike rates whose error is known."""

import gc
import os
import sys

from snakemake.utils import min_version

min_version("9.27")

# Thousands of jobs are millions of objects that stay: to look for garbage among them takes longer than to make them.
gc.set_threshold(200_000, 20, 100)
# For this process and, through PYTHONPATH, for the rules' scripts.
PACKAGE = os.path.join(workflow.basedir, "workflow", "src")
sys.path.insert(0, PACKAGE)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")])))


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/scoring.smk"
include: "workflow/rules/running.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/motion.smk"
include: "workflow/rules/denoise.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/spikes.smk"
include: "workflow/rules/ground_truth.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/realism.smk"
include: "workflow/rules/suggest.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    benchmark,


rule all:
    default_target: True
    input:
        study_page,


onsuccess:
    running.release()
    if os.path.exists(f"{RESULTS}/study.parquet"):
        from groundtrace.report.study import summary

        print(f"\n{summary(f'{RESULTS}/study.parquet')}\nStudy report: {RESULTS}/index.html")


onerror:
    for file in log:
        running.explain(open(file).read())
    running.release()
    # The study page cannot wait for the rule `study`, which needs every session: without its table that rule runs again
    # as soon as it can.
    from groundtrace.report.study import write_study
    from groundtrace.status import status, under_way

    # `train` and `benchmark` can fail too, with or without sessions.
    if SESSIONS:
        if os.path.exists(f"{RESULTS}/study.parquet"):
            os.remove(f"{RESULTS}/study.parquet")
        write_study(STUDY.rows, f"{RESULTS}/index.html", None)
        print(f"\nNot everything was made.\n\n{status(STUDY.rows, False, under_way())}")
        print(f"\nAll rows, with reasons and logs of those that failed: {RESULTS}/index.html")
    if any(job.rule.name == "benchmark_recordings_table" for job in workflow.dag.jobs):
        print("Not scored:", *score_what_there_is(), f"The others: {BENCHMARK}/recordings.html", sep="\n  ")
