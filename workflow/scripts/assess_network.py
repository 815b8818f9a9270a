"""A network on the data sets that it has not seen."""

from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.spikes.network.model import load
from groundtrace.training.assessment import assess
from groundtrace.training.tables import Assessment

with job(snakemake.log[0]):
    parameters, given = snakemake.params.parameters, snakemake.input
    checkpoint = load(given.network)
    unseen = read_recordings(given.ground_truth, plausible=True, datasets=checkpoint.left_out)
    found = assess(checkpoint, unseen, snakemake.wildcards.kind == "online", parameters.seed)
    made_by = provenance("assess_network", parameters.model_dump(mode="json"), ["numpy", "scipy", "torch"], [])
    write_table(snakemake.output.table, Assessment, found, made_by)
