"""The scores on simulated sessions of all jobs as one table each, and what the methods cost."""

from pathlib import Path

from groundtrace.benchmark.recordings import TABLES, join_recording_timing, write_scores
from groundtrace.benchmark.shards import write_timing
from groundtrace.running.job import job

with job(snakemake.log[0]):
    write_scores({name: snakemake.input[name] for name in TABLES}, Path(snakemake.output.motion).parent)
    write_timing(snakemake.output.timing, join_recording_timing(snakemake.params.jobs))
