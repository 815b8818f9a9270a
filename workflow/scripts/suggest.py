"""Which recipe for each real session that has results."""

from pydantic import TypeAdapter

from groundtrace.benchmark.recordings import read_recording_timing
from groundtrace.benchmark.suggest import Recording, Suggestion, comparable, simulated_sessions, suggestions
from groundtrace.io import read_table, write_table, write_text
from groundtrace.provenance import provenance
from groundtrace.report.suggest import render_suggestions
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, params, output = snakemake.input, snakemake.params, snakemake.output
    configured = {name: {"motion_method": own.pop("motion"), **own} for name, own in dict(params.recipes).items()}
    scores = comparable(read_table(given.recipes), configured, given.recipes)
    simulated = simulated_sessions(scores, read_table(given.extraction), read_recording_timing(given.timing))
    recordings = TypeAdapter(list[Recording]).validate_python(params.recordings)
    table = suggestions(recordings, scores, simulated, params.parameters.seed, params.parameters.bootstrap)
    made_by = provenance("suggest", params.identity["parameters"], ["numpy", "polars"], [given.recipes])
    write_table(output.table, Suggestion, table, made_by)
    absent = sorted(set(configured) - set(scores["recipe"]))
    write_text(output.page, render_suggestions(table, simulated, absent))
