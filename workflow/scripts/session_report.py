"""The page of one session, plane and recipe."""

from groundtrace.io import write_text
from groundtrace.job import job
from groundtrace.report.session import load_session, render_session

with job(snakemake.log[0]):
    inputs = load_session(dict(snakemake.input.items()), snakemake.wildcards.recipe)
    write_text(snakemake.output.page, render_session(inputs, snakemake.params.method))
