"""Scores of one spike backend, or of the controls, on a shard of the ground truth."""

from groundtrace.benchmark.shards import score_shard, write_timing
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    method, given, name = snakemake.params.method, snakemake.input, snakemake.wildcards.scored
    parameters = snakemake.params.parameters
    result = score_shard(given.ground_truth, int(snakemake.wildcards.shard), name, method, parameters)
    packages = ["numpy", "scipy", "elephant", *(method.packages if method else ())]
    made_by = provenance("benchmark_spikes", snakemake.params.identity["parameters"], packages, [given.ground_truth])
    write_table(snakemake.output.table, SpikeBenchmark, result.rows, made_by)
    write_timing(snakemake.output.timing, result.timing)
