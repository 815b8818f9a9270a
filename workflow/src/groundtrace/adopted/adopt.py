"""From the result of another pipeline to the files that dF/F, spikes and pages start from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.adopted.base import Adopted
from groundtrace.adopted.formats import files_of, reader_of
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Extraction, Given
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.movies.timing import GAP
from groundtrace.sessions import Session
from groundtrace.traces.gaps import with_lines

LARGEST_DFF = 50.0
"""dF/F above which a fraction was meant as per cent."""
UNORDERED = "the time stamps of its frames do not increase, and frames are taken as even; check when they were taken"
ALIGN = "align other signals by the column `time` of frames.parquet, not by counting frames"
FASTEST = 10_000
"""Hz."""
MARKED = "left out by the other pipeline"
LIGHT = (
    "only dF/F is in it, which is taken as light over a baseline of 1, without neuropil, and gets its baseline anew; "
)
WITHOUT = "its light has no neuropil beside it, so that none is subtracted; "


@dataclass(frozen=True)
class Taken:
    """Tables and images of one plane, by what they are called in the folder of results."""

    acquisition: Acquisition
    frames: pl.DataFrame
    raw_quality: pl.DataFrame
    raw_images: dict[str, FloatArray]
    shifts: pl.DataFrame
    motion_quality: pl.DataFrame
    rois: pl.DataFrame
    fluorescence: pl.DataFrame
    extraction_quality: pl.DataFrame
    images: dict[str, FloatArray]


def read(session: Session, files: Sequence[Path], plane: int) -> tuple[Adopted, Path]:
    """What the session's result holds of a plane (0-based): one entry of the sheet for each, or one for all."""
    assert session.format is not None
    if len(files) not in (1, session.planes):
        raise InputError(
            f"{files[0]}: {len(files)} results for planes {session.planes}; write one for each plane, in order, "
            "separated by ;"
        )
    shared = len(files) == 1
    path = files[0 if shared else plane]
    if shared and session.planes > 1 and session.format != "nwb_rois":
        raise InputError(f"{path}: is the result of one plane, and the sheet says planes {session.planes}")
    reader = import_module(reader_of(session.format))
    return reader.read(path, plane, session.planes) if shared else reader.read(path), path


def adopt(session: Session, files: Sequence[Path], plane: int) -> Taken:
    """Raises InputError, naming file and next step."""
    found, path = read(session, files, plane)
    found, rate = checked(path, found), rate_of(path, session, found)
    frames = next(len(traces[0]) for traces in (found.fluorescence, found.dff) if traces is not None)
    found = timed(found, frames, rate)
    extraction = as_extracted(path, found)
    bad = bad_frames(found, frames)
    images = found.images or {"mean": drawing(extraction, found.shape)}
    images = {"mean": next(iter(images.values()))} | images
    return Taken(
        acquisition(session, found, sources(files, frames), plane, (frames, *found.shape), rate),
        frames_table(found.time, found.segment),
        raw_quality(frames),
        {"mean": images["mean"], "saturated": np.zeros(found.shape, np.float32)},
        shifts(found.shifts, bad),
        motion_quality(found.shifts, bad),
        reasons(describe(extraction, found.shape)),
        fluorescence_table(extraction),
        extraction_quality(extraction),
        images,
    )


def rate_of(path: Path, session: Session, found: Adopted) -> float:
    """Hz: of the sheet, or of the result."""
    rate = session.frame_rate or found.frame_rate
    if rate is None:
        raise InputError(
            f"{path}: has no frame rate, and the sheet none for sub-{session.subject} ses-{session.session}; fill the "
            "column frame_rate (Hz)"
        )
    if not 0 < rate <= FASTEST:
        raise InputError(
            f"{path}: its frame rate is {rate:g} Hz; fill the column frame_rate (Hz), which counts instead"
        )
    return rate


