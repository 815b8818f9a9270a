"""Ground truth to the examples that networks learn from."""

from groundtrace.running.job import job
from groundtrace.training.examples import learnt_from, make_examples

with job(snakemake.log[0]):
    parameters = snakemake.params.parameters
    recordings = learnt_from(snakemake.input.ground_truth, parameters)
    make_examples(recordings, parameters, snakemake.wildcards.kind == "online").save(snakemake.output.examples)
