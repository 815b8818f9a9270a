"""The page of the benchmark of spike inference: who finds the spikes, under which conditions, and how surely."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from groundtrace.benchmark.metrics import bootstrap
from groundtrace.benchmark.parameters import CONTROLS, BenchmarkParameters
from groundtrace.benchmark.population import POPULATION
from groundtrace.report.html import number, render
from groundtrace.report.session import Figure
from groundtrace.report.svg import PALETTE, Axis, Line, Panel, Row, interval, lines, rows
from groundtrace.simulation.processes import stream

GREYS = {"oracle": "ink", "dff": "muted", "shuffled": "faint", "zero": "faint"}
SIMULATED = "X-"
"""Data sets of this beginning are simulated; they count in no summary of real neurons."""
SWEEP_DRAWS = 5
"""Intervals along the sweeps take this part of the draws."""
CORRELATION = Axis("", -0.05, 1, ticks=(0, 0.25, 0.5, 0.75, 1))


@dataclass(frozen=True)
class Standing:
    """One row of the leaderboard: medians over neurons with their intervals."""

    backend: str
    note: str
    colour: str
    neurons: int
    values: dict[str, tuple[float, float, float]]
    bar: Markup
    speed: float
    """Frames per CPU second."""


class Benchmark:
    """The tables of the benchmark, and the views that the page shows."""

    def __init__(self, table: pl.DataFrame, timing: pl.DataFrame, parameters: BenchmarkParameters):
        self.table = table.with_columns(simulated=pl.col("dataset").str.starts_with(SIMULATED))
        self.timing = timing
        self.parameters = parameters
        found = sorted(set(table["backend"]) - set(CONTROLS))
        self.backends = found
        self.methods = [*found, "dff"]
        self.colours = {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(found)} | GREYS

    @cached_property
    def centre(self) -> pl.DataFrame:
        """The leaderboard's point: one frame rate and ν, the indicator told, no limit on the lookahead."""
        p = self.parameters
        return self.told.filter(_near("frame_rate", p.frame_rate), _near("noise_level", p.noise_level))

    @cached_property
    def told(self) -> pl.DataFrame:
        """Chosen ν, indicator told, all of the recording seen; real and simulated neurons, not the population."""
        chosen = pl.col("snr").is_null() & pl.col("lookahead").is_null() & pl.col("indicator_told")
        return self.table.filter(chosen, pl.col("dataset") != POPULATION)

    def values(self, frame: pl.DataFrame, backend: str, metric: str) -> pl.DataFrame:
        return frame.filter(pl.col("backend") == backend, pl.col("metric") == metric).drop_nulls("value")

    def median(self, frame: pl.DataFrame, name: str, draws: int | None = None) -> tuple[float, float, float]:
        """Median over neurons, and its interval over data sets and neurons."""
        if frame.is_empty():
            return math.nan, math.nan, math.nan
        values, groups = frame["value"].to_numpy().astype(np.float64), frame["dataset"].to_numpy()
        random = stream(self.parameters.seed, "bootstrap", name)
        low, high = bootstrap(values, groups, random, draws or self.parameters.bootstrap)
        # What is zero but for rounding shall read so.
        middle, low, high = (round(value, 9) + 0.0 for value in (float(np.median(values)), low, high))
        return middle, low, high

    def learnt(self, backend: str) -> set[str]:
        """Data sets that a backend has learnt from."""
        return set(self.table.filter(pl.col("in_sample"), pl.col("backend") == backend)["dataset"])

    def name(self, backend: str) -> str:
        return f"{backend} *" if self.learnt(backend) else backend


