"""The study page: one row per session, plane and recipe."""

from pydantic import TypeAdapter

from groundtrace.job import job
from groundtrace.report.study import Entry, write_study

with job(snakemake.log[0]):
    entries = TypeAdapter(list[Entry]).validate_python(snakemake.params.entries)
    write_study(entries, snakemake.output.page, snakemake.output.table)
