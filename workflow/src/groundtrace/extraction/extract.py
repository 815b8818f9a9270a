"""From a registered movie to judged ROIs, the same for every backend."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from groundtrace.arrays import BoolArray, IntArray, Movie
from groundtrace.extraction.acceptance import acceptance
from groundtrace.extraction.base import Extraction, Footprint, Judgement
from groundtrace.extraction.scale import GUESS, SOMA, Diameter, choose, seen_diameter
from groundtrace.extraction.scene import Scene, observe
from groundtrace.extraction.search import Survey, centre, survey
from groundtrace.extraction.statistics import Statistics
from groundtrace.notices import notice
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.base import ExtractionBackend

OTHER = 1.3
"""Ratio of the size first seen to that looked with, from which the movie is looked at again at that size."""
PARTS, FEW_PARTS = 16, 2
"""Parts of the field that are asked for the size of cells; few where the size is known and only to be checked."""
SILENT, BY_BACKEND = "does not fire", "refused by the backend's own classifier"


def extract(method: "ExtractionBackend", movie: Movie, task: Task, measured: Movie) -> Extraction:
    """`ExtractionBackend.run`."""
    acquisition, own, working = task.acquisition, task.scratch / "scene", task.scratch / "backend"
    own.mkdir()
    working.mkdir()
    with threadpool_limits(1), ThreadPoolExecutor(task.threads) as pool:
        given = method.diameter(acquisition)
        scene, diameter = sized(measured, task.bad_frames, given, acquisition.pixel_size, own, pool, task.segment)
        found = method.find(movie, scene, replace(task, scratch=working))
        found = judged(found, scene, diameter, pool, None if method.decides() else method.min_probability)
    if len(found.weight) and not found.accepted.any():
        look = "look at the energy image, and set diameter_um or diameter_px if cells were looked for at another size"
        notice(
            "none_accepted",
            f"no ROI of {len(found.weight)} in {acquisition.key} plane {acquisition.plane} is accepted as a cell; "
            f"{scene.advice(look)}",
        )
    return found


def sized(
    movie: Movie,
    bad_frames: BoolArray,
    given: float | None,
    pixel_size: float | None,
    scratch: Path,
    pool: Executor,
    segment: IntArray | None = None,
) -> tuple[Scene, Diameter]:
    """The scene of a movie at the size of its cells. given: px. pixel_size: µm. segment: as of `observe`."""
    start = given or (SOMA / pixel_size if pixel_size else GUESS)
    scene = observe(movie, bad_frames, start, scratch, pool, segment)
    parts = FEW_PARTS if given or pixel_size else PARTS
    seen = seen_diameter(scene, parts)
    if given is None and seen and not 1 / OTHER < seen / start < OTHER:
        seen = seen_diameter(scene.at(seen), parts) or seen
    diameter = choose(given, pixel_size, seen)
    if diameter.source == "assumed":
        notice(
            "cell_size_assumed",
            f"neither pixel size nor movie tells how large a cell is; {GUESS:.0f} px are taken; fill the column "
            "pixel_size (µm) of the sheet, or set diameter_px",
        )
    return (scene if diameter.value == scene.diameter else scene.at(diameter.value)), diameter


def judged(found: Extraction, scene: Scene, diameter: Diameter, pool: Executor, least: float | None) -> Extraction:
    """`found` with the probability of each ROI being a cell; accepted are those of at least `least`.

    least: None leaves the verdict to the backend.
    """
    rois: list[Footprint] = list(zip(found.pixel_y, found.pixel_x, found.weight, strict=True))
    visible = np.zeros(len(rois), bool) if found.visible is None else found.visible
    if found.survey is None:
        seen = survey(scene, pool, rois)
    else:
        seen = found.survey
        # There is no activity of visible cells to be judged.
        unknown = np.full((int(visible.sum()), seen.statistics.shape[1]), np.nan)
        seen = replace(seen, statistics=np.concatenate([seen.statistics, unknown]))
    statistics, model = Statistics.of(seen.statistics), found.judge or acceptance()
    probability = np.where(visible, np.nan, model.probability(statistics))
    accepted = found.accepted if least is None else ~visible & (np.nan_to_num(probability) >= least)
    against = [BY_BACKEND] * len(rois) if least is None else model.reasons(statistics)
    reasons = [
        "" if yes else SILENT if still else reason
        for yes, still, reason in zip(accepted, visible, against, strict=True)
    ]
    noise = model.probability(Statistics.of(seen.decoy_statistics)) >= (0.5 if least is None else least)
    quality = _quality(seen, scene, diameter, accepted, visible, rois, noise)
    if found.survey is None:
        quality = quality.with_columns(decoys=pl.lit(None, pl.Int32), decoys_accepted=pl.lit(None, pl.Int32))
    if given := found.given:
        shift_y, shift_x = given.shift or (None, None)
        quality = quality.with_columns(
            given=pl.lit(given.file),
            shift_y=pl.lit(shift_y, pl.Float32),
            shift_x=pl.lit(shift_x, pl.Float32),
            likeness=pl.lit(given.likeness, pl.Float32),
            notes=pl.lit("\n".join(given.notes)),
        )
    judgement = Judgement(probability, reasons, statistics, seen.images, quality)
    return replace(found, accepted=accepted, visible=visible, judgement=judgement)


def _quality(
    seen: Survey,
    scene: Scene,
    diameter: Diameter,
    accepted: BoolArray,
    visible: BoolArray,
    rois: list[Footprint],
    noise: BoolArray,
) -> pl.DataFrame:
    """Table ExtractionQuality. noise: (n_decoys,) whether a decoy would be accepted; dips of accepted cells, as of one
    that leaves the focus, are no decoys."""
    cells = np.zeros(scene.shape, bool)
    for (y, x, _), yes in zip(rois, accepted, strict=True):
        cells[y, x] |= bool(yes)
    apart = [not cells[tuple(round(at) for at in centre(decoy))] for decoy in seen.decoys]
    columns = {
        "diameter": (diameter.value, pl.Float32),
        "diameter_source": (diameter.source, pl.String),
        "diameter_seen": (diameter.seen, pl.Float32),
        "decay": (scene.decay, pl.Float32),
        "bin_frames": (scene.size, pl.Int32),
        "rois": (int((~visible).sum()), pl.Int32),
        "accepted": (int(accepted.sum()), pl.Int32),
        "visible": (int(visible.sum()), pl.Int32),
        "decoys": (int(np.sum(apart)), pl.Int32),
        "decoys_accepted": (int(np.sum(np.asarray(apart, bool) & noise)), pl.Int32),
    }
    return pl.DataFrame({name: pl.Series([value], dtype=kind) for name, (value, kind) in columns.items()})
