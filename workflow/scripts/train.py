"""Trained networks and their assessment to calibrated weights and a model card."""

from groundtrace.io import atomic
from groundtrace.running.job import job
from groundtrace.training.release import assemble, model_card

with job(snakemake.log[0]):
    parameters, given, made = snakemake.params.parameters, snakemake.input, snakemake.output
    assemble(given.networks, given.assessed, made.weights)
    with atomic(made.card) as path:
        path.write_text(model_card(made.weights, given.assessed, parameters), encoding="utf-8")
