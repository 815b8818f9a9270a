"""Scores of the tracks of all simulated fields as one table."""

import polars as pl

from groundtrace.benchmark.motion import plane_truth
from groundtrace.benchmark.tables import TrackingBenchmark
from groundtrace.benchmark.tracking import score_tracks, true_cells
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    tables = []
    for field in snakemake.params.fields:
        truths = [plane_truth(read_table(path), field["names"]["plane"]) for path in field["truth"]]
        scored = [read_table(path) for path in field["scored"]]
        cells = pl.concat(true_cells(own, truth) for own, truth in zip(scored, truths, strict=True))
        tables.append(score_tracks(field["names"], read_table(field["tracks"]), read_table(field["pairs"]), cells))
    sources = [field["tracks"] for field in snakemake.params.fields]
    write_table(
        snakemake.output.table, TrackingBenchmark, pl.concat(tables), provenance("benchmark_tracking", {}, [], sources)
    )
