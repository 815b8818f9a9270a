"""What the parts of the page of the benchmark on simulated recordings share: boards and curves of methods."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from markupsafe import Markup

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.benchmark.extraction import detectable
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.ranking import (
    CLEAN,
    NO_MOTION,
    NOT_DENOISED,
    ORACLE,
    Estimate,
    Standing,
    blocks,
    is_control,
    mean_estimate,
    ordered,
    session_means,
    standings,
)
from groundtrace.random import stream
from groundtrace.report.html import number, plural
from groundtrace.report.svg import PALETTE, Axis, Line, Panel, interval, lines

GREYS = ("muted", "faint", "ink")
"""Colours of the controls."""
BINS = 4
"""Most points along a condition; with more values, neighbours are put together."""
CELL_BINS = 8
"""Points along detectability."""
DETECTABILITY = "detectability d′ of the cell"
ALONG = {
    "noise_level": "noise level ν (%/√Hz)",
    "photons": "photons per pixel and frame",
    "density": "cells per mm³",
    "motion": "true motion (px RMS)",
    "nonrigid": "nonrigid motion (px RMS)",
    "axial": "axial drift (µm SD)",
    "frame_rate": "frame rate (Hz)",
}
"""Conditions that curves are drawn along; those that do not vary are left out."""
STAGES = {"motion": "motion_method", "denoise": "denoise", "extract": "extract", "spikes": "spikes"}
"""Steps whose time makes that of a recipe, and the column that names the method."""
CONTROLS = {"motion": (NO_MOTION,), "denoise": (NOT_DENOISED, CLEAN), "extract": (ORACLE,)}
"""Methods that do nothing, or are told the truth."""
BARE = {"f1_30", "precision_30", "recall_30", "overlap", "crosstalk_neighbours", "crosstalk_neuropil", "noise_level"}
"""Columns of boards whose intervals are left out, for room."""
CONDITIONS = ["frame_rate", "pixel_size", "photons", "density", "motion", "nonrigid", "axial"]


@dataclass(frozen=True)
class Speed:
    """Speed of one step, or of the steps of a recipe."""

    frames: float = math.nan
    """Per second on one core."""
    memory: float = math.nan
    """Peak, MB."""


@dataclass(frozen=True)
class BoardRow:
    """One method in a table."""

    name: str
    note: str
    colour: str
    sessions: int
    bar: Markup
    values: list[Estimate]
    speed: Speed = Speed()


@dataclass(frozen=True)
class Recordings:
    """What the page of the benchmark on simulated recordings is made of, and what several parts of it need of that."""

    motion: pl.DataFrame
    """Table MotionBenchmark."""
    extraction: pl.DataFrame
    """Table ExtractionBenchmark."""
    cells: pl.DataFrame
    """Table CellBenchmark."""
    recipes: pl.DataFrame
    """Table RecipeBenchmark."""
    timing: pl.DataFrame
    """Rows of stage, name, session, plane, frames, pixels, cpu_seconds, peak_mb."""
    parameters: BenchmarkParameters
    denoising: pl.DataFrame | None = None
    """Table DenoisingBenchmark, where something was denoised."""
    responses: pl.DataFrame | None = None
    """Table ResponseBenchmark, where something was shown."""
    encoding: pl.DataFrame | None = None
    """Table EncodingBenchmark, likewise."""
    absent: Sequence[str] = ()
    """What could not be scored, in words."""

    @cached_property
    def counted(self) -> pl.DataFrame:
        """Rows of `cells` that count in scores."""
        chosen = pl.Series(detectable(self.cells, self.parameters.recordings))
        return self.cells.filter(chosen & self.cells["spike_correlation"].is_not_null())

    @property
    def title(self) -> str:
        denoised = ["denoising"] if self.denoising is not None and self.denoising.height else []
        stages = ", ".join(["motion correction", *denoised, "extraction"])
        return f"Which {stages} and recipe for recordings like yours"

    @property
    def pixels(self) -> list[int]:
        """Sizes of the frames that were timed, px."""
        return sorted(set(self.timing["pixels"].drop_nulls()))

    def estimate(self, sessions: Sequence[FloatArray], *name: object) -> Estimate:
        return mean_estimate(sessions, stream(self.parameters.seed, *name), self.parameters.bootstrap)

    @cached_property
    def board(self) -> list[Standing]:
        return self.standings(self.counted, "all")

    def standings(self, cells: pl.DataFrame, name: str) -> list[Standing]:
        if cells.is_empty():
            return []
        return standings(cells, stream(self.parameters.seed, "recipes", name), self.parameters.bootstrap)

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """One row per session: its conditions, and the ν that its recipes measured (controls left out if possible)."""
        real = self.recipes.filter(~is_control())
        of = real if real["session"].n_unique() == self.recipes["session"].n_unique() else self.recipes
        return of.group_by("session").agg(
            pl.col("indicator").first(), *(pl.col(name).mean() for name in CONDITIONS), pl.col("noise_level").median()
        ).sort("session")  # fmt: skip

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colours of the recipes."""
        names = [row.recipe for row in self.board if not row.control]
        return paint(names, [row.recipe for row in self.board if row.control])

    @cached_property
    def speeds(self) -> dict[str, Speed]:
        """Speeds of the recipes: their timed steps one after the other."""
        found = {}
        for row in self.recipes.unique("recipe").iter_rows(named=True):
            steps = {stage: row[STAGES[stage]] for stage in self.timed}
            if row["denoise"] == NOT_DENOISED:
                steps.pop("denoise", None)
            found[row["recipe"]] = self.speed(steps)
        return found

    @cached_property
    def timed(self) -> list[str]:
        """Steps of recipes that were timed."""
        return [stage for stage in STAGES if stage in set(self.timing["stage"])]

    def speed(self, steps: Mapping[str, str]) -> Speed:
        """Speed of the steps {stage: name} one after the other; unknown when one of them was not timed."""
        seconds, memory = 0.0, []
        for stage, name in steps.items():
            own = self.timing.filter(pl.col("stage") == stage, pl.col("name") == name).drop_nulls("cpu_seconds")
            if not own.height or not own["frames"].sum():
                return Speed()
            seconds += float(own["cpu_seconds"].sum()) / float(own["frames"].sum())
            memory += own["peak_mb"].drop_nulls().to_list()
        return Speed(1 / seconds if seconds else math.nan, max(memory, default=math.nan))


