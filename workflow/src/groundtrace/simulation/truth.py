"""What is known about a simulated recording, and its tables."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.interpolate import CubicSpline

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.simulation.evoked import Driven
from groundtrace.simulation.stimulus import Shown
from groundtrace.simulation.tables import SimulatedStimuli, TruthEvents, TruthResponses
from groundtrace.tables import empty, list_column, ragged, single, stack

Pixels = tuple[IntArray, IntArray, FloatArray]
"""Rows, columns and weights of a footprint."""


@dataclass(frozen=True)
class PlaneTruth:
    """One plane. Cells are those with at least half of their light inside the field."""

    identity: IntArray
    """(n_cells,) of the tissue, the same in all sessions of a field."""
    kind: list[str]
    """Per cell, soma or dendrite."""
    depth: FloatArray
    """(n_cells,) µm below the plane."""
    footprints: list[Pixels]
    """Per cell, where the tissue is not displaced; mean over the recording, weights of sum 1."""
    brightness: FloatArray
    """(n_cells,) photons per frame that a cell adds at rest, over all its pixels."""
    detectability: FloatArray
    """(n_cells,) d'."""
    rate: FloatArray
    """(n_cells,) Hz, the rate that the spikes were drawn with."""
    spike_times: list[FloatArray]
    """Per cell, s from the first frame, sorted; negative ones still show in the first frames."""
    loading: FloatArray
    """(n_cells, n_states) on the population's shared states."""
    calcium: FloatArray
    """(n_cells, n_frames) float32 dF/F without noise, at the times frame / frame_rate."""
    photons: FloatArray
    """(height, width) mean expected photons per frame where the tissue is not displaced."""
    shifts: FloatArray
    """(n_frames, 2) px, rigid displacement (y, x): registered[t, p] = raw[t, p + shift]."""
    z: FloatArray
    """(n_frames,) µm, of the imaged section below the plane."""
    rows: FloatArray
    """(n_frames, 2, height) px, displacement of each raw row beyond the rigid one."""
    nodes: FloatArray
    """(n_frames, 2, n_nodes) px, displacement beyond those at a square grid of points, row by row, spread
    from edge to edge of the field; a cubic spline between them; n_nodes = 0 when rigid."""
    moving: BoolArray
    """(n_frames,) the animal runs."""
    dropped: BoolArray
    """(n_frames,) the file repeats the frame before."""
    sections: list[tuple[int, float, Pixels]]
    """Cell, z (µm) and footprint in photons per frame at each axial position; empty without axial motion."""
    driven: Driven | None = None
    """What the cells respond to; None without a stimulus."""
    events: pl.DataFrame | None = None
    """Table TruthEvents of this plane; None without astrocytes."""

    def cells(self, plane: int, duration: float) -> pl.DataFrame:
        """Rows of TruthCells."""
        count = len(self.footprints)
        spikes = [int(np.sum((times >= 0) & (times < duration))) for times in self.spike_times]
        return pl.DataFrame(
            {
                "plane": pl.Series([plane] * count, dtype=pl.Int32),
                "roi": pl.Series(range(count), dtype=pl.Int32),
                "identity": pl.Series(self.identity, dtype=pl.Int32),
                "kind": pl.Series(self.kind, dtype=pl.String),
                "depth": pl.Series(self.depth, dtype=pl.Float32),
                **_pixels(self.footprints),
                "brightness": pl.Series(self.brightness, dtype=pl.Float32),
                "detectability": pl.Series(self.detectability, dtype=pl.Float32),
                "rate": pl.Series(self.rate, dtype=pl.Float32),
                "spikes": pl.Series(spikes, dtype=pl.Int32),
                "spike_times": ragged(self.spike_times, pa.float64()),
                "loading": _lists(self.loading),
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
                "z": pl.Series(self.z, dtype=pl.Float32),
                "row_y": _lists(self.rows[:, 0]),
                "row_x": _lists(self.rows[:, 1]),
                "node_y": _lists(self.nodes[:, 0]),
                "node_x": _lists(self.nodes[:, 1]),
                "moving": pl.Series(self.moving, dtype=pl.Boolean),
                "dropped": pl.Series(self.dropped, dtype=pl.Boolean),
            }
        )

    def responses(self, plane: int) -> pl.DataFrame:
        """Rows of TruthResponses."""
        if self.driven is None:
            return empty(TruthResponses)
        count = len(self.footprints)
        return pl.DataFrame(
            {
                "plane": pl.Series([plane] * count, dtype=pl.Int32),
                "roi": pl.Series(range(count), dtype=pl.Int32),
                **self.driven.fields.columns(),
                "response": _lists(self.driven.expected),
                "deviation": _lists(np.sqrt(self.driven.variance)),
                "oracle": single(self.driven.oracle),
            }
        )

    def axial_sections(self, plane: int) -> pl.DataFrame:
        """Rows of TruthSections."""
        return pl.DataFrame(
            {
                "plane": pl.Series([plane] * len(self.sections), dtype=pl.Int32),
                "roi": pl.Series([cell for cell, _, _ in self.sections], dtype=pl.Int32),
                "z": pl.Series([z for _, z, _ in self.sections], dtype=pl.Float32),
                **_pixels([pixels for *_, pixels in self.sections]),
            }
        )


