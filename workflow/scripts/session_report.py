"""The page of one session, plane and recipe."""

from groundtrace.io import write_table, write_text
from groundtrace.provenance import provenance
from groundtrace.report.pages import require
from groundtrace.report.session import load_session, render_session, warnings_table
from groundtrace.report.tables import Warnings
from groundtrace.report.units import last_table, load_units
from groundtrace.running.job import job

with job(snakemake.log[0]):
    params = snakemake.params
    require("session", params.sections)
    recipe, paths = snakemake.wildcards.recipe, dict(snakemake.input.items())
    if "traces" in paths:
        inputs = load_session(paths, recipe, params.extraction, params.labels, params.curation, params.microscope)
    else:
        inputs = load_units(paths, recipe, params.labels)
    made_by = provenance("session_report", params.method.model_dump(), ["polars"], [last_table(paths)])
    write_table(snakemake.output.warnings, Warnings, warnings_table(inputs, params.method), made_by)
    write_text(snakemake.output.card, inputs.card.model_dump_json(indent=2))
    write_text(snakemake.output.page, render_session(inputs, params.method))
