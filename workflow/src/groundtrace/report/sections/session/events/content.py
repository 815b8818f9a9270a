"""Events of astrocytes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from groundtrace.arrays import FloatArray
from groundtrace.io import read_table
from groundtrace.report.figure import Figure
from groundtrace.report.html import contrast, number, png
from groundtrace.report.session import SessionInputs
from groundtrace.report.svg import Axis, Line, lines
from groundtrace.report.warning import Warning, median

LARGEST = 6
"""Events that are drawn."""
AROUND = 0.6
"""Of an event's extent that is shown around it, at least 10 px."""
RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Colours of the viridis scale, from early to late."""
DIPS = 3.0
"""Times as many dips as are expected of noise that are warned about."""


@dataclass(frozen=True)
class Events:
    """What the page shows of them."""

    table: pl.DataFrame
    """AstrocyteEvents."""
    quality: dict[str, Any]
    """The row of EventQuality."""


@dataclass(frozen=True)
class Drawn:
    """One of the largest events."""

    title: str
    facts: list[tuple[str, str]]
    onsets: str
    """Data URI of its onset map."""
    last: float
    """s after the first onset of the last one."""
    course: Markup


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> Events:
    return Events(read_table(paths["events"]), read_table(paths["event_quality"]).row(0, named=True))


def context(inputs: SessionInputs) -> dict[str, Any] | None:
    events: Events | None = inputs.loaded.get("events")
    if events is None:
        return None
    area = "area" if events.table["area"].null_count() == 0 else "area_px"
    largest = events.table.sort(area, descending=True).head(LARGEST)
    image = np.asarray(inputs.motion_images["mean"], np.float32)
    return {
        "event_figures": figures(events),
        "quality": events.quality,
        "number": number,
        "drawn": [drawn(row, events.quality, image) for row in largest.iter_rows(named=True)],
    }


def figures(events: Events) -> list[Figure]:
    table, quality = events.table, events.quality
    told = table["speed"].drop_nulls()
    known = table.height == 0 or table["area"].null_count() == 0
    area, unit = ("area", "µm²") if known else ("area_px", "px")
    return [
        Figure(
            "events", number(table.height, 9), "", f"{number(table.height / max(quality['minutes'], 1e-9))} a minute"
        ),
        Figure("false ones", number(quality["false_events"], 2), "1/min", "by noise alone, at most"),
        Figure("area", number(median(table[area]), 2), unit, "median: where dF/F is above half of the event's"),
        Figure("duration", number(median(table["duration"]), 2), "s", "median, at half of the peak"),
        Figure("peak", number(median(table["peak"]), 2), "dF/F", "median of the largest mean over an event's area"),
        Figure(
            "speed",
            number(median(told), 2),
            "µm/s",
            f"median of the {number(told.len(), 9)} events whose front is told",
        ),
        Figure("active", number(100 * quality["active"], 2), "%", "of pixels and frames are part of an event"),
    ]


def drawn(row: dict[str, Any], quality: dict[str, Any], image: FloatArray) -> Drawn:
    """An event with its onset map on the mean image, and its course."""
    area = f"{number(row['area'])} µm²" if row["area"] is not None else f"{number(row['area_px'])} px"
    speed = (
        f"{number(row['speed'], 2)} ± {number(row['speed_error'], 1)} µm/s" if row["speed"] is not None else "not told"
    )
    onset = np.asarray(row["onset"], float)
    known = onset[np.isfinite(onset)]
    first, last = np.percentile(known, (2, 98)) if len(known) else (0.0, 0.0)
    return Drawn(
        f"Event {row['event']}" + (", cut by a border" if row["cut"] else ""),
        [
            ("start", f"{number(row['start_time'], 4)} s"),
            ("duration", f"{number(row['duration'], 2)} ± {number(row['duration_error'], 1)} s"),
            ("area", f"{area} ± {number(100 * row['area_error'], 1)} %"),
            ("peak", f"{number(row['peak'], 2)} ± {number(row['peak_error'], 1)}"),
            ("speed", speed),
        ],
        png(onset_map(row, quality["side"], image, first, last)),
        float(last - first),
        course(row, quality["step"]),
    )


def onset_map(row: dict[str, Any], side: int, image: FloatArray, first: float, last: float) -> np.ndarray:
    """(height, width, 3) the mean image around an event; its pixels in the colour of their onset, white if not told."""
    y, x = np.asarray(row["pixel_y"]), np.asarray(row["pixel_x"])
    around = max(10, int(AROUND * max(np.ptp(y), np.ptp(x))))
    reach = max(np.ptp(y), np.ptp(x)) // 2 + around
    centre = [(int(v.min()) + int(v.max())) // 2 for v in (y, x)]
    top, left = (max(0, at - reach) for at in centre)
    part = image[top : centre[0] + reach, left : centre[1] + reach]
    low, high = np.nanpercentile(image, (1, 99.7)) if np.isfinite(image).any() else (0.0, 1.0)
    grey = np.repeat(contrast(part, float(low), float(high))[..., None], 3, axis=2)
    share = (np.asarray(row["onset"], float) - first) / max(last - first, 1e-9)
    stops = np.linspace(0, 1, len(RAMP))
    colours = np.stack([np.interp(share, stops, band) for band in np.array(RAMP, float).T], axis=1)
    colours = np.where(np.isfinite(share)[:, None], colours, 255).astype(np.uint8)
    for row_y, row_x, colour in zip(y - side // 2 - top, x - side // 2 - left, colours, strict=True):
        grey[max(row_y, 0) : row_y + side, max(row_x, 0) : row_x + side] = colour
    return grey


def course(row: dict[str, Any], step: float) -> Markup:
    """dF/F of an event's area around it; its start and end are marked."""
    values = np.asarray(row["course"], float)
    time = row["course_start"] + step * np.arange(len(values))
    ends = [at for at in (row["start_time"], row["stop_time"]) if math.isfinite(at)]
    x = Axis("s", float(time[0]), float(time[-1]), marks=ends)
    y = Axis("dF/F", min(0.0, float(values.min())), float(values.max()))
    drawn = Line("dF/F", "accent", time.tolist(), values.tolist())
    return lines([drawn], x, y, f"dF/F of event {row['event']} over time", 430, 170)


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    events: Events | None = inputs.loaded.get("events")
    if events is None:
        return
    quality = events.quality
    expected = max(quality["false_events"] * quality["minutes"], 1.0)
    if quality["dips"] * quality["minutes"] > DIPS * expected:
        yield Warning(
            "warning",
            f"Light falls as far as events rise: {number(quality['dips'], 2)} times a minute",
            f"Noise explains at most {number(quality['false_events'], 2)} a minute. Motion, or a baseline that steps, "
            "makes both rises and falls, so some events are not the cells'.",
            "Look at the motion, at the largest events, and at where events repeat.",
            kind="dips_as_events",
        )
