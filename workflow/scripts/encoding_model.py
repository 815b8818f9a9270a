"""Responses and images of one plane to one encoding model."""

from groundtrace.encoding.files import write_fitted
from groundtrace.encoding.steps import Shown, fit_or_say
from groundtrace.io import read_arrays, read_table
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, params, stack = snakemake.input, snakemake.params, read_arrays(snakemake.input.images)
    tables = read_table(given.presentations), read_table(given.responses, ["roi", "accepted", "response"])
    shown = Shown.of(*tables, stack["ids"].tolist(), stack["images"])
    name = snakemake.wildcards.encode
    write_fitted(snakemake.output.model, fit_or_say(name, params.method, shown, params.encoding, snakemake.threads))
