"""The page of the benchmark of spike inference."""

from groundtrace.benchmark.shards import read_timing
from groundtrace.io import read_table, write_text
from groundtrace.report.benchmark import render_benchmark
from groundtrace.running.job import job

with job(snakemake.log[0]):
    table, timing = read_table(snakemake.input.table), read_timing(snakemake.input.timing)
    write_text(snakemake.output.page, render_benchmark(table, timing, snakemake.params.parameters))
