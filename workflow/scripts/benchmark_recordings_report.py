"""The page of the benchmark on simulated sessions."""

from groundtrace.benchmark.recordings import read_recording_timing
from groundtrace.io import read_table, write_text
from groundtrace.job import job
from groundtrace.report.recordings import render_recordings

with job(snakemake.log[0]):
    given = snakemake.input
    motion, extraction, cells, recipes = (
        read_table(path) for path in (given.motion, given.extraction, given.cells, given.recipes)
    )
    timing = read_recording_timing(given.timing)
    page = render_recordings(motion, extraction, cells, recipes, timing, snakemake.params.parameters)
    write_text(snakemake.output.page, page)
