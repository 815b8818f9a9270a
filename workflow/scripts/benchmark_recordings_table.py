"""The scores on simulated sessions of all jobs as one table each, and what the methods cost."""

from groundtrace.benchmark.parts import write_timing
from groundtrace.benchmark.recordings import join, join_recording_timing
from groundtrace.benchmark.tables import CellBenchmark, ExtractionBenchmark, MotionBenchmark, RecipeBenchmark
from groundtrace.io import write_table
from groundtrace.job import job
from groundtrace.provenance import provenance

with job(snakemake.log[0]):
    tables = {
        "motion": MotionBenchmark,
        "extraction": ExtractionBenchmark,
        "cells": CellBenchmark,
        "recipes": RecipeBenchmark,
    }
    for name, table in tables.items():
        parts = snakemake.input[name]
        made_by = provenance("benchmark_recordings_table", {}, ["polars"], parts)
        write_table(snakemake.output[name], table, join(table, parts), made_by)
    write_timing(snakemake.output.timing, join_recording_timing(snakemake.params.jobs))
