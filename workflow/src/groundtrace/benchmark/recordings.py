"""The jobs of the benchmark on simulated recordings: how their tables and timings become one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.tables import (
    CellBenchmark,
    DenoisingBenchmark,
    EncodingBenchmark,
    ExtractionBenchmark,
    MotionBenchmark,
    RecipeBenchmark,
    ResponseBenchmark,
)
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.tables import Table

TABLES: dict[str, type[Table]] = {
    "motion": MotionBenchmark,
    "extraction": ExtractionBenchmark,
    "cells": CellBenchmark,
    "recipes": RecipeBenchmark,
    "denoising": DenoisingBenchmark,
    "responses": ResponseBenchmark,
    "encoding": EncodingBenchmark,
}

TIMING = {
    "stage": pl.String,
    "name": pl.String,
    "session": pl.String,
    "plane": pl.Int32,
    "frames": pl.Int64,
    "pixels": pl.Int64,
    "cpu_seconds": pl.Float64,
    "peak_mb": pl.Float64,
}
"""Columns of recordings_timing.tsv. Stages: simulate, motion, denoise, extract; plane is empty where a job does all."""
FIRST_SAMPLES, STEP = 15.0, 30.0
"""s. Snakemake measures a job every half second for so long, then in such steps, and keeps the last measurement."""


def write_scores(parts: Mapping[str, Sequence[Path | str]], folder: Path | str) -> dict[str, pl.DataFrame]:
    """Join the scores of all jobs to one table of each kind, and write them to a folder; parts: paths for each of
    TABLES."""
    joined = {name: join(table, parts[name]) for name, table in TABLES.items()}
    for name, table in TABLES.items():
        made_by = provenance("benchmark_recordings_table", {}, ["polars"], parts[name])
        write_table(Path(folder, f"{name}.parquet"), table, joined[name], made_by)
    return joined


def join(table: type[Table], paths: Sequence[Path | str]) -> pl.DataFrame:
    """The rows of all jobs, sorted by the key; recipes that share an extraction share its row."""
    rows = pl.concat([table_of(table, []), *map(read_table, paths)])
    return rows.unique(table.key, keep="first").sort(table.key)


def join_recording_timing(jobs: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """CPU time and memory of jobs: their columns of TIMING, and `file`, what Snakemake's `benchmark:` wrote."""
    rows = [{**job, **measured(job["file"])} for job in jobs]
    return pl.DataFrame({name: pl.Series([row[name] for row in rows], dtype=kind) for name, kind in TIMING.items()})


def read_recording_timing(path: Path | str) -> pl.DataFrame:
    """What `write_timing` wrote of it."""
    return pl.read_csv(path, separator="\t", schema=TIMING)


def measured(path: Path | str) -> dict[str, float | None]:
    """CPU seconds and peak memory (MB) of a job; None where it ended before Snakemake looked.

    What came after the last measurement is taken to have gone on at the same load.
    """
    line = pl.read_csv(path, separator="\t", null_values=["NA", "-"], infer_schema=False).row(0, named=True)
    wall, cpu, peak = (None if line[name] is None else float(line[name]) for name in ("s", "cpu_time", "max_rss"))
    if cpu is not None and wall is not None and wall > FIRST_SAMPLES:
        cpu *= wall / (wall - (wall - FIRST_SAMPLES) % STEP)
    return {"cpu_seconds": cpu, "peak_mb": peak}
