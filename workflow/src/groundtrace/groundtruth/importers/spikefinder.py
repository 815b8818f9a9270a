"""Pairs of CSV files of the Spikefinder challenge (Berens et al. 2018): a column per neuron, 100 samples per second."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.importers.base import Neuron, Row, make_row, refuse
from groundtrace.groundtruth.parameters import GroundTruthSource

SAMPLE_RATE = 100.0
"""Hz, of calcium and of spike counts."""


def import_spikefinder(files: list[Path], source: GroundTruthSource) -> Iterator[Row]:
    """Every neuron of every pair `<set>.calcium.csv` and `<set>.spikes.csv`; calcium is normalised, no dF/F."""
    for path in files:
        if path.name.endswith(".calcium.csv"):
            yield from import_set(path, source)


def import_set(path: Path, source: GroundTruthSource) -> Iterator[Row]:
    """The neurons of one pair of files; sample k is the middle of the bin from k / 100 s to (k + 1) / 100 s."""
    if source.indicator is None:
        raise refuse(path, "Spikefinder files do not name their indicator", "set `indicator` in the config")
    partner = path.with_name(path.name.replace(".calcium.csv", ".spikes.csv"))
    if not partner.is_file():
        raise refuse(path, f"{partner.name} is missing beside it", "both files of a set are needed")
    calcium, spikes = read_columns(path), read_columns(partner)
    if calcium.shape != spikes.shape or calcium.columns != spikes.columns:
        raise refuse(
            path,
            f"{calcium.height} samples of {calcium.width} neurons, in {partner.name} {spikes.height} of {spikes.width}",
            "download both again",
        )
    dataset = "spikefinder-" + re.sub(r"\W+", "-", path.name.removesuffix(".calcium.csv"))
    time = (np.arange(calcium.height) + 0.5) / SAMPLE_RATE
    told = (source.species or "", source.area or "", source.cell_class or "")
    for name in calcium.columns:
        neuron = Neuron(dataset, name, source.indicator, *told)
        counts = np.nan_to_num(spikes[name].to_numpy())
        if (counts < 0).any() or (counts % 1).any():
            raise refuse(partner, f"column {name!r} does not hold counts of spikes", "download it again")
        row = make_row(neuron, 0, time, calcium[name].to_numpy(), spread(counts), normalised=True)
        if row is not None:
            yield row


def spread(counts: FloatArray) -> FloatArray:
    """Times, s, of counted spikes (n_bins,): those of one bin evenly over it, a single one in its middle."""
    many = counts.astype(np.int64)
    bins = np.repeat(np.arange(len(many)), many)
    rank = np.arange(len(bins)) - np.repeat(np.cumsum(many) - many, many)
    return (bins + (rank + 0.5) / np.repeat(many, many)) / SAMPLE_RATE


def read_columns(path: Path) -> pl.DataFrame:
    """The columns of a CSV file as numbers; padding is NaN."""
    try:
        return pl.read_csv(path, infer_schema_length=None).select(pl.all().cast(pl.Float64).fill_null(np.nan))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise refuse(path, f"not a table of numbers ({error})", "download it again") from None
