"""A made-up folder of results, as the workflow leaves it, for tests of what reads it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.curation.apply import curated
from groundtrace.curation.tables import Curation
from groundtrace.extraction.tables import Rois
from groundtrace.io import write_arrays, write_table, write_text
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import SessionInputs, render_session, warnings_table
from groundtrace.report.study import write_study
from groundtrace.report.tables import Warnings
from groundtrace.running.layout import FILES, Entry
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import empty
from groundtrace.traces.tables import Brightness, Traces
from tests.tables import example
from tests.unit.report.report_example import example_session, with_accuracy

METHODS = {"motion": "phase", "denoise": "none", "extract": "transients", "spikes": "network"}


def example_entry(results: Path, session: SessionInputs, recipe: str = "default", **changes: Any) -> Entry:
    """The row of the study that a made-up session is."""
    acquisition = session.acquisition
    where = {"session": acquisition.key, "plane": acquisition.plane, "recipe": recipe}
    fields = {"methods": METHODS, "indicator": acquisition.indicator, "simulated": False}
    return Entry(results, **(where | fields | changes))


def example_plane(plane: int = 0, rois: int = 4, frames: int = 600, seed: int = 0, **changes: Any) -> SessionInputs:
    """A plane of 48 × 64 px with bad frames, whose dF/F and rates are NaN, and rates with intervals."""
    session = with_accuracy(example_session(rois=rois, frames=frames, side=64, clips=2))
    random, lost = np.random.default_rng(seed + plane), np.arange(frames) // 4 == 50
    time = np.arange(frames) / session.acquisition.frame_rate
    accepted = pl.Series("accepted", np.arange(rois) % 3 != 2)
    image = random.uniform(100, 200, (48, 64)).astype(np.float32)
    return replace(
        session,
        acquisition=session.acquisition.model_copy(update={"plane": plane, "height": 48, **changes}),
        frames=session.frames.with_columns(time=pl.Series(time)),
        rois=_footprints(random, rois, accepted),
        shifts=session.shifts.with_columns(bad=pl.Series(lost), reason=pl.Series(np.where(lost, "jump", ""))),
        traces=_without(session.traces, ("dff",), lost).with_columns(accepted),
        spikes=_without(session.spikes, ("rate", "rate_low", "rate_high"), lost).with_columns(accepted),
        motion_images=session.motion_images | {"mean": image, "template": image},
        extraction_images={"maximum": image * 2, "correlation": image / 200},
    )


def write_plane(entry: Entry, session: SessionInputs) -> None:
    """The files of one row."""
    where = {"session": entry.session, "plane": entry.plane, "recipe": entry.recipe, **entry.methods}
    files = {name: entry.results / pattern.format(**where) for name, pattern in FILES.items()}
    tables = {
        "frames": (Frames, session.frames),
        "raw_quality": (RawQuality, session.raw_quality),
        "shifts": (Shifts, session.shifts),
        "motion_quality": (MotionQuality, session.motion_quality),
        "rois": (Rois, undecided(session.rois)),
        "curation": (Curation, empty(Curation)),
        "traces": (Traces, session.traces),
        "spikes": (Spikes, session.spikes),
        "brightness": (Brightness, example(Brightness, session.acquisition.frames, usable=True)),
    }
    for name, (table, frame) in tables.items():
        write_table(files[name], table, frame, session.provenance)
    for name in ("raw_images", "motion_images", "extraction_images"):
        write_arrays(files[name], **getattr(session, name))
    write_text(files["acquisition"], session.acquisition.text())
    write_table(entry.warnings, Warnings, warnings_table(session, ReportParameters()), session.provenance)
    write_text(entry.card, session.card.model_dump_json(indent=2))
    write_text(entry.file("report"), f"{render_session(session, ReportParameters())[:2000]}")


def undecided(rois: pl.DataFrame) -> pl.DataFrame:
    """The table Rois as dF/F leaves it where no person has decided anything."""
    return rois if "curated" in rois.columns else curated(rois, pl.DataFrame(), ())[0]


def write_example_study(results: Path, rows: Sequence[tuple[Entry, SessionInputs | None]]) -> None:
    """Rows with their sessions, None for one that failed; and the table and page of the study."""
    for entry, session in rows:
        if session is not None:
            write_plane(entry, session)
    write_study([entry for entry, _ in rows], results / "index.html", results / "study.parquet")


def _footprints(random: np.random.Generator, rois: int, accepted: pl.Series) -> pl.DataFrame:
    """Squares of 3 × 4 px, each apart from the others."""
    y, x = (grid.ravel() for grid in np.mgrid[:3, :4])
    weight = random.dirichlet(np.ones(12), rois).astype(np.float32)
    top, left = 2 + 8 * (np.arange(rois) // 6), 3 + 10 * (np.arange(rois) % 6)
    return example(
        Rois,
        roi=np.arange(rois),
        pixel_y=y + top[:, None],
        pixel_x=x + left[:, None],
        weight=weight,
        overlap=np.zeros((rois, 12), bool),
        centroid_y=(weight * (y + top[:, None])).sum(1),
        centroid_x=(weight * (x + left[:, None])).sum(1),
        area=12,
        accepted=accepted.to_list(),
        cell_probability=random.uniform(0, 1, rois),
    )


def _without(table: pl.DataFrame, names: Sequence[str], lost: np.ndarray) -> pl.DataFrame:
    """Columns of values per frame with NaN in the frames that are lost."""
    for name in names:
        values = np.array(table[name].to_list(), np.float32)
        values[:, lost] = np.nan
        table = table.with_columns(pl.Series(name, values.tolist(), dtype=pl.List(pl.Float32)))
    return table