def render_benchmark(table: pl.DataFrame, timing: pl.DataFrame, parameters: BenchmarkParameters) -> str:
    """The page as HTML, from the table SpikeBenchmark and the time that inference took."""
    data = Benchmark(table, timing, parameters)
    return render(
        "benchmark.html",
        ("benchmark.js",),
        {},
        title="Spike inference benchmark",
        parameters=parameters,
        figures=totals(data),
        real=leaderboard(data, simulated=False),
        simulated=leaderboard(data, simulated=True),
        columns=COLUMNS,
        legend=[(data.name(name), data.colours[name]) for name in (*data.methods, "shuffled", "oracle")],
        in_sample=bool(table["in_sample"].any()),
        datasets=per_dataset(data),
        noise=sweep(data, same_neurons(data, "noise_level"), "noise_level", "noise level ν (%/√Hz)"),
        snr=sweep(data, snr_rows(data), "snr", "dF/F of one spike / noise per frame", log=True),
        rates=sweep(data, same_neurons(data, "frame_rate"), "frame_rate", "frame rate (Hz)", log=True),
        lookahead=lookahead(data),
        counts=count_ratios(data),
        coverage=coverages(data),
        told=told_and_not(data),
        timing=spike_timing(data),
        population=populations(data),
        excluded=excluded(data),
    )


def totals(data: Benchmark) -> list[Figure]:
    known = data.centre.filter(pl.col("backend") == "oracle")
    total = {name: float(known.filter(pl.col("metric") == name)["value"].sum()) for name in ("spikes", "duration")}
    scored = known.filter(pl.col("metric") == "correlation").select("dataset", "neuron", "simulated").unique()
    real = scored.filter(~pl.col("simulated"))
    rate, level = number(data.parameters.frame_rate), number(data.parameters.noise_level)
    return [
        Figure("neurons", number(real.height, 9), "", f"real ones, scored at {rate} Hz and ν = {level} %/√Hz"),
        Figure("data sets", number(real["dataset"].n_unique(), 9), "", "real ones"),
        Figure("simulated", number(scored.height - real.height, 9), "", "neurons, kept apart"),
        Figure("imaged", number(total["duration"] / 3600), "h", "with an electrode on the cell"),
        Figure("spikes", number(total["spikes"], 9), "", "seen by the electrode while imaging"),
        Figure("methods", number(len(data.backends), 9), "", f"and {len(CONTROLS)} do-nothing controls"),
    ]


COLUMNS = (
    ("correlation", "r", "Pearson correlation of rate and truth, both smoothed"),
    ("correlation_as_given", "r, as given", "the same, with the method's rate not smoothed again"),
    ("error", "error", "Σ|p−g| / Σg; 1 for no spikes at all"),
    ("bias", "bias", "Σ(p−g) / Σg; −1 for no spikes at all"),
    ("count_ratio", "counts", "Σp / Σg; 1 is right"),
    ("spikefinder", "Spikefinder", "Pearson correlation in bins of 40 ms"),
    ("victor_purpura", "Victor–Purpura", "per spike; 0 for the right times, 1 when none has a partner"),
    ("van_rossum", "van Rossum", "squared, per spike; 0 for the right times"),
)


def leaderboard(data: Benchmark, *, simulated: bool) -> list[Standing]:
    """Best first; a method that has learnt from some data sets has a second row without them."""
    centre = data.centre.filter(pl.col("simulated") == simulated)
    found = []
    for backend in (*data.backends, *CONTROLS):
        own = centre.filter(pl.col("backend") == backend)
        learnt = data.learnt(backend) & set(own["dataset"])
        note = f"has learnt from {len(learnt)} of these data sets" if learnt else ""
        found.append(standing(data, own, backend, note))
        if learnt and learnt != set(own["dataset"]):
            rest = own.filter(~pl.col("dataset").is_in(list(learnt)))
            found.append(standing(data, rest, backend, "only data sets it has not learnt from"))
    return sorted((row for row in found if row.neurons), key=lambda row: -row.values["correlation"][0])


def standing(data: Benchmark, own: pl.DataFrame, backend: str, note: str) -> Standing:
    values = {
        metric: data.median(data.values(own, backend, metric), f"{backend} {metric} {note}") for metric, *_ in COLUMNS
    }
    speed = data.timing.filter(pl.col("backend") == backend, pl.col("seconds") > 0)
    frames = float(speed["frames"].sum()) / float(speed["seconds"].sum()) if speed.height else math.nan
    colour = data.colours[backend]
    bar = interval(*values["correlation"], colour, Axis("", 0, 1), 100) if own.height else Markup("")
    neurons = data.values(own, backend, "correlation").height
    return Standing(data.name(backend), note, colour, neurons, values, bar, frames)


