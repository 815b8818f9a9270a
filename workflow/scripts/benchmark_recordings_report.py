"""The page of the benchmark on simulated sessions."""

from groundtrace.benchmark.recordings import TABLES, read_recording_timing
from groundtrace.io import read_table, write_text
from groundtrace.report.comparison import Recordings
from groundtrace.report.recordings import render_recordings
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given = snakemake.input
    tables = {name: read_table(given[name]) for name in TABLES}
    timing = read_recording_timing(given.timing)
    recordings = Recordings(**tables, timing=timing, parameters=snakemake.params.parameters)
    write_text(snakemake.output.page, render_recordings(recordings))
