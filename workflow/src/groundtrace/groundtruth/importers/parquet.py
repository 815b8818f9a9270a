"""Ground truth as Parquet: the table GroundTruth itself, or recordings, traces and spikes in three files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from groundtrace.groundtruth.importers.base import Neuron, Row, make_row, refuse
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.groundtruth.recordings import stream_rows

KEY = ("dataset", "neuron", "recording")
THREE = ("recordings.parquet", "traces.parquet", "spikes.parquet")


def import_parquet(files: list[Path], source: GroundTruthSource) -> Iterator[Row]:
    """Every recording: of the three files where they lie together, of each other file as a table of its own."""
    for path in files:
        if path.name == THREE[0]:
            yield from import_three(path.parent, source)
        elif path.name not in THREE[1:] or not path.with_name(THREE[0]).exists():
            yield from import_table(path, source)


def import_table(path: Path, source: GroundTruthSource) -> Iterator[Row]:
    """One row per recording: dataset, neuron, indicator, time (s), dff (fraction), spike_times (s) are needed."""
    check(path, "dataset", "neuron", "time", "dff", "spike_times", *_indicator(source))
    for row in stream_rows(path):
        yield from _make(path, row, row, source)


def import_three(folder: Path, source: GroundTruthSource) -> Iterator[Row]:
    """recordings.parquet describes, traces.parquet holds dff and time_us (µs), spikes.parquet spike_time (s)."""
    recordings, traces, spikes = (folder / name for name in THREE)
    check(recordings, *KEY, *_indicator(source))
    check(traces, *KEY, "dff", "time_us")
    check(spikes, *KEY, "spike_time")
    described = {_key(row): row for row in stream_rows(recordings)}
    fired = {_key(row): row["spike_time"] for row in stream_rows(spikes)}
    for row in stream_rows(traces):
        key = _key(row)
        for path, known in ((recordings, described), (spikes, fired)):
            if key not in known:
                raise refuse(traces, f"{key} has no row in {path.name}", "add it there")
        values = {"time": row["time_us"] / 1e6, "dff": row["dff"], "spike_times": fired[key]}
        yield from _make(traces, described[key], values, source)


def check(path: Path, *needed: str) -> None:
    """Raise InputError unless `path` is a Parquet file with the columns `needed`."""
    try:
        names = pq.read_schema(path).names
    except (ArrowException, OSError) as error:
        raise refuse(path, f"not a readable Parquet file ({error})", "write it again") from None
    missing = [name for name in needed if name not in names]
    if missing:
        raise refuse(
            path,
            f"column {', '.join(missing)} is missing (found: {', '.join(names)})",
            "docs/how-to.md lists the columns",
        )


def _make(path: Path, description: Row, values: dict[str, Any], source: GroundTruthSource) -> Iterator[Row]:
    told = {
        name: getattr(source, name) or description.get(name) or ""
        for name in ("indicator", "species", "area", "cell_class")
    }
    neuron = Neuron(str(description["dataset"]), str(description["neuron"]), **told)
    # A trace without a noise level in a table of groundtrace is no dF/F.
    normalised = "noise_level" in description and description["noise_level"] is None
    number = int(description.get("recording") or 0)
    row = make_row(neuron, number, values["time"], values["dff"], values["spike_times"], normalised)
    if row is not None:
        yield row


def _key(row: Row) -> tuple[str, str, int]:
    return str(row["dataset"]), str(row["neuron"]), int(row["recording"])


def _indicator(source: GroundTruthSource) -> list[str]:
    return ["indicator"] if source.indicator is None else []
