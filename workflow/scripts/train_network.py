"""One network from examples."""

from groundtrace.running.job import job
from groundtrace.spikes.network.model import save
from groundtrace.training.examples import Examples
from groundtrace.training.training import train_checkpoint

with job(snakemake.log[0]):
    wildcards, parameters = snakemake.wildcards, snakemake.params.parameters
    examples = Examples.load(snakemake.input.examples)
    checkpoint = train_checkpoint(
        examples, wildcards.weights, int(wildcards.member), wildcards.kind == "online", parameters
    )
    save(snakemake.output.network, checkpoint)
