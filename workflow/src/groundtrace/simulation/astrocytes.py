"""Events of astrocytes: light that begins at one place and spreads over a patch, each at its own speed."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as arrow

from groundtrace.arrays import FloatArray
from groundtrace.simulation.parameters import AstrocyteParameters
from groundtrace.simulation.tables import TruthEvents
from groundtrace.tables import empty, ragged

LOBES = ((2, 0.15), (3, 0.1))
"""Order and standard deviation of the waves of a patch's border, relative to its radius."""
SOFT = 1.0
"""µm over which light falls off at the border."""
ORIGIN = 0.6
"""How far from the middle the light begins, relative to the radius."""
DECAYS = 7
"""After so many decay times an event is over."""
FINE = 0.01
"""s; grid on which truth is measured."""


@dataclass(frozen=True)
class Event:
    """One event; lengths in px of the tissue's image, times in s."""

    start: float
    peak: float
    rise: float
    decay: float
    speed: float
    rows: slice
    columns: slice
    share: FloatArray
    """(rows, columns) of `peak` that each pixel reaches."""
    distance: FloatArray
    """(rows, columns) px from where it begins."""

    @property
    def stop(self) -> float:
        return self.start + float(self.distance.max()) / self.speed + DECAYS * self.decay + self.rise

    def course(self, since: FloatArray) -> FloatArray:
        """Share of its peak that a pixel has, so many s after the front has reached it."""
        at = np.maximum(since, 0)
        top = self.rise * np.log1p(self.decay / self.rise)
        return _shape(at, self.rise, self.decay) / _shape(np.array(top), self.rise, self.decay)

    def light(self, time: float) -> FloatArray:
        """(rows, columns) dF/F at `time`."""
        return self.peak * self.share * self.course(time - self.start - self.distance / self.speed)


def _shape(at: FloatArray, rise: float, decay: float) -> FloatArray:
    return (1 - np.exp(-at / rise)) * np.exp(-at / decay)


@dataclass(frozen=True)
class Events:
    """Events of one plane."""

    events: tuple[Event, ...]
    shape: tuple[int, int]
    """Of the tissue's image."""
    pixel_size: float
    """µm."""

    def light(self, time: float) -> FloatArray:
        """dF/F of the tissue's image, flat."""
        image = np.zeros(self.shape, np.float32)
        for event in self.events:
            if event.start < time < event.stop:
                image[event.rows, event.columns] += event.light(time).astype(np.float32)
        return image.ravel()

    def truth(self, margin: int, field: tuple[int, int]) -> pl.DataFrame:
        """Table TruthEvents of plane 0: events with at least half of their area in the field."""
        told = (_truth(event, margin, field, self.pixel_size) for event in self.events)
        rows = [row for row in told if row is not None]
        if not rows:
            return empty(TruthEvents)
        lists = {"pixel_y": arrow.int32(), "pixel_x": arrow.int32(), "onset": arrow.float32()}
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        kinds = {name: pl.Boolean if name == "cut" else pl.Float32 for name in columns}
        return pl.DataFrame(
            {"plane": pl.Series([0] * len(rows), dtype=pl.Int32)}
            | {
                name: ragged(values, lists[name]) if name in lists else pl.Series(values, dtype=kinds[name])
                for name, values in columns.items()
            }
        )


def _truth(event: Event, margin: int, field: tuple[int, int], pixel_size: float) -> dict | None:
    area = event.share > 0.5
    y, x = np.nonzero(area)
    y, x = y + event.rows.start - margin, x + event.columns.start - margin
    inside = (y >= 0) & (y < field[0]) & (x >= 0) & (x < field[1])
    if inside.sum() < 0.5 * area.sum() or not area.any():
        return None
    delay, share = event.distance[area] / event.speed, event.share[area]
    time = np.arange(0, event.stop - event.start, FINE)
    order = np.linspace(0, len(delay) - 1, min(len(delay), 500)).astype(int)
    which = np.argsort(delay)[order]
    course = np.mean([share[k] * event.course(time - delay[k]) for k in which], axis=0)
    high = np.flatnonzero(course > course.max() / 2)
    half = np.flatnonzero(event.course(time) > 0.5)[0] * FINE
    start = event.start + high[0] * FINE
    return {
        "start_time": start,
        "duration": (high[-1] - high[0]) * FINE,
        "peak": event.peak * course.max(),
        "area": area.sum() * pixel_size**2,
        "speed": event.speed * pixel_size,
        "y": y.mean(),
        "x": x.mean(),
        "cut": bool(not inside.all()),
        "pixel_y": y[inside].astype(np.int32),
        "pixel_x": x[inside].astype(np.int32),
        "onset": (event.start + delay[inside] + half).astype(np.float32),
    }


def draw_events(
    random: np.random.Generator,
    shape: tuple[int, int],
    pixel_size: float,
    duration: float,
    parameters: AstrocyteParameters,
) -> Events:
    """Events in a tissue of `shape` px, which begin during the `duration` (s) of the recording."""
    size = np.array(shape) * pixel_size
    count = random.poisson(parameters.rate * size.prod() * 1e-6 * duration / 60)
    events = [_draw(random, shape, pixel_size, duration, parameters) for _ in range(count)]
    return Events(tuple(sorted(events, key=lambda event: event.start)), shape, pixel_size)


def _draw(
    random: np.random.Generator,
    shape: tuple[int, int],
    pixel_size: float,
    duration: float,
    parameters: AstrocyteParameters,
) -> Event:
    def around(median: float, spread: float) -> float:
        return float(median * np.exp(spread * np.clip(random.standard_normal(), -2, 2)))

    spread = parameters.spread
    radius = np.sqrt(around(parameters.area, spread) / np.pi) / pixel_size
    middle, angle = random.random(2) * shape, random.uniform(0, 2 * np.pi)
    waves = [(order, sd * random.standard_normal(), random.uniform(0, 2 * np.pi)) for order, sd in LOBES]
    reach = int(1.6 * radius + 3 * SOFT / pixel_size) + 2
    sides = [slice(max(0, int(c) - reach), min(s, int(c) + reach)) for c, s in zip(middle, shape, strict=True)]
    y, x = np.mgrid[sides[0], sides[1]]
    dy, dx = y - middle[0], x - middle[1]
    border = radius * (1 + sum(high * np.cos(order * np.arctan2(dy, dx) + phase) for order, high, phase in waves))
    share = 1 / (1 + np.exp(np.minimum((np.hypot(dy, dx) - border) * pixel_size / SOFT, 50)))
    origin = ORIGIN * radius * np.array([np.sin(angle), np.cos(angle)])
    return Event(
        start=random.uniform(0, duration),
        peak=around(parameters.peak, spread),
        rise=parameters.rise,
        decay=around(parameters.decay, spread),
        speed=around(parameters.speed, spread) / pixel_size,
        rows=sides[0],
        columns=sides[1],
        share=share * (share > 0.01),
        distance=np.hypot(dy - origin[0], dx - origin[1]),
    )
