"""Recordings with known spikes, from every source of the config, to one table."""

from groundtrace.groundtruth.importers.load import load_sources
from groundtrace.groundtruth.tables import GroundTruth
from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    sources = snakemake.params.sources
    table, origin = load_sources(sources)
    # A path says nothing to others: a source is known by its hash.
    parameters = {name: source.model_dump(mode="json", exclude={"source"}) for name, source in sources.items()}
    made_by = provenance("ground_truth", parameters, ["numpy", "scipy", "polars", "pynwb"], [])
    made_by["sources"] = origin
    write_table(snakemake.output.table, GroundTruth, table, made_by)
