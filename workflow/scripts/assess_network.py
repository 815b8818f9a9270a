"""A network on the data sets that it has not seen."""

from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.io import write_table
from groundtrace.job import job
from groundtrace.network.assessment import assess
from groundtrace.network.model import load
from groundtrace.provenance import provenance
from groundtrace.tables import Assessment

with job(snakemake.log[0]):
    parameters, given = snakemake.params.parameters, snakemake.input
    checkpoint = load(given.network)
    unseen = read_recordings(given.ground_truth, plausible=True, datasets=checkpoint.left_out)
    found = assess(checkpoint, unseen, snakemake.wildcards.kind == "online", parameters.seed)
    made_by = provenance("assess_network", parameters.model_dump(mode="json"), ["numpy", "scipy", "torch"], [])
    write_table(snakemake.output.table, Assessment, found, made_by)