def paint(methods: Sequence[str], controls: Sequence[str]) -> dict[str, str]:
    colours = {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(methods)}
    return colours | {name: GREYS[k % len(GREYS)] for k, name in enumerate(controls)}


def binned(values: FloatArray, most: int) -> IntArray:
    """Class (n,) of each value, 0-based and increasing: one for each distinct value, or `most` of about equal size."""
    rounded = np.array([float(f"{value:.3g}") for value in values])
    levels = np.unique(rounded)
    if len(levels) <= most:
        return np.searchsorted(levels, rounded)
    edges = np.quantile(values, np.arange(1, most) / most)
    return np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]


@dataclass(frozen=True)
class Methods:
    """What the lines of a chart are."""

    column: str
    """Of a table, with their names."""
    colours: Mapping[str, str]
    """Of those that are drawn, in their order."""
    controls: Sequence[str] = ()
    """Those that are drawn dashed."""


def trend(
    data: Recordings,
    table: pl.DataFrame,
    along: str,
    label: str,
    y: Axis,
    methods: Methods,
    value: str,
    bins: int = BINS,
) -> list[Panel]:
    """Mean over sessions of `value` along a condition, a line for each method; empty when the condition is the same."""
    table = table.drop_nulls([along, value]).filter(pl.col(along) > 0, pl.col(value).is_not_nan())
    values = table[along].unique().sort()
    places = pl.DataFrame({along: values, "bin": binned(values.to_numpy(), bins)})
    if places["bin"].n_unique() < 2:
        return []
    table = table.join(places, on=along).sort("session")
    centres = table.group_by("bin").agg(pl.col(along).mean()).sort("bin")[along].to_list()
    drawn = []
    for name, colour in methods.colours.items():
        own = table.filter(pl.col(methods.column) == name)
        parts = {key: part for (key,), part in own.group_by("bin", maintain_order=True)}
        points, notes = [], []
        for place in sorted(parts):
            sessions = sessions_of(parts[place], value)
            points.append((centres[place], *data.estimate(sessions, methods.column, name, along, place)))
            notes.append(f" at {number(centres[place])}, {plural(len(sessions), 'session')}")
        if points:
            at, middle, low, high = zip(*points, strict=True)
            drawn.append(Line(name, colour, at, middle, low, high, notes, dashed=name in methods.controls))
    y = Axis(
        y.label, y.low, max([y.high, *(end for line in drawn for end in (*line.y, *line.high) if math.isfinite(end))])
    )
    x = Axis(label, centres[0], centres[-1], log=True, ticks=thinned(centres))
    title = f"{y.label} against {label}"
    return [Panel(title, lines(drawn, x, y, f"{title}, by method"))]


def sessions_of(frame: pl.DataFrame, column: str) -> list[FloatArray]:
    """Known values of `column`, an array for each session."""
    parts = frame.sort("session").partition_by("session", maintain_order=True)
    return [part[column].drop_nulls().to_numpy().astype(np.float64) for part in parts]


def thinned(places: list[float]) -> list[float]:
    """Those places on a logarithmic axis whose numbers do not run into each other."""
    kept = [places[0]]
    room = math.log(places[-1] / places[0]) / 8
    for place in places[1:]:
        if math.log(place / kept[-1]) > room:
            kept.append(place)
    return kept


def board(
    data: Recordings,
    table: pl.DataFrame,
    stage: str,
    columns: Sequence[tuple[str, str, str]],
    colours: Mapping[str, str],
    axis: Axis,
) -> list[BoardRow]:
    """Best first by the first column. table: with the columns label (see `colours`) and the method of the stage."""
    names = sorted(set(table["label"]))
    first = columns[0][0]
    keyed = table.with_columns(cell=pl.lit(0))
    means = session_means(blocks(keyed, names, "label", first))
    order = ordered(-means if stage == "motion" else means)
    found = []
    for name in (names[k] for k in order):
        own = table.filter(pl.col("label") == name)
        method = own[STAGES[stage]][0]
        values = []
        for column, *_ in columns:
            estimate = data.estimate(sessions_of(own, column), stage, name, column)
            values.append(Estimate(estimate.value, math.nan, math.nan) if column in BARE else estimate)
        control = method in CONTROLS[stage]
        middle, low, high = values[0]
        bar = interval(middle, low, high, colours[name], axis, 100) if math.isfinite(middle) else Markup("")
        count, speed = own["session"].n_unique(), data.speed({stage: method})
        found.append(BoardRow(name, "control" if control else "", colours[name], count, bar, values, speed))
    return found
