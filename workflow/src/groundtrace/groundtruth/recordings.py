"""Ground truth: dF/F of a neuron and the spike times of the electrode on it, one recording a row of one table."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.resampling import frame_interval, match_noise, resample, spike_counts

BATCH = 32
"""Recordings held in memory at a time."""


@dataclass(frozen=True)
class Recording:
    """Simultaneous imaging and electrophysiology of one neuron."""

    dataset: str
    neuron: str
    recording: int
    indicator: str
    cell_class: str
    """excitatory, PV, SST, VIP, interneuron, or empty when unknown."""
    time: FloatArray
    """(n_frames,) s, middle of each frame, increasing; steps may differ."""
    dff: FloatArray
    """(n_frames,) fraction; no NaN."""
    spike_time: FloatArray
    """(n_spikes,) s on the same axis, sorted; may lie outside the imaged span."""
    species: str = ""
    """mouse, zebrafish, ...; empty when unknown."""

    @property
    def frame_rate(self) -> float:
        """Hz."""
        return 1 / frame_interval(self.time)


@dataclass(frozen=True)
class Sampled:
    """A recording on an even grid of frames, at a chosen frame rate and noise level."""

    recording: Recording
    frame_rate: float
    """Hz."""
    noise_level: float
    """ν asked for, % Hz^(-1/2)."""
    time: FloatArray
    """(n_frames,) s, middle of each frame on the recording's own time axis."""
    dff: FloatArray
    """(n_frames,) fraction."""
    spikes: FloatArray
    """(n_frames,) spikes within half a frame of `time`."""


def sample(recording: Recording, frame_rate: float, level: float, generator: np.random.Generator) -> Sampled | None:
    """`recording` at `frame_rate` (Hz) and noise level `level` (% Hz^-1/2); None when it is noisier than that."""
    time, dff = resample(recording.time, recording.dff, frame_rate)
    noisy = match_noise(dff, frame_rate, level, generator)
    if noisy is None:
        return None
    return Sampled(recording, frame_rate, level, time, noisy, spike_counts(recording.spike_time, time, frame_rate))


def read_recordings(
    path: Path | str,
    *,
    regular: bool | None = None,
    plausible: bool | None = None,
    datasets: Container[str] | None = None,
) -> Iterator[Recording]:
    """Recordings of a table GroundTruth, a few in memory at a time.

    regular, plausible: only recordings whose column is so; None takes all. datasets: only these; None takes all.
    """
    for row in stream_rows(path):
        if (
            regular in (None, row["regular"])
            and plausible in (None, row["plausible"])
            and (datasets is None or row["dataset"] in datasets)
        ):
            yield Recording(
                dataset=row["dataset"],
                neuron=row["neuron"],
                recording=row["recording"],
                indicator=row["indicator"],
                cell_class=row["cell_class"],
                time=row["time"],
                dff=row["dff"],
                spike_time=row["spike_times"],
                species=row["species"],
            )


def stream_rows(path: Path | str) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file without reading it whole; a list becomes an array."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            frame = pl.DataFrame(batch)
            for i in range(len(frame)):
                values = {name: frame[name][i] for name in frame.columns}
                yield {
                    name: value.to_numpy() if isinstance(value, pl.Series) else value for name, value in values.items()
                }
