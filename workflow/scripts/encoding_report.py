"""The page of encoding models of one session, plane and recipe."""

from groundtrace.io import write_text
from groundtrace.report.encoding import load_encoding, render_encoding
from groundtrace.running.job import job

with job(snakemake.log[0]):
    where = snakemake.wildcards
    inputs = load_encoding(dict(snakemake.input.items()), where.session, int(where.plane), where.recipe)
    write_text(snakemake.output.page, render_encoding(inputs))
