"""Made-up stimuli and the cells that they drive."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.io import write_table
from groundtrace.spikes.tables import Spikes
from tests.tables import example

RATE = 30.0
"""Frames per second."""


def shown(conditions: int, repeats: int, seed: int = 0, lasting: float = 0.25, every: float = 0.5) -> pl.DataFrame:
    """A file of presentations of images: every condition once in each round, in random order."""
    random = np.random.default_rng(seed)
    image = np.concatenate([random.permutation(conditions) for _ in range(repeats)])
    start = 1.0 + every * np.arange(len(image))
    return pl.DataFrame({"start_time": start, "stop_time": start + lasting, "stimulus": "scenes", "image": image})


def frames_of(count: int) -> pl.DataFrame:
    """Times and segments of frames without a gap."""
    return pl.DataFrame({"time": np.arange(count) / RATE, "segment": np.zeros(count, np.int32)})


def spike_counts(means: FloatArray, condition: IntArray, seed: int = 0) -> FloatArray:
    """Poisson counts (n_rois, n_trials) of cells with mean counts (n_rois, n_conditions)."""
    return np.random.default_rng(seed).poisson(means[:, condition]).astype(float)


def driven(counts: FloatArray, presentations: pl.DataFrame, frames: int, latency: float = 0.05) -> FloatArray:
    """Rates (n_rois, n_frames), Hz, that hold these counts in the window of each presentation, and nothing else."""
    time = np.arange(frames) / RATE
    rate = np.zeros((len(counts), frames), np.float32)
    for trial, (start, stop) in enumerate(presentations.select("start_time", "stop_time").iter_rows()):
        inside = (time >= start + latency) & (time < stop + latency)
        rate[:, inside] = counts[:, trial, None] / (inside.sum() / RATE)
    return rate


def write_spikes(path: Path, rate: FloatArray, **columns: object) -> Path:
    """The file of a table Spikes."""
    given: dict[str, Any] = {"accepted": True, "rate": rate, **columns}
    write_table(path, Spikes, example(Spikes, **given), {"history": [], "sources": []})
    return path
