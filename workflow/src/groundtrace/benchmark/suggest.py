"""Which recipe for a recording: the scores of simulated recordings, each weighted by how much it is like this one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.ranking import (
    NO_MOTION,
    ORACLE,
    blocks,
    is_control,
    ordered,
    redrawn,
    session_means,
    weighted_mean,
    with_interval,
)
from groundtrace.errors import InputError
from groundtrace.indicators import indicators, kinetics
from groundtrace.io import read_table
from groundtrace.random import stream
from groundtrace.tables import Series, Table, column

QUANTITIES = {
    "noise_level": ("noise level ν", "%/√Hz"),
    "roi_density": ("density", "ROIs per mm²"),
    "motion": ("motion", "px"),
    "frame_rate": ("frame rate", "Hz"),
    "decay_time": ("decay time of the indicator", "s"),
    "photons": ("light", "photons per pixel and frame"),
}
"""What recordings are compared by: label and unit."""
SMALLEST = 0.05
"""No quantity counts as less: whether a brain moves by 0.01 or 0.03 px makes no difference."""
NARROW = math.log(1.5)
"""A difference by this ratio is at most one standard deviation, however alike the simulated sessions are."""
BEYOND = 1.5
"""Ratio to the simulated range from which a quantity is outside of it. Two ways of measuring differ by less."""
FAR = 2.0
"""Distance from which no simulated session is like the recording, though each quantity by itself is in range."""
WORSE, CLEARLY = 1.5, 0.1
"""Ratio to the least motion that a recipe's motion correction left here, and px beyond it, from which it left more."""
METHODS = ["motion_method", "denoise", "extract", "spikes"]


