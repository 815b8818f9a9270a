"""The benchmark's tables of all jobs as one."""

from groundtrace.benchmark.shards import join_tables, join_timing, write_timing
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given = snakemake.input
    made_by = provenance("benchmark_table", {}, ["polars"], given.tables)
    write_table(snakemake.output.table, SpikeBenchmark, join_tables(given.tables), made_by)
    write_timing(snakemake.output.timing, join_timing(given.timings))