def as_extracted(path: Path, found: Adopted) -> Extraction:
    """The ROIs as an extraction of ours would return them, not judged."""
    f, neuropil, notes = light(path, found)
    return Extraction(
        pixel_y=[y for y, _, _ in found.footprints],
        pixel_x=[x for _, x, _ in found.footprints],
        weight=[weight for *_, weight in found.footprints],
        classifier_probability=found.probability,
        accepted=found.accepted,
        fluorescence=f,
        neuropil=neuropil,
        kind="given",
        given=Given(path.name, found.names, notes=(*found.notes, *notes)),
    )


def acquisition(
    session: Session,
    found: Adopted,
    files: tuple[SourceFile, ...],
    plane: int,
    shape: tuple[int, int, int],
    frame_rate: float,
) -> Acquisition:
    """What is known of the plane. shape: frames, height, width."""
    return Acquisition(
        subject=session.subject,
        session=session.session,
        date=session.date,
        plane=plane,
        planes=session.planes,
        channels=1,
        functional_channel=1,
        frames=shape[0],
        height=shape[1],
        width=shape[2],
        dtype="unknown",
        frame_rate=frame_rate,
        pixel_size=session.pixel_size,
        saturation=0,
        offset=found.offset,
        adopted=found.pipeline,
        sources=files,
    )


def checked(path: Path, found: Adopted) -> Adopted:
    """Raise InputError for traces that mean nothing; ROIs without any pixel or light are left out, and said."""
    values = found.dff if found.fluorescence is None else found.fluorescence
    assert values is not None
    if len(values) != len(found.footprints):
        raise InputError(f"{path}: {len(values)} traces for {len(found.footprints)} ROIs; export it again")
    if not values.size:
        raise InputError(f"{path}: holds no ROI; check the column path, or start from the movie")
    if values.shape[1] < 2:
        raise InputError(f"{path}: its traces have {values.shape[1]} frame(s); check the column path")
    found = with_bad_frames(found, values)
    values = found.dff if found.fluorescence is None else found.fluorescence
    assert values is not None
    kept = np.isfinite(values).all(axis=1) & np.array([weight.sum() > 0 for *_, weight in found.footprints])
    if kept.all():
        return found
    lost = np.flatnonzero(~kept)
    some = ", ".join(found.names[k] for k in lost[:8]) + (" …" if len(lost) > 8 else "")
    if not kept.any():
        raise InputError(f"{path}: every trace has NaN or infinite values, such as that of {some}; export it again")

    def of(rows: FloatArray | None) -> FloatArray | None:
        return None if rows is None else rows[kept]

    note = (
        f"{len(lost)} of its ROIs ({some}) have no pixel with a weight, or a trace with NaN, and are left out; export "
        "them again"
    )
    return replace(
        found,
        footprints=[found.footprints[k] for k in np.flatnonzero(kept)],
        names=[found.names[k] for k in np.flatnonzero(kept)],
        accepted=found.accepted[kept],
        fluorescence=of(found.fluorescence),
        neuropil=of(found.neuropil),
        dff=of(found.dff),
        probability=of(found.probability),
        notes=(*found.notes, note),
    )


def bad_frames(found: Adopted, frames: int) -> BoolArray:
    """(n_frames,)"""
    return np.zeros(frames, bool) if found.bad is None else found.bad


def with_bad_frames(found: Adopted, values: FloatArray) -> Adopted:
    """Frames in which no ROI has a value count as bad; what has none in a bad frame gets a line across it.

    values: (n_rois, n_frames) of `found` that tell it.
    """
    bad = bad_frames(found, values.shape[1]) | ~np.isfinite(values).any(axis=0)
    if not bad.any() or bad.all():
        return found

    def filled(rows: FloatArray | None) -> FloatArray | None:
        if rows is None or np.isfinite(rows[:, bad]).all():
            return rows
        rows = np.where(bad & ~np.isfinite(rows), np.nan, rows)
        known = np.isfinite(rows[:, ~bad]).all(axis=1)
        rows[known] = with_lines(rows[known])
        return rows

    parts = {name: filled(getattr(found, name)) for name in ("fluorescence", "neuropil", "dff")}
    return replace(found, bad=bad, **parts)


