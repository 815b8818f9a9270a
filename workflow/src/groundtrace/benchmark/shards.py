"""Shards of the data sets: which of them a job of the benchmark scores, and how the tables become one."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import TIMING, Result, arrange, score
from groundtrace.errors import InputError
from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.io import read_table, write_text
from groundtrace.spikes.base import SpikeBackend


def score_shard(
    ground_truth: Path | str, shard: int, name: str, backend: SpikeBackend | None, parameters: BenchmarkParameters
) -> Result:
    """Score one backend, or the controls (None), on every n-th data set of a table GroundTruth."""
    datasets = chosen_datasets(ground_truth, parameters)[shard :: parameters.parts]
    recordings = read_recordings(ground_truth, plausible=True, datasets=datasets)
    return score(recordings, name, backend, parameters)


def chosen_datasets(ground_truth: Path | str, parameters: BenchmarkParameters) -> list[str]:
    """Data sets of the table GroundTruth that are to be scored, sorted."""
    found = sorted(set(read_table(ground_truth, ["dataset"])["dataset"]))
    if parameters.datasets is None:
        return found
    for wanted in parameters.datasets:
        if not any(name.startswith(wanted) for name in found):
            raise InputError(
                f"benchmark.datasets: no data set of {ground_truth} starts with {wanted!r}; it has {', '.join(found)}"
            )
    return [name for name in found if name.startswith(parameters.datasets)]


def join_tables(tables: Sequence[Path | str]) -> pl.DataFrame:
    """Table SpikeBenchmark of all jobs; the order of the jobs does not matter."""
    return arrange(pl.concat([read_table(path) for path in tables]))


def write_timing(path: Path | str, timing: pl.DataFrame) -> None:
    """CPU seconds per neuron and condition, tab-separated. They differ from run to run, so no table may hold them."""
    write_text(path, timing.write_csv(separator="\t", float_precision=6))


def join_timing(paths: Sequence[Path | str]) -> pl.DataFrame:
    return arrange(pl.concat([read_timing(path) for path in paths]))


def read_timing(path: Path | str) -> pl.DataFrame:
    """What `write_timing` wrote."""
    return pl.read_csv(path, separator="\t", schema=TIMING)