def per_dataset(data: Benchmark) -> list[Panel]:
    """One small chart for each data set: r of every neuron; rings where a method has learnt from the data set."""
    panels = []
    for (dataset,), own in data.centre.filter(pl.col("metric") == "correlation").group_by(
        "dataset", maintain_order=True
    ):
        drawn = [dots(data, own.filter(pl.col("backend") == name), name) for name in data.methods]
        first = own.row(0, named=True)
        hint = f"{first['indicator']}, {first['cell_class'] or 'class unknown'}, {own['neuron'].n_unique()} neurons"
        label = f"Correlation of each neuron of {dataset}, by method"
        chart = rows(drawn, CORRELATION, label, width=300, left=82)
        panels.append(Panel(str(dataset), chart, hint))
    return panels


def dots(data: Benchmark, own: pl.DataFrame, backend: str, label: str | None = None) -> Row:
    """Each value of `own` as a dot."""
    values = own["value"].to_list()
    names = [f"{row['dataset']} {row['neuron']}" for row in own.iter_rows(named=True)]
    middle = float(np.median(values)) if values else math.nan
    shown = data.name(backend) if label is None else label
    return Row(shown, data.colours[backend], values, names, own["in_sample"].to_list(), middle)


def same_neurons(data: Benchmark, along: str) -> pl.DataFrame:
    """Real neurons along one sweep, only those that are there at every point: who is in it must not bend the curve."""
    p = data.parameters
    fixed = _near("frame_rate", p.frame_rate) if along == "noise_level" else _near("noise_level", p.noise_level)
    frame = data.told.filter(fixed, ~pl.col("simulated"))
    points = frame[along].n_unique()
    oracle = frame.filter(pl.col("backend") == "oracle", pl.col("metric") == "correlation")
    kept = oracle.group_by("dataset", "neuron").agg(pl.col(along).n_unique()).filter(pl.col(along) == points)
    return frame.join(kept.drop(along), on=["dataset", "neuron"], how="semi")


def snr_rows(data: Benchmark) -> pl.DataFrame:
    chosen = pl.col("snr").is_not_null() & pl.col("indicator_told") & pl.col("lookahead").is_null()
    return data.table.filter(chosen, ~pl.col("simulated"))


def sweep(data: Benchmark, frame: pl.DataFrame, along: str, label: str, *, log: bool = False) -> list[Panel]:
    """r, error and bias along a sweep."""
    panels = []
    points = sorted(frame[along].unique().to_list())
    if len(points) < 2:
        return []
    x = Axis(label, points[0], points[-1], log=log, ticks=points)
    for metric in ("correlation", "error", "bias"):
        drawn = []
        for backend in (*data.methods, "oracle", "shuffled"):
            own = data.values(frame, backend, metric)
            if not own.is_empty():
                drawn.append(curve(data, own, backend, along))
        y = metric_axis(metric, drawn)
        panels.append(Panel(y.label, lines(drawn, x, y, f"{y.label} against {label}, by method")))
    return panels


def metric_axis(metric: str, drawn: Sequence[Line]) -> Axis:
    """Room for every median; error and bias have no upper end."""
    if metric == "correlation":
        return Axis("Pearson r", 0, 1)
    top = max([1.5, *(value for line in drawn for value in line.y)]) * 1.1
    return Axis("error", 0, top, marks=(1,)) if metric == "error" else Axis("bias", -1, top, marks=(0,))


