"""The study page: one row per session, plane and recipe."""

from groundtrace.report.study import write_study
from groundtrace.running.job import job

with job(snakemake.log[0]):
    output = snakemake.output
    write_study(snakemake.params.entries.rows, output.page, output.table, output.warnings)