def light(path: Path, found: Adopted) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """F and Fneu (n_rois, n_frames), and what was decided about them."""
    if found.fluorescence is not None:
        f = np.asarray(found.fluorescence, np.float32)
        if found.neuropil is not None:
            return f, np.asarray(found.neuropil, np.float32), ()
        return f, np.zeros_like(f), (f"{WITHOUT}look at cells in bright neuropil before use",)
    assert found.dff is not None
    if (largest := float(np.nanpercentile(np.abs(found.dff), 99.9))) > LARGEST_DFF:
        raise InputError(
            f"{path}: its dF/F reaches {largest:.0f}, as per cent does; write it as a fraction (0.5 for 50 %)"
        )
    f = 1 + np.asarray(found.dff, np.float32)
    return f, np.zeros_like(f), (f"{LIGHT}start from fluorescence where there is some",)


def sources(files: Sequence[Path], frames: int) -> tuple[SourceFile, ...]:
    """Entries of the sheet with the hash of what is read of them."""
    found = []
    for path in files:
        whole = hashlib.sha256()
        for part in files_of(path):
            with part.open("rb") as handle:
                while chunk := handle.read(2**22):
                    whole.update(chunk)
        found.append(SourceFile(name=path.name, sha256=whole.hexdigest(), frames=frames))
    return tuple(found)


def timed(found: Adopted, frames: int, rate: float) -> Adopted:
    """With the time of each frame, s from the first one on, and its stretch; gaps of the stamps are said."""
    even, whole = np.arange(frames) / rate, np.zeros(frames, np.int64)
    if found.time is None:
        return replace(found, time=even, segment=whole if found.segment is None else found.segment)
    steps = np.diff(found.time)
    if not (steps > 0).all():
        return timed(replace(found, time=None, notes=(*found.notes, UNORDERED)), frames, rate)
    usual = float(np.median(steps))
    gaps = steps > GAP * usual
    segment = np.concatenate([[0], np.cumsum(gaps)]) if found.segment is None else found.segment
    notes = found.notes
    if gaps.any():
        count, lost = int(gaps.sum()), float((steps[gaps] - usual).sum())
        notes += (f"its time stamps have {count} gap{'s' * (count > 1)}, of {lost:.4g} s together; {ALIGN}",)
    return replace(found, time=found.time - found.time[0], segment=segment, notes=notes)


def frames_table(time: FloatArray | None, segment: IntArray | None) -> pl.DataFrame:
    """Table Frames; of light in a frame nothing is known."""
    assert time is not None
    index = pl.Series("frame", range(len(time)), dtype=pl.Int32)
    return pl.DataFrame(index).with_columns(
        brightness=pl.lit(None, pl.Float32),
        saturated=pl.lit(None, pl.Float32),
        blank=pl.lit(False),
        dropped=pl.lit(False),
        flash=pl.lit(False),
        excluded=pl.lit(False),
        time=pl.Series(time, dtype=pl.Float64),
        segment=pl.Series(segment, dtype=pl.Int32),
    )


def raw_quality(frames: int) -> pl.DataFrame:
    """Table RawQuality, of a movie that was not seen."""
    unknown = ("gain", "offset", "photons", "brightness", "brightness_drift", "saturated")
    counts = ("blank_frames", "dropped_frames", "flash_frames")
    return pl.DataFrame(
        {"frames": [frames], **{name: [None] for name in (*unknown, *counts)}},
        schema={"frames": pl.Int32, **dict.fromkeys(unknown, pl.Float32), **dict.fromkeys(counts, pl.Int32)},
    )


