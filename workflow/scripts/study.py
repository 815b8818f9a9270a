"""The study page: one row per session, plane and recipe."""

from groundtrace.report.study import write_study
from groundtrace.running.job import job

with job(snakemake.log[0]):
    write_study(snakemake.params.entries.rows, snakemake.output.page, snakemake.output.table)
