"""Pairwise correlations of a simulated population after one spike backend, or of its dF/F."""

from groundtrace.benchmark.population import score_population
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    method = snakemake.params.method
    rows = score_population(snakemake.wildcards.scored, method, snakemake.params.parameters)
    packages = ["numpy", "scipy", *(method.packages if method else ())]
    made_by = provenance("benchmark_population", snakemake.params.identity["parameters"], packages, [])
    write_table(snakemake.output.table, SpikeBenchmark, rows, made_by)
