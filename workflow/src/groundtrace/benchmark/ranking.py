"""Methods compared over simulated sessions: means with their intervals, who leads, and by how much.

A session counts once, however many cells it has. Intervals come from drawing sessions and, in each of them, cells anew,
for all methods at once: two methods that see the same cells are compared on the same cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray

LEVEL = 0.95
"""Level of all confidence intervals."""
NO_MOTION, ORACLE = "none", "oracle"
"""Names of the do-nothing motion correction, and of the extraction that is told the true footprints."""
NOT_DENOISED, CLEAN = "none", "clean"
"""Names of the do-nothing denoising, and of the movie without noise in place of a denoised one."""
CELL = ["session", "plane", "cell"]


class Estimate(NamedTuple):
    """A mean over sessions and its interval."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Standing:
    """One recipe among others."""

    recipe: str
    sessions: int
    cells: int
    score: Estimate
    """Mean r with the true spikes, missed cells as 0."""
    found: Estimate
    """Share of the cells that have a ROI."""
    correlation: Estimate
    """Mean r of the cells found: score over found."""
    behind: Estimate
    """What the leader has more, on sessions that both have run; unknown for the leader itself."""
    control: bool = False

    @property
    def tied(self) -> bool:
        """The difference to the leader is within its error."""
        return self.behind.low <= 0


def is_control() -> pl.Expr:
    return (pl.col("motion_method") == NO_MOTION) | (pl.col("extract") == ORACLE)


def session_means(sessions: Sequence[FloatArray]) -> FloatArray:
    """(n_sessions, n_columns) from arrays (n_cells, n_columns); NaN where a column has a gap."""
    return np.array([block.mean(axis=0) for block in sessions])


def weighted_mean(means: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean (n_columns,) over the sessions of `means` (n_sessions, n_columns) that have a value."""
    mass = np.where(np.isfinite(means), weights[:, None], 0.0)
    with np.errstate(invalid="ignore"):
        return (np.nan_to_num(means) * mass).sum(axis=0) / mass.sum(axis=0)


def redrawn(
    sessions: Sequence[FloatArray], generator: np.random.Generator, draws: int, weights: FloatArray | None = None
) -> FloatArray:
    """`weighted_mean` (draws, n_columns) of sessions drawn anew, each time with its cells drawn anew.

    sessions: arrays (n_cells, n_columns). A draw in which no session has a value for a column is NaN there.
    """
    weights = np.ones(len(sessions)) if weights is None else weights
    chosen = generator.integers(len(sessions), size=(draws, len(sessions)))
    total = np.zeros((draws, sessions[0].shape[1]))
    mass = np.zeros_like(total)
    for k, block in enumerate(sessions):
        draw = np.nonzero(chosen == k)[0]
        times = generator.multinomial(len(block), np.full(len(block), 1 / len(block)), size=len(draw))
        weight = weights[k] * np.isfinite(block).all(axis=0, keepdims=True)
        np.add.at(total, draw, weight * (times @ np.nan_to_num(block)) / len(block))
        np.add.at(mass, draw, np.repeat(weight, len(draw), axis=0))
    with np.errstate(invalid="ignore"):
        return total / mass


def with_interval(value: float, drawn: FloatArray) -> Estimate:
    """`value` and the interval of its draws (draws,)."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not drawn.size:
        return UNKNOWN
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # What is zero but for rounding shall read so.
    value, low, high = (round(float(end), 9) + 0.0 for end in (value, low, high))
    return Estimate(value, low, high)


def counted_interval(value: float, drawn: FloatArray, cells: int) -> Estimate:
    """The same of a score over so many cells; over a single one it has no interval."""
    found = with_interval(value, drawn)
    return found if cells > 1 else Estimate(found.value, np.nan, np.nan)


def mean_estimate(sessions: Sequence[FloatArray], generator: np.random.Generator, draws: int) -> Estimate:
    """Mean over sessions of one quantity: arrays (n_cells,). A single value has no interval."""
    kept = [block[np.isfinite(block)][:, None] for block in sessions]
    kept = [block for block in kept if len(block)]
    if not kept:
        return UNKNOWN
    value = session_means(kept).mean()
    if sum(map(len, kept)) == 1:
        return Estimate(float(value), np.nan, np.nan)
    return with_interval(value, redrawn(kept, generator, draws)[:, 0])


def ordered(means: FloatArray, weights: FloatArray | None = None) -> list[int]:
    """Columns of `means` (n_sessions, n_columns), best first, though not all have run in all sessions.

    Each is compared, on the sessions that both have run, with the column that has run in most: an easy session must not
    raise who happens to have run in it.
    """
    if not means.size:
        return list(range(means.shape[1]))
    reference = int(np.isfinite(means).sum(axis=0).argmax())
    difference = means - means[:, [reference]]
    advantage = weighted_mean(difference, np.ones(len(means)) if weights is None else weights)
    return sorted(range(means.shape[1]), key=lambda k: (-np.nan_to_num(advantage[k], nan=-np.inf), k))


def blocks(cells: pl.DataFrame, names: Sequence[str], by: str, value: str) -> list[FloatArray]:
    """For each session, in order, the array (n_cells, n_names) of `value`, NaN where there is none."""
    wide = cells.sort(CELL).pivot(on=by, index=CELL, values=value, maintain_order=True)
    parts = wide.partition_by("session", maintain_order=True)
    return [part.select(pl.col(list(names)).cast(pl.Float64)).fill_null(np.nan).to_numpy() for part in parts]


def standings(cells: pl.DataFrame, generator: np.random.Generator, draws: int) -> list[Standing]:
    """All recipes of `cells`, best first; the first that is no control is the leader.

    cells: rows of the table CellBenchmark that count: detectable somata with spikes.
    """
    cells = cells.with_columns(found=pl.col("roi").is_not_null())
    names = sorted(set(cells["recipe"]))
    controls = set(cells.filter(is_control())["recipe"])
    values, found = (blocks(cells, names, "recipe", column) for column in ("spike_correlation", "found"))
    both = [np.hstack(pair) for pair in zip(values, found, strict=True)]
    means, drawn = session_means(both), redrawn(both, generator, draws)
    middle = weighted_mean(means, np.ones(len(means)))
    count = len(names)
    order = ordered(means[:, :count])
    leader = next((k for k in order if names[k] not in controls), None)
    table = []
    for k in order:
        run = np.flatnonzero(np.isfinite(means[:, k]))
        scored = sum(len(values[s]) for s in run)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = middle[k] / middle[k + count], drawn[:, k] / drawn[:, k + count]
        behind = UNKNOWN
        if leader is not None and k != leader:
            behind = mean_estimate([block[:, leader] - block[:, k] for block in values], generator, draws)
        table.append(
            Standing(
                names[k],
                len(run),
                scored,
                counted_interval(middle[k], drawn[:, k], scored),
                counted_interval(middle[k + count], drawn[:, k + count], scored),
                counted_interval(*ratio, scored),
                behind,
                names[k] in controls,
            )
        )
    return table