def shifts(moved: FloatArray | None, bad: BoolArray) -> pl.DataFrame:
    """Table Shifts, as far as the pipeline tells."""
    empty = pl.Series([[]] * len(bad), dtype=pl.List(pl.Float32))
    y, x = (None, None) if moved is None else moved
    unknown = pl.lit(None, pl.Float32)

    def place(values: FloatArray | None) -> pl.Expr | pl.Series:
        return unknown if values is None else pl.Series(values, dtype=pl.Float32)

    return pl.DataFrame(pl.Series("frame", range(len(bad)), dtype=pl.Int32)).with_columns(
        y=place(y),
        x=place(x),
        y_error=unknown,
        x_error=unknown,
        correlation=unknown,
        block_y=empty,
        block_x=empty,
        **dict.fromkeys(("z", "z_error"), unknown),
        away=pl.lit(None, pl.Boolean),
        **dict.fromkeys(("axial_mode", "axial_mode_error"), unknown),
        template_correlation=unknown,
        bad=pl.Series(bad),
        reason=pl.Series(np.where(bad, MARKED, "").tolist(), dtype=pl.String),
    )


def motion_quality(moved: FloatArray | None, bad: BoolArray) -> pl.DataFrame:
    """Table MotionQuality, as far as the pipeline tells."""
    length = None if moved is None else np.hypot(*(moved - np.median(moved, axis=1, keepdims=True)))[~bad]
    names = ("template_correlation_before", "template_correlation", "crispness_before", "crispness")
    unknown = (*names, "residual_motion", "residual_motion_95")
    known = {
        "displacement": None if length is None or not len(length) else float(np.median(length)),
        "displacement_max": None if length is None or not len(length) else float(length.max()),
    }
    return pl.DataFrame(
        {name: [value] for name, value in (dict.fromkeys(unknown) | known | {"bad_frames": int(bad.sum())}).items()},
        schema={**dict.fromkeys((*unknown, *known), pl.Float32), "bad_frames": pl.Int32},
    )


def reasons(rois: pl.DataFrame) -> pl.DataFrame:
    """Table Rois with the other pipeline as the reason of what is not accepted."""
    return rois.with_columns(
        reason=pl.when(pl.col("accepted")).then(pl.lit("")).otherwise(pl.lit("refused by the other pipeline"))
    )


def extraction_quality(extraction: Extraction) -> pl.DataFrame:
    """Table ExtractionQuality: of ROIs that were found elsewhere."""
    given = extraction.given
    assert given is not None
    area = np.median([len(y) for y in extraction.pixel_y])
    floats = {"diameter": float(2 * np.sqrt(area / np.pi)), "diameter_seen": None, "decay": None}
    numbers = {"rois": len(extraction.pixel_y), "accepted": int(extraction.accepted.sum()), "visible": 0}
    columns = [pl.lit(value, pl.Float32).alias(name) for name, value in floats.items()]
    columns.insert(1, pl.lit("given").alias("diameter_source"))
    columns.append(pl.lit(None, pl.Int32).alias("bin_frames"))
    columns += [pl.lit(value, pl.Int32).alias(name) for name, value in numbers.items()]
    columns += [pl.lit(None, pl.Int32).alias(name) for name in ("decoys", "decoys_accepted")]
    columns.append(pl.lit(given.file).alias("given"))
    columns += [pl.lit(None, pl.Float32).alias(name) for name in ("shift_y", "shift_x", "likeness")]
    return pl.select(*columns, pl.lit("\n".join(given.notes)).alias("notes"))


def drawing(extraction: Extraction, shape: tuple[int, int]) -> FloatArray:
    """Footprints in one picture, where there is no image of the field."""
    picture = np.zeros(shape, np.float32)
    for y, x, weight in zip(extraction.pixel_y, extraction.pixel_x, extraction.weight, strict=True):
        picture[y, x] = np.maximum(picture[y, x], weight / weight.max())
    return picture
