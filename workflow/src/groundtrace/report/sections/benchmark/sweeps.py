"""Curves of the methods along a condition, which several sections draw."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.report.benchmark import Benchmark, near
from groundtrace.report.html import number
from groundtrace.report.svg import Axis, Line, Panel, lines

SWEEP_DRAWS = 5
"""Intervals along the sweeps take this part of the draws."""


def same_neurons(data: Benchmark, along: str) -> pl.DataFrame:
    """Real neurons along one sweep, only those that are there at every point: who is in it must not bend the curve."""
    p = data.parameters
    fixed = near("frame_rate", p.frame_rate) if along == "noise_level" else near("noise_level", p.noise_level)
    frame = data.told.filter(fixed, ~pl.col("simulated"))
    points = frame[along].n_unique()
    oracle = frame.filter(pl.col("backend") == "oracle", pl.col("metric") == "correlation")
    kept = oracle.group_by("dataset", "neuron").agg(pl.col(along).n_unique()).filter(pl.col(along) == points)
    return frame.join(kept.drop(along), on=["dataset", "neuron"], how="semi")


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
