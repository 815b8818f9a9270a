"""The page of encoding models of one session, plane and recipe."""

from groundtrace.io import write_table, write_text
from groundtrace.provenance import provenance
from groundtrace.report.encoding import encoding_warnings, load_encoding, render_encoding
from groundtrace.report.tables import Warnings
from groundtrace.running.job import job

with job(snakemake.log[0]):
    where, given = snakemake.wildcards, snakemake.input
    inputs = load_encoding(dict(given.items()), where.session, int(where.plane), where.recipe)
    made_by = provenance("encoding_report", {}, ["polars"], [given.encoding])
    write_table(snakemake.output.warnings, Warnings, encoding_warnings(inputs), made_by)
    write_text(snakemake.output.page, render_encoding(inputs))
