"""Events of astrocytes in a registered movie, as tables."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as arrow

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, Movie
from groundtrace.astrocytes.averaged import Averaged, averaged
from groundtrace.astrocytes.components import Components, components, least_mass, standardised
from groundtrace.astrocytes.measuring import Event, measure
from groundtrace.astrocytes.parameters import EventParameters
from groundtrace.astrocytes.tables import AstrocyteEvents
from groundtrace.tables import empty, ragged, single

ENDS = 1.0
"""s at the ends of a recording within which an event counts as cut."""
SHARED = 0.5
"""Of its area, that a part of another event shares with it while both last."""


def find_events(
    registered: Movie,
    bad: BoolArray,
    time: FloatArray,
    acquisition: Acquisition,
    parameters: EventParameters,
    scratch: Path,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables AstrocyteEvents and EventQuality of a registered movie (n_frames, height, width).

    bad, time: (n_frames,) frames that nothing is told from, and s.
    """
    pixel_size, offset = acquisition.pixel_size, acquisition.offset or 0.0
    movie = averaged(registered, ~bad, time, acquisition.frame_rate, pixel_size, offset, parameters, scratch)
    limit, false_events = least_mass(movie, parameters.threshold, parameters.false_events)
    frames = len(movie.movie)
    bright, dark = (
        components(standardised(movie, sign), frames, movie.at_once, parameters.threshold).larger(limit)
        for sign in (1, -1)
    )
    minutes = float((~bad).sum() / acquisition.frame_rate / 60)
    table = _table(movie, bright, parameters.threshold, pixel_size)
    dips = len(dark.mass) / max(minutes, 1e-9)
    return table, _quality(movie, limit, false_events, dips, minutes, table)


def _quality(
    movie: Averaged, limit: float, false_events: float, dips: float, minutes: float, events: pl.DataFrame
) -> pl.DataFrame:
    noise = (
        float(np.median(movie.noise / np.maximum(movie.baselines.mean(axis=0), 1e-6))) if movie.noise.size else np.nan
    )
    lasting = float((events["duration"] * events["area_px"]).to_numpy().sum())
    voxels = minutes * 60 * movie.noise.size * movie.side**2
    values = {
        "step": movie.step,
        "side": movie.side,
        "noise": noise,
        "least_mass": limit,
        "false_events": false_events,
        "dips": dips,
        "minutes": minutes,
        "active": min(1.0, lasting / voxels) if voxels else 0.0,
    }
    types = {name: pl.Int32 if name == "side" else pl.Float32 for name in values}
    return pl.DataFrame({name: [value] for name, value in values.items()}, schema=types)


def _table(movie: Averaged, found: Components, threshold: float, pixel_size: float | None) -> pl.DataFrame:
    """Table AstrocyteEvents."""
    places = zip(found.low, found.high, found.top, strict=True)
    measured = [measure(movie, *place, threshold) for place in places]
    events = [(event, mass) for event, mass in zip(measured, found.mass, strict=True) if event is not None]
    events = _once(events, movie.movie.shape)
    events.sort(key=lambda pair: (pair[0].start.at, -pair[1]))
    if not events:
        return empty(AstrocyteEvents)
    columns = [_row(movie, event, mass, pixel_size) for event, mass in events]
    lists = {"pixel_y": arrow.int32(), "pixel_x": arrow.int32(), "onset": arrow.float32(), "course": arrow.float32()}
    return pl.DataFrame(
        {"event": pl.Series(range(len(events)), dtype=pl.Int32)}
        | {
            name: ragged([row[name] for row in columns], lists[name])
            if name in lists
            else pl.Series([row[name] for row in columns], dtype=pl.Boolean)
            if name == "cut"
            else single(np.array([row[name] for row in columns], float))
            for name in AstrocyteEvents.columns
            if name != "event"
        }
    )


def _once(events: list[tuple[Event, float]], shape: tuple[int, ...]) -> list[tuple[Event, float]]:
    """Parts of an event that noise has cut apart have grown to the same area: the largest stands for it."""
    kept: list[tuple[Event, float]] = []
    for event, mass in sorted(events, key=lambda pair: -pair[1]):
        place = event.rows * shape[2] + event.columns
        same = (
            other.start.at < event.stop.at
            and event.start.at < other.stop.at
            and np.isin(place, other.rows * shape[2] + other.columns).mean() > SHARED
            for other, _ in kept
        )
        if not any(same):
            kept.append((event, mass))
    return kept


def _row(movie: Averaged, event: Event, mass: float, pixel_size: float | None) -> dict:
    """Columns of one event."""
    step, side = movie.step, movie.side

    def at(frames: FloatArray | float) -> FloatArray:
        return np.asarray(np.interp(frames, np.arange(len(movie.time)), movie.time, left=np.nan, right=np.nan))

    start, stop = (float(at(np.clip(crossing.at, 0, len(movie.time) - 1))) for crossing in (event.start, event.stop))
    early, late = event.start.error * step, event.stop.error * step
    y, x = ((places + 0.5) * side - 0.5 for places in (event.rows, event.columns))
    pixels, length = len(y) * side**2, side * pixel_size if pixel_size else np.nan
    _, rows, columns = movie.movie.shape
    first, last = movie.time[[0, -1]]
    border = event.rows.min() == 0 or event.columns.min() == 0
    border |= event.rows.max() == rows - 1 or event.columns.max() == columns - 1
    spread = event.spread
    return {
        "start_time": start,
        "start_time_error": early,
        "stop_time": stop,
        "stop_time_error": late,
        "duration": stop - start,
        "duration_error": np.hypot(early, late),
        "peak": event.peak,
        "peak_error": event.peak_error,
        "area": pixels * pixel_size**2 if pixel_size else np.nan,
        "area_px": pixels,
        "area_error": event.area_error,
        "y": y.mean(),
        "x": x.mean(),
        "speed": spread.speed * length / step if spread else np.nan,
        "speed_error": spread.error * length / step if spread else np.nan,
        "mass": mass,
        "cut": bool(border or start < first + ENDS or stop > last - ENDS),
        "pixel_y": np.rint(y).astype(np.int32),
        "pixel_x": np.rint(x).astype(np.int32),
        "onset": (at(event.onset) - start).astype(np.float32),
        "course_start": movie.time[event.first],
        "course": event.course,
    }