def _pixels(footprints: list[Pixels]) -> dict[str, pl.Series]:
    rows, columns, weights = zip(*footprints, strict=True) if footprints else ((), (), ())
    return {
        "pixel_y": ragged(rows, pa.int32()),
        "pixel_x": ragged(columns, pa.int32()),
        "weight": ragged(weights, pa.float32()),
    }


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
    shown: Shown | None = None
    """Stimuli; None without any."""

    def cells(self) -> pl.DataFrame:
        """Table TruthCells, all planes."""
        return pl.concat(plane.cells(number, self.duration) for number, plane in enumerate(self.planes))

    def displacement(self) -> pl.DataFrame:
        """Table TruthShifts, all planes."""
        return pl.concat(plane.displacement(number) for number, plane in enumerate(self.planes))

    def stimuli(self) -> pl.DataFrame:
        """Table SimulatedStimuli."""
        return self.shown.presentations if self.shown else empty(SimulatedStimuli)

    def images(self) -> IntArray:
        """(n_images, Y, X) uint8 that were shown."""
        return self.shown.images if self.shown else np.zeros((0, 0, 0), np.uint8)

    def responses(self) -> pl.DataFrame:
        """Table TruthResponses, all planes."""
        return pl.concat(plane.responses(number) for number, plane in enumerate(self.planes))

    def sections(self) -> pl.DataFrame:
        """Table TruthSections, all planes."""
        return pl.concat(plane.axial_sections(number) for number, plane in enumerate(self.planes))

    def events(self) -> pl.DataFrame:
        """Table TruthEvents, all planes."""
        found = [(number, plane.events) for number, plane in enumerate(self.planes) if plane.events is not None]
        numbered = [events.with_columns(plane=pl.lit(number, pl.Int32)) for number, events in found]
        return pl.concat(numbered) if numbered else empty(TruthEvents)


def true_displacement(shifts: pl.DataFrame, shape: tuple[int, int], y: FloatArray, x: FloatArray) -> FloatArray:
    """u(t, q) of one plane's TruthShifts at places q = (y, x), px, of the raw frame: (2, n_frames, *places).

    raw[t, q] = tissue[q - u(t, q)]. shape: (height, width) of the field. y, x: equal shapes, either places of all
    frames or, with a first axis of n_frames, places of each.
    """
    frames = shifts.height
    y, x = np.asarray(y, float), np.asarray(x, float)
    if y.ndim < 2 or y.shape[0] != frames:
        y, x = np.broadcast_to(y, (frames, *y.shape)), np.broadcast_to(x, (frames, *x.shape))
    places = (y.reshape(frames, -1), x.reshape(frames, -1))
    row = np.clip(np.rint(places[0]).astype(int), 0, shape[0] - 1)
    found = []
    for axis in "yx":
        moved = np.take_along_axis(stack(shifts[f"row_{axis}"]), row, axis=1) + shifts[axis].to_numpy()[:, None]
        nodes = stack(shifts[f"node_{axis}"])
        found.append(moved + _between_nodes(nodes, shape, places) if nodes.size else moved)
    return np.stack(found).reshape(2, *y.shape).astype(np.float32)


def _between_nodes(nodes: FloatArray, shape: tuple[int, int], places: tuple[FloatArray, FloatArray]) -> FloatArray:
    """The nonrigid displacement (frames, places): a cubic spline through the nodes (frames, side²)."""
    side = int(np.sqrt(nodes.shape[1]))
    along = [
        CubicSpline(np.linspace(0, size - 1, side), np.eye(side))(np.clip(where, 0, size - 1))
        for size, where in zip(shape, places, strict=True)
    ]
    return np.einsum("fpi,fij,fpj->fp", along[0], nodes.reshape(-1, side, side), along[1], optimize=True)
