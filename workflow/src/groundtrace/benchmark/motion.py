"""Motion correction against the true motion of a simulated plane.

Three images of the same tissue: raw[t, q] = tissue[q - u(t, q)] with the true displacement u, and registered[t, p] =
raw[t, p + e(t, p)] with the estimated one. So registered[t, p] = tissue[p + r(t, p)] with r(t, p) = e(t, p) -
u(t, p + e(t, p)). Where a template lies is its own affair: the constant part of r, the offset, is no error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.motion.moving import Blocks, Displacement
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.truth import true_displacement
from groundtrace.tables import Table

Conditions = dict[str, Any]
"""The first columns of every table of benchmark/tables.py."""

CHUNK_FRAMES = 500
LOST = 2.0
"""px; a frame that is further off is lost."""


@dataclass(frozen=True)
class MotionScore:
    """What one motion correction left."""

    offset: tuple[float, float]
    """px (y, x): registered[p] shows tissue[p + offset]; tissue at s is seen at s - offset."""
    measures: dict[str, float | int | None]
    """Columns of MotionBenchmark beyond the conditions, by name."""


def blocks_of(images: Mapping[str, FloatArray]) -> Blocks:
    """Where the blocks of a registration are, from the arrays of its images.npz."""
    return Blocks(images["block_centre_y"], images["block_centre_x"], float(images["scan_offset"]))


def plane_truth(table: pl.DataFrame, plane: int) -> pl.DataFrame:
    """Rows of one plane of a truth table."""
    return table.filter(pl.col("plane") == plane)


def score_motion(
    shifts: pl.DataFrame, blocks: Blocks, truth: pl.DataFrame, shape: tuple[int, int], parameters: RecordingBenchmark
) -> MotionScore:
    """Score the table Shifts of a plane of `shape` (height, width) px against its rows of TruthShifts.

    Frames that the acquisition dropped count nowhere; those marked bad count, as marking them mends nothing.
    """
    left = residual_displacement(Displacement.of(shifts, blocks), truth, grid(shape, parameters.grid), shape)
    kept = ~truth["dropped"].to_numpy()
    kept = kept if kept.any() else np.ones_like(kept)
    offset = template_offset(left[:, kept])
    left = left - offset[:, None, None]
    error = np.sqrt((left**2).sum(axis=0).mean(axis=1))
    moving, bad = truth["moving"].to_numpy(), shifts["bad"].to_numpy()
    measures = {
        "residual": rms(error[kept]),
        "residual_rigid": rms(np.linalg.norm(left.mean(axis=2), axis=0)[kept]),
        "residual_99": float(np.percentile(error[kept], 99)),
        "residual_rest": rms(error[kept & ~moving]) if (kept & ~moving).any() else None,
        "residual_moving": rms(error[kept & moving]) if (kept & moving).any() else None,
        "frames_lost": float(((error > LOST) | bad)[kept].mean()),
        "frames": len(error),
    }
    return MotionScore((float(offset[0]), float(offset[1])), measures)


def residual_displacement(
    found: Displacement, truth: pl.DataFrame, places: tuple[FloatArray, FloatArray], shape: tuple[int, int]
) -> FloatArray:
    """r(t, p) = e(t, p) - u(t, p + e(t, p)) at the places p = (y, x), px, of registered frames.

    places: two arrays (n_places,). shape: (height, width) of the field. Returns (2, n_frames, n_places).
    """
    left = []
    for start in range(0, len(found), CHUNK_FRAMES):
        part = slice(start, start + CHUNK_FRAMES)
        moved = np.asarray(found[part].at(*places), np.float64)
        left.append(moved - true_displacement(truth[part], shape, places[0] + moved[0], places[1] + moved[1]))
    return np.concatenate(left, axis=1)


def template_offset(left: FloatArray) -> FloatArray:
    """The constant part (2,) of r (2, n_frames, n_places), px: registered[p] shows tissue[p + offset].

    The median over frames of the mean over the field: frames that were lost do not move it.
    """
    return np.median(left.mean(axis=2), axis=1)


def grid(shape: tuple[int, int], points: int) -> tuple[FloatArray, FloatArray]:
    """`points`² places y and x, px, from a tenth to nine tenths of the field: frames hardly ever lack them."""
    y, x = np.meshgrid(*(np.linspace(0.1, 0.9, points) * (side - 1) for side in shape), indexing="ij")
    return y.ravel(), x.ravel()


def rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def conditions(
    acquisition: Acquisition, simulation: Simulation, truth: pl.DataFrame, parameters: RecordingBenchmark
) -> Conditions:
    """What was recorded, for the first columns of every table. truth: TruthShifts of the plane."""
    shape = acquisition.height, acquisition.width
    rigid = truth.select("y", "x").to_numpy().astype(np.float64)
    row = pl.col("row_y", "row_x").list.eval(pl.element() * 0)
    beyond = true_displacement(truth.with_columns(pl.col("y", "x") * 0, row), shape, *grid(shape, parameters.grid))
    return {
        "session": acquisition.key,
        "plane": acquisition.plane,
        "indicator": acquisition.indicator,
        "frame_rate": acquisition.frame_rate,
        "pixel_size": acquisition.pixel_size,
        "photons": simulation.photons,
        "density": simulation.density,
        "motion": rms(np.linalg.norm(rigid - rigid.mean(axis=0), axis=1)),
        "nonrigid": rms(np.linalg.norm(beyond, axis=0)),
        "axial": float(truth["z"].to_numpy().astype(np.float64).std()),
    }


def table_of(table: type[Table], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A table of rows by name, with the declared types and order."""
    return pl.DataFrame(
        {name: pl.Series([r[name] for r in rows], dtype=dtype) for name, dtype in table.types().items()}
    )
