"""Presentations of stimuli: the file in the column `stimuli` of the sheet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.errors import InputError, did_you_mean
from groundtrace.responses.nwb import intervals
from groundtrace.responses.tables import OURS

TIMES, FRAMES = ("start_time", "stop_time"), ("start_frame", "stop_frame")
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet", ".nwb")
NOTHING = ["", "null", "NaN", "nan", "NA", "N/A", "None"]
"""Cells that count as empty."""
TOUCHING = 1e-3
"""s; clocks are no better: presentations that overlap by less follow each other."""
MILLISECONDS = 1000
ALLOWED = (
    "give a table (.csv, .tsv, .parquet) with one row per presentation and the columns start_time and stop_time (s "
    "since the first frame) or start_frame and stop_frame (0-based; stop is the first frame after it), stimulus and "
    "image; or an .nwb file with intervals"
)


@dataclass(frozen=True)
class Stimuli:
    """What such a file says, in the order of time."""

    path: Path
    table: pl.DataFrame
    """Columns start, stop, stimulus, image, and the user's own."""
    in_frames: bool
    """Start and stop are frames, not seconds."""

    def timed(self, time: FloatArray, frame_rate: float) -> pl.DataFrame:
        """Table Presentations as far as the file and the frames tell it: without condition and repeat.

        time: (n_frames,) s since the first frame. Raises InputError for presentations outside the recording.
        """
        self._check_inside(time, frame_rate)
        start, stop = (self.table[name].to_numpy() for name in ("start", "stop"))
        if self.in_frames:
            edges = np.append(time, time[-1] + 1 / frame_rate)
            start, stop = (edges[frame.astype(np.int64)] for frame in (start, stop))
        frames = {
            name: np.searchsorted(time, at - 1e-9).astype(np.int32)
            for name, at in zip(FRAMES, (start, stop), strict=True)
        }
        own = self.table.drop("start", "stop", "stimulus", "image")
        return pl.DataFrame(
            {
                "presentation": np.arange(len(start), dtype=np.int32),
                "start_time": start,
                "stop_time": stop,
                **frames,
                "stimulus": self.table["stimulus"],
                "image": self.table["image"],
            }
        ).hstack(own.rename({name: f"{name}_given" for name in OURS if name in own.columns}))

    def _check_inside(self, time: FloatArray, frame_rate: float) -> None:
        frames, lasting = len(time), time[-1] + 1 / frame_rate
        start, stop = (self.table[name].to_numpy() for name in ("start", "stop"))
        end = frames if self.in_frames else lasting + TOUCHING
        outside = (start < 0) | (stop > end)
        if not outside.any():
            return
        has = f"has {frames} frames of each plane" if self.in_frames else f"lasts {lasting:.6g} s"
        advice = "correct them, or take presentations out that were not recorded"
        whole = not self.in_frames and bool((start == np.rint(start)).all())
        if whole and start.min() >= 0 and stop.max() <= frames:
            advice = "they look like frames: if they are, name the columns start_frame and stop_frame"
        elif not self.in_frames and start.min() >= 0 and stop.max() / MILLISECONDS <= lasting:
            advice = "they look like milliseconds: write seconds since the first frame"
        raise InputError(f"{self._told(outside, 'lie outside the recording')}, which {has}; {advice}")

    def _told(self, which: BoolArray, what: str) -> str:
        return told(self.path, self.table, which, what, self.in_frames)


def told(path: Path, table: pl.DataFrame, which: BoolArray, what: str, in_frames: bool = False) -> str:
    """Start of a message: how many presentations, and the first of them."""
    first = int(np.flatnonzero(which)[0])
    start, stop = table["start"][first], table["stop"][first]
    unit = "frame " if in_frames else ""
    return (
        f"{path}: {which.sum()} of {len(which)} presentations {what} (the first is number {first + 1}, "
        f"{unit}{start:g} to {stop:g}{'' if in_frames else ' s'})"
    )


def read_stimuli(path: Path | str) -> Stimuli:
    """Read such a file, and check what can be told without the recording.

    Raises InputError, naming the file, the fault and what is allowed.
    """
    path = Path(path)
    table = _renamed(path, _table(path))
    in_frames = "start_frame" in table.columns
    for name in FRAMES if in_frames else TIMES:
        table = table.with_columns(_numbers(path, table, name, in_frames))
    names = dict(zip(FRAMES if in_frames else TIMES, ("start", "stop"), strict=True))
    table = table.rename(names).sort("start", maintain_order=True)
    _check_order(path, table, in_frames)
    for name in ("stimulus", "image"):
        given = _text(table[name]) if name in table.columns else pl.Series(name, [None] * table.height, pl.String)
        table = table.with_columns(given.fill_null("stimulus") if name == "stimulus" else given)
    own = [name for name in table.columns if name not in ("start", "stop", "stimulus", "image")]
    kept = [series for name in own if (series := _kept(table[name])) is not None]
    return Stimuli(path, table.select("start", "stop", "stimulus", "image").with_columns(kept), in_frames)