def curve(data: Benchmark, own: pl.DataFrame, backend: str, along: str) -> Line:
    """Median over neurons at each point of a sweep."""
    draws = max(data.parameters.bootstrap // SWEEP_DRAWS, 1)
    x, found, notes = [], [], []
    for (point,), part in own.group_by(along, maintain_order=False):
        x.append(point)
        found.append(data.median(part, f"{backend} {along} {point}", draws))
        notes.append(f" at {number(point)}, {part.height} neurons")
    order = np.argsort(x)
    middle, low, high = (np.array(part)[order].tolist() for part in zip(*found, strict=True))
    control = backend in CONTROLS
    intervals: tuple[Sequence[float], Sequence[float]] = ((), ()) if control else (low, high)
    at = np.array(x)[order].tolist()
    notes = [notes[k] for k in order]
    return Line(data.name(backend), data.colours[backend], at, middle, *intervals, notes, dashed=control)


def lookahead(data: Benchmark) -> list[Panel]:
    """r, error and bias against the frames that an online inference waits for; the last point sees all."""
    p = data.parameters
    near = data.table.filter(
        pl.col("snr").is_null(),
        pl.col("indicator_told"),
        ~pl.col("simulated"),
        pl.col("dataset") != POPULATION,
        _near("frame_rate", p.frame_rate),
        _near("noise_level", p.noise_level),
    )
    online = [name for name in data.backends if near.filter(pl.col("backend") == name)["lookahead"].is_not_null().any()]
    if not online:
        return []
    points = sorted(near["lookahead"].drop_nulls().unique().to_list())
    place = {frames: float(k) for k, frames in enumerate(points)}
    at = pl.col("lookahead").replace_strict(place, default=float(len(points)), return_dtype=pl.Float64)
    frame = near.with_columns(at)
    names = [f"{frames} ({1000 * frames / p.frame_rate:.0f} ms)" for frames in points]
    ticks = tuple(float(k) for k in range(len(points) + 1))
    x = Axis("lookahead in frames (and in time)", 0, len(points), ticks=ticks, names=(*names, "all"))
    panels = []
    for metric in ("correlation", "error"):
        found = [(name, data.values(frame, name, metric)) for name in online]
        drawn = [curve(data, own, name, "lookahead") for name, own in found if own.height]
        y = metric_axis(metric, drawn)
        panels.append(Panel(y.label, lines(drawn, x, y, f"{y.label} against lookahead", width=660)))
    return panels


def count_ratios(data: Benchmark) -> list[Panel]:
    """Σp / Σg of each neuron, one chart per method, one row per indicator."""
    axis = Axis("predicted / true spikes", 0.05, 20, log=True, ticks=(0.1, 0.3, 1, 3, 10), marks=(1,), band=(0.7, 1.4))
    panels = []
    real = data.centre.filter(~pl.col("simulated"))
    for backend in data.backends:
        own = data.values(real, backend, "count_ratio")
        order = sorted(set(own["indicator"]), key=str.lower)
        drawn = [dots(data, own.filter(pl.col("indicator") == name), backend, name) for name in order]
        panels.append(Panel(data.name(backend), rows(drawn, axis, f"Count ratio of {backend} by indicator")))
    return panels


def coverages(data: Benchmark) -> list[Panel]:
    """Share of 1 s windows inside each interval: a dot for each data set."""
    panels = []
    tolerance = {50: 0.05, 80: 0.04, 95: 0.03}
    real = data.centre.filter(~pl.col("simulated"))
    for level, allowed in tolerance.items():
        aim = level / 100
        axis = Axis("share inside", 0, 1, marks=(aim,), band=(aim - allowed, min(aim + allowed, 1)))
        drawn = []
        for backend in data.backends:
            own = data.values(real, backend, f"coverage_{level}")
            means = own.group_by("dataset", maintain_order=True).agg(
                pl.col("value").mean(), pl.lit("").alias("neuron"), pl.col("in_sample").first()
            )
            if means.height:
                drawn.append(dots(data, means, backend))
        if drawn:
            panels.append(Panel(f"{level} % interval", rows(drawn, axis, f"Coverage of the {level} % interval")))
    return panels


def told_and_not(data: Benchmark) -> list[Panel]:
    """r with and without the name of the indicator."""
    p = data.parameters
    real = data.table.filter(~pl.col("simulated"), pl.col("snr").is_null(), pl.col("lookahead").is_null())
    real = real.filter(_near("frame_rate", p.frame_rate), _near("noise_level", p.noise_level))
    drawn = []
    for backend in data.backends:
        for told in (True, False):
            own = data.values(real.filter(pl.col("indicator_told") == told), backend, "correlation")
            if own.height:
                drawn.append(dots(data, own, backend, f"{backend}, {'told' if told else 'not told'}"))
    return [Panel("Pearson r", rows(drawn, CORRELATION, "Correlation with and without the indicator", left=150))]


def spike_timing(data: Benchmark) -> list[Panel]:
    axes = {
        "victor_purpura": ("Victor–Purpura, per spike", Axis("", 0, 1, ticks=(0, 0.25, 0.5, 0.75, 1))),
        "van_rossum": ("van Rossum, squared, per spike", Axis("", 0.01, 100, log=True, ticks=(0.01, 0.1, 1, 10, 100))),
        "spikefinder": ("Spikefinder: r in bins of 40 ms", CORRELATION),
    }
    panels = []
    real = data.centre.filter(~pl.col("simulated"))
    for metric, (title, axis) in axes.items():
        shown = (*data.methods, "oracle", "shuffled")
        drawn = [dots(data, own, name) for name in shown if (own := data.values(real, name, metric)).height]
        panels.append(Panel(title, rows(drawn, axis, title)))
    return panels


def populations(data: Benchmark) -> list[Panel]:
    """Pairwise correlations of the simulated population against ν."""
    own = data.table.filter(pl.col("dataset") == POPULATION)
    axes = {
        "pairwise_correlation": Axis("r of pairs", 0, 1),
        "pairwise_slope": Axis("slope of pairs", 0, 1.5, marks=(1,)),
    }
    panels = []
    for metric, y in axes.items():
        for indicator in sorted(set(own["indicator"])):
            part = own.filter(pl.col("metric") == metric, pl.col("indicator") == indicator).sort("noise_level")
            points = sorted(set(part["noise_level"]))
            x = Axis("noise level ν (%/√Hz)", points[0], max(points[-1], points[0] + 1e-6), ticks=points)
            drawn = []
            for name in data.methods:
                line = part.filter(pl.col("backend") == name)
                at, values = line["noise_level"].to_list(), line["value"].to_list()
                drawn.append(Line(name, data.colours[name], at, values, dashed=name in CONTROLS))
            panels.append(Panel(f"{indicator}: {y.label}", lines(drawn, x, y, f"{y.label}, {indicator}")))
    return panels


def excluded(data: Benchmark) -> list[dict[str, Any]]:
    """What was scored and what was not, per data set, at the leaderboard's point."""
    names = ["recordings", "recordings_too_slow", "recordings_too_noisy", "spikes", "duration"]
    counted = data.centre.filter(pl.col("backend") == "oracle", pl.col("metric").is_in(names))
    if counted.is_empty():
        return []
    sums = counted.group_by("dataset", "indicator", "cell_class", "metric").agg(pl.col("value").sum())
    wide = sums.pivot(on="metric", index=["dataset", "indicator", "cell_class"], values="value").sort("dataset")
    scored = data.centre.filter(pl.col("backend") == "oracle", pl.col("metric") == "correlation")
    neurons = scored.group_by("dataset").agg(pl.col("neuron").n_unique().alias("neurons"))
    learnt = {name: data.learnt(name) for name in data.backends}
    table = wide.join(neurons, on="dataset", how="left").with_columns(pl.col("neurons").fill_null(0))
    return [
        row | {"learnt": ", ".join(name for name, seen in learnt.items() if row["dataset"] in seen)}
        for row in table.iter_rows(named=True)
    ]


def _near(name: str, value: float) -> pl.Expr:
    return (pl.col(name) - value).abs() < 1e-4 * value