class Suggestion(Table, key=("session", "plane", "recipe")):
    """One row per recording, plane and recipe: the score to expect, from simulated sessions like it."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    indicator: Series[str] = column("", "as in the sheet")
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "median ν of accepted ROIs", low=0, nullable=True)
    roi_density: Series[pl.Float32] = column("ROIs per mm²", "accepted ROIs over the field", low=0, nullable=True)
    motion: Series[pl.Float32] = column(
        "px", "RMS length of the rigid displacement from its mean", low=0, nullable=True
    )
    frame_rate: Series[pl.Float32] = column("Hz", "of the plane", low=0)
    decay_time: Series[pl.Float32] = column("s", "of the indicator", low=0, nullable=True)
    photons: Series[pl.Float32] = column("photons per pixel and frame", "mean over the field", low=0, nullable=True)
    outside: Series[str] = column("", "quantities outside the range of the simulated sessions, comma-separated")
    distance: Series[pl.Float32] = column("", "to the simulated session most like it, in standard deviations", low=0)
    nearest: Series[str] = column("", "that session")
    alike: Series[pl.Float32] = column("", "effective number of simulated sessions behind the scores", low=1)
    rank: Series[pl.Int32] = column("", "1 is the recipe to take", low=1)
    recipe: Series[str] = column("", "name under `recipes`")
    residual_motion: Series[pl.Float32] = column(
        "px",
        "motion that its motion correction left in this recording; empty when it was not run",
        low=0,
        nullable=True,
    )
    left_motion: Series[bool] = column(
        "", "clearly more than another recipe's: it ranks behind those, whatever its score in simulated sessions"
    )
    score: Series[pl.Float32] = column(
        "",
        "r with the true spikes to expect of a cell that can be seen, missed ones as 0",
        low=-1,
        high=1,
        nullable=True,
    )
    score_low: Series[pl.Float32] = column("", "lower end of its 95 % interval", low=-1, high=1, nullable=True)
    score_high: Series[pl.Float32] = column("", "upper end", low=-1, high=1, nullable=True)
    behind: Series[pl.Float32] = column("", "what the recipe of rank 1 has more; empty for itself", nullable=True)
    behind_low: Series[pl.Float32] = column("", "lower end of its 95 % interval", nullable=True)
    behind_high: Series[pl.Float32] = column("", "upper end", nullable=True)


@dataclass(frozen=True)
class Chain:
    """What one chain of methods made of a plane."""

    motion_method: str
    shifts: Path
    traces: Path
    quality: Path
    """Table MotionQuality."""


@dataclass(frozen=True)
class Recording:
    """A plane of a real session, and its results so far."""

    session: str
    plane: int
    indicator: str
    acquisition: Path
    raw_quality: Path
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class Likeness:
    """How a recording compares with the simulated sessions."""

    weights: FloatArray
    """(n_sessions,), largest 1."""
    distances: FloatArray
    """(n_sessions,), in standard deviations of the simulated sessions."""
    outside: list[str]
    """Quantities outside the simulated range."""

    @property
    def effective(self) -> float:
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())


def measure(recording: Recording) -> dict[str, Any]:
    """Columns of Suggestion that describe a recording; medians over its chains of methods."""
    acquisition = Acquisition.read(recording.acquisition, indicator=recording.indicator)
    indicator = kinetics(recording.indicator)
    photons = read_table(recording.raw_quality, ["photons"])["photons"][0]
    traces = {chain.traces: read_table(chain.traces, ["accepted", "noise_level"]) for chain in recording.chains}
    cells = [table.filter(pl.col("accepted"))["noise_level"] for table in traces.values()]
    moved = {chain.shifts for chain in recording.chains if chain.motion_method != NO_MOTION}
    area = None
    if acquisition.pixel_size:
        area = acquisition.height * acquisition.width * acquisition.pixel_size**2 * 1e-6
    return {
        "session": recording.session,
        "plane": recording.plane,
        "indicator": acquisition.indicator,
        "noise_level": _median([levels.median() for levels in cells]),
        "roi_density": _median([len(levels) / area for levels in cells]) if area else None,
        "motion": _median([displacement(read_table(path, ["y", "x", "bad"])) for path in sorted(moved)]),
        "frame_rate": acquisition.frame_rate,
        "decay_time": indicator and indicator.decay_time,
        "photons": photons,
    }


def motion_left(recording: Recording) -> dict[str, float]:
    """px that each motion method that was run on a recording left in it."""
    found = {chain.motion_method: read_table(chain.quality, ["residual_motion"])[0, 0] for chain in recording.chains}
    return {method: left for method, left in found.items() if left is not None}


def displacement(shifts: pl.DataFrame) -> float | None:
    """RMS length, px, of the rigid displacement of a table Shifts from its mean, bad frames left out."""
    good = shifts.filter(~pl.col("bad")).select("y", "x").to_numpy().astype(np.float64)
    return float(np.sqrt(((good - good.mean(axis=0)) ** 2).sum(axis=1).mean())) if len(good) else None


def simulated_sessions(recipes: pl.DataFrame, extraction: pl.DataFrame, timing: pl.DataFrame) -> pl.DataFrame:
    """One row per session of a benchmark: the QUANTITIES, as one would measure them in a real recording.

    recipes, extraction: tables RecipeBenchmark and ExtractionBenchmark; timing: its pixels per frame give the field.
    """
    pixels = timing.drop_nulls("pixels").group_by("session").agg(pl.col("pixels").cast(pl.Float64).first())
    area = pl.col("pixels") * pl.col("pixel_size").cast(pl.Float64) ** 2 * 1e-6
    rois = (
        extraction.filter(pl.col("selection") == "accepted", pl.col("extract") != ORACLE)
        .join(pixels, on="session")
        .group_by("session")
        .agg((pl.col("rois") / area).median().alias("roi_density"))
    )
    decay = {name: indicator.decay_time for name, indicator in indicators().items()}
    found = recipes.group_by("session").agg(
        pl.col("noise_level").filter(~is_control()).median(),
        pl.col("motion", "frame_rate", "photons").mean(),
        pl.col("indicator").first().replace_strict(decay, return_dtype=pl.Float64).alias("decay_time"),
    )
    return found.join(rois, on="session", how="left").select("session", *QUANTITIES).sort("session")


def likeness(measured: Mapping[str, Any], simulated: pl.DataFrame) -> Likeness:
    """Weights of the simulated sessions: a Gaussian of the distance in logarithms, each in its standard deviations.

    A quantity that is not known of the recording, or of some simulated session, does not count.
    """
    squares = np.zeros(simulated.height)
    outside = []
    for name in QUANTITIES:
        if measured[name] is None or simulated[name].null_count():
            continue
        there = np.log(np.maximum(simulated[name].to_numpy().astype(np.float64), SMALLEST))
        here = math.log(max(measured[name], SMALLEST))
        squares += ((there - here) / max(there.std(), NARROW)) ** 2
        if not there.min() - math.log(BEYOND) <= here <= there.max() + math.log(BEYOND):
            outside.append(name)
    # The nearest session has weight 1 however far it is, so that the weights of distant ones do not vanish.
    return Likeness(np.exp((squares.min() - squares) / 2), np.sqrt(squares), outside)


def suggest(
    measured: Mapping[str, Any],
    recipes: pl.DataFrame,
    simulated: pl.DataFrame,
    generator: np.random.Generator,
    draws: int,
    left: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """Rows of Suggestion for one recording, best first.

    recipes: the rows of RecipeBenchmark to choose from; simulated: all its sessions, from `simulated_sessions`.
    left: px of motion in this recording after some of the recipes, by name. What is measured here goes before what
    simulated sessions promise.
    """
    left = left or {}
    names = sorted(set(recipes["recipe"]))
    simulated = simulated.join(recipes.select("session").unique(), on="session", how="semi").sort("session")
    like = likeness(measured, simulated)
    scores = blocks(recipes.with_columns(cell=pl.lit(0)), names, "recipe", "score")
    means = session_means(scores)
    middle, drawn = weighted_mean(means, like.weights), redrawn(scores, generator, draws, like.weights)
    most = max(WORSE * (least := min(left.values(), default=0)), least + CLEARLY)
    order = sorted(ordered(means, like.weights), key=lambda k: left.get(names[k], 0) > most)
    nearest = int(like.distances.argmin())
    common = dict(measured) | {
        "outside": ", ".join(like.outside),
        "distance": float(like.distances[nearest]),
        "nearest": simulated["session"][nearest],
        "alike": max(like.effective, 1.0),
    }
    rows = []
    for rank, k in enumerate(order, start=1):
        own = left.get(names[k])
        row = common | {"rank": rank, "recipe": names[k], "residual_motion": own, "left_motion": (own or 0) > most}
        row |= _ends("score", *with_interval(middle[k], drawn[:, k]))
        difference = [block[:, [order[0]]] - block[:, [k]] for block in scores]
        behind = weighted_mean(session_means(difference), like.weights)[0] if rank > 1 else math.nan
        again = redrawn(difference, generator, draws, like.weights)[:, 0]
        rows.append(row | _ends("behind", *with_interval(behind, again)))
    return rows


def suggestions(
    recordings: Sequence[Recording],
    recipes: pl.DataFrame,
    simulated: pl.DataFrame,
    seed: int,
    draws: int,
) -> pl.DataFrame:
    """Table Suggestion for all recordings."""
    rows, methods = [], dict(recipes.select("recipe", "motion_method").unique().iter_rows())
    for recording in recordings:
        generator, found = stream(seed, "suggest", recording.session, recording.plane), motion_left(recording)
        left = {recipe: found[method] for recipe, method in methods.items() if method in found}
        rows += suggest(measure(recording), recipes, simulated, generator, draws, left)
    return table_of(Suggestion, rows)


def comparable(recipes: pl.DataFrame, configured: Mapping[str, Mapping[str, str]], source: str) -> pl.DataFrame:
    """The rows of RecipeBenchmark whose recipe is in the config by the same name, with the same methods.

    configured: for each recipe its METHODS. Raises InputError, naming `source`, when there is none.
    """
    wanted = pl.DataFrame(
        [{"recipe": name, **methods} for name, methods in configured.items()],
        schema=dict.fromkeys(["recipe", *METHODS], pl.String),
    )
    found = recipes.filter(pl.col("extract") != ORACLE).join(wanted, on=["recipe", *METHODS], how="semi")
    if found.is_empty():
        there = sorted(set(recipes["recipe"]))
        raise InputError(
            f"{source}: has none of the recipes of the config ({', '.join(configured)}) with the same names and "
            f"methods; it has {', '.join(there)}; name them alike in both, or run the benchmark with these recipes"
        )
    return found


def _median(values: Sequence[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _ends(name: str, *values: float) -> dict[str, float | None]:
    known = [value if math.isfinite(value) else None for value in values]
    return dict(zip((name, f"{name}_low", f"{name}_high"), known, strict=True))