def _table(path: Path) -> pl.DataFrame:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(f"{str(path)!r} {'is a folder' if path.is_dir() else 'does not exist'}; {ALLOWED}")
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: {suffix or 'a file without a suffix'} is not read; {ALLOWED}")
    if suffix == ".nwb":
        return intervals(path)
    try:
        if suffix == ".parquet":
            return pl.read_parquet(path)
        options = {"separator": SEPARATORS[suffix], "null_values": NOTHING, "infer_schema_length": None}
        return pl.read_csv(path, comment_prefix="#", **options)
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}; {ALLOWED}") from None


def _renamed(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """With stripped names, and with the columns of either times or frames."""
    table = table.rename({name: name.strip() for name in table.columns})
    has = [pair for pair in (TIMES, FRAMES) if set(pair) & set(table.columns)]
    if len(has) > 1 and set(table.columns) >= {*TIMES, *FRAMES}:
        raise InputError(
            f"{path}: has times and frames of each presentation; keep start_time and stop_time, or the others"
        )
    pair = next((pair for pair in (TIMES, FRAMES) if set(pair) <= set(table.columns)), None)
    if pair is None:
        missing = next(name for name in (has or [TIMES])[0] if name not in table.columns)
        near = did_you_mean(missing, [name for name in table.columns if name not in (*TIMES, *FRAMES)])
        there = ", ".join(table.columns[:12])
        raise InputError(f"{path}: has no column {missing}{near}; there are {there}; {ALLOWED}")
    if table.is_empty():
        raise InputError(f"{path}: has no presentation; {ALLOWED}")
    return table.drop([name for name in (*TIMES, *FRAMES) if name not in pair and name in table.columns])


def _numbers(path: Path, table: pl.DataFrame, name: str, whole: bool) -> pl.Series:
    values = table[name]
    found = values.cast(pl.Float64, strict=False) if not values.dtype.is_nested() else values.is_null().cast(pl.Float64)
    bad = (found.is_null() | ~found.is_finite().fill_null(False)).arg_true()
    if len(bad):
        shown = values[int(bad[0])]
        raise InputError(
            f"{path}: {name} of {len(bad)} presentations is {'empty' if shown is None else 'no number'} (the first is "
            f"number {bad[0] + 1}{'' if shown is None else f', {shown!r}'}); write {'frames' if whole else 'seconds'}"
        )
    part = (found != found.round()).arg_true()
    if whole and len(part):
        raise InputError(
            f"{path}: {name} {found[int(part[0])]:g} is no whole frame; if these are seconds, name the columns "
            "start_time and stop_time"
        )
    return found


def _check_order(path: Path, table: pl.DataFrame, in_frames: bool) -> None:
    start, stop = table["start"].to_numpy(), table["stop"].to_numpy()
    if (wrong := stop <= start).any():
        raise InputError(
            f"{told(path, table, wrong, 'stop before they start, or have no length', in_frames)}; correct them"
        )
    over = np.append(start[1:] < stop[:-1] - (0 if in_frames else TOUCHING), False)
    if over.any():
        raise InputError(
            f"{told(path, table, over, 'overlap with the next', in_frames)}; a response is that to one stimulus: "
            "correct them, or keep one of each pair"
        )


def _text(values: pl.Series) -> pl.Series:
    """As text: whole numbers without a point, missing where a cell is empty."""
    if values.dtype.is_float() and (values.drop_nulls().drop_nans() % 1 == 0).all():
        values = values.fill_nan(None).cast(pl.Int64)
    text = values.cast(pl.String).str.strip_chars()
    return pl.select(pl.when(text.is_in(NOTHING)).then(None).otherwise(text).alias(values.name)).to_series()


def _kept(values: pl.Series) -> pl.Series | None:
    """A column of the user's own: numbers, truths or text; None for what holds lists."""
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        return None
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).fill_nan(None)
    return values if values.dtype == pl.Boolean else values.cast(pl.String)
