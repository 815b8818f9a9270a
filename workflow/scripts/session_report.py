"""The page of one session, plane and recipe."""

from groundtrace.io import write_text
from groundtrace.report.pages import require
from groundtrace.report.session import load_session, render_session
from groundtrace.running.job import job

with job(snakemake.log[0]):
    params = snakemake.params
    require("session", params.sections)
    inputs = load_session(dict(snakemake.input.items()), snakemake.wildcards.recipe, params.extraction, params.labels)
    write_text(snakemake.output.page, render_session(inputs, params.method))
