"""The table and the page that compare simulated sessions with real ones."""

import polars as pl

from groundtrace.io import read_table, write_table, write_text
from groundtrace.provenance import provenance
from groundtrace.report.realism import render_realism
from groundtrace.running.job import job
from groundtrace.simulation.realism import Realism

with job(snakemake.log[0]):
    table = pl.concat(read_table(path) for path in snakemake.input)
    page = render_realism(table)
    made_by = provenance("realism", {}, ["numpy"], list(snakemake.input))
    write_table(snakemake.output.table, Realism, table, made_by)
    write_text(snakemake.output.page, page)
