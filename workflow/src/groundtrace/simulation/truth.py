"""What is known about a simulated recording, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.tables import list_column


@dataclass(frozen=True)
class PlaneTruth:
    """One plane. Cells are those with at least half of their light inside the field."""

    pixel_y: list[IntArray]
    """Per cell, rows of its pixels where the tissue is not displaced."""
    pixel_x: list[IntArray]
    """Per cell, columns of its pixels."""
    weight: list[FloatArray]
    """Per cell, share of its light per pixel, sum 1."""
    brightness: FloatArray
    """(n_cells,) photons per frame that a cell adds at rest, over all its pixels."""
    rate: FloatArray
    """(n_cells,) Hz, the rate that the spikes were drawn with."""
    spike_times: list[FloatArray]
    """Per cell, s from the first frame, sorted; negative ones still show in the first frames."""
    calcium: FloatArray
    """(n_cells, n_frames) float32 dF/F without noise, at the times frame / frame_rate."""
    snr: FloatArray
    """(n_cells,) 99th percentile of `calcium` above its median over the photon noise of the best read-out."""
    photons: FloatArray
    """(height, width) mean expected photons per frame where the tissue is not displaced."""
    shifts: FloatArray
    """(n_frames, 2) px, rigid displacement (y, x): registered[t, p] = raw[t, p + shift]."""
    nodes: FloatArray
    """(n_frames, 2, n_nodes) px, displacement beyond the rigid one at a square grid of points, row by row, spread
    from edge to edge of the field; a cubic spline between them; n_nodes = 0 when rigid."""

    def cells(self, plane: int, duration: float) -> pl.DataFrame:
        """Rows of TruthCells."""
        return pl.DataFrame(
            {
                "plane": pl.Series([plane] * len(self.weight), dtype=pl.Int32),
                "roi": pl.Series(range(len(self.weight)), dtype=pl.Int32),
                "pixel_y": _ragged(self.pixel_y, pl.Int32()),
                "pixel_x": _ragged(self.pixel_x, pl.Int32()),
                "weight": _ragged(self.weight, pl.Float32()),
                "brightness": pl.Series(self.brightness, dtype=pl.Float32),
                "snr": pl.Series(self.snr, dtype=pl.Float32),
                "rate": pl.Series(self.rate, dtype=pl.Float32),
                "spikes": pl.Series(
                    [int(np.sum((times >= 0) & (times < duration))) for times in self.spike_times], dtype=pl.Int32
                ),
                "spike_times": _ragged(self.spike_times, pl.Float64()),
                "calcium": _lists(self.calcium),
            }
        )

    def displacement(self, plane: int) -> pl.DataFrame:
        """Rows of TruthShifts."""
        return pl.DataFrame(
            {
                "plane": pl.Series([plane] * len(self.shifts), dtype=pl.Int32),
                "frame": pl.Series(np.arange(len(self.shifts)), dtype=pl.Int32),
                "y": pl.Series(self.shifts[:, 0], dtype=pl.Float32),
                "x": pl.Series(self.shifts[:, 1], dtype=pl.Float32),
                "node_y": _lists(self.nodes[:, 0]),
                "node_x": _lists(self.nodes[:, 1]),
            }
        )


def _ragged(rows: Sequence[NDArray[Any]], kind: pl.DataType) -> pl.Series:
    return pl.Series([row.tolist() for row in rows], dtype=pl.List(kind))


def _lists(rows: FloatArray) -> pl.Series:
    return list_column(np.asarray(rows, np.float32))


@dataclass(frozen=True)
class Truth:
    """One recording."""

    planes: tuple[PlaneTruth, ...]
    frame_rate: float
    """Hz, of a plane."""
    pixel_size: float
    """µm."""
    duration: float
    """s."""

    def cells(self) -> pl.DataFrame:
        """Table TruthCells, all planes."""
        return pl.concat(plane.cells(number, self.duration) for number, plane in enumerate(self.planes))

    def displacement(self) -> pl.DataFrame:
        """Table TruthShifts, all planes."""
        return pl.concat(plane.displacement(number) for number, plane in enumerate(self.planes))
