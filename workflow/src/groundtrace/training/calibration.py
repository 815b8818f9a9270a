"""What a network's errors are, learnt from recordings of data sets that it had not seen.

Each fit is made twice over: on all data sets, and on parts of them, to see how far its intervals must be stretched to
hold on data sets that neither the network nor the fit has seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
import torch
from scipy.optimize import linprog, root_scalar
from torch import Tensor, nn

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.spikes.counts import OFFSET
from groundtrace.spikes.network.expected import (
    CLASSES,
    LEAST,
    LIMIT,
    QUIET,
    Calibration,
    CountCalibration,
    Expectation,
    Learnt,
    count_inputs,
    described,
    expectation_inputs,
    from_outputs,
    to_dict,
)
from groundtrace.spikes.network.model import Checkpoint
from groundtrace.training.assessment import BEGINNINGS

INTERNEURON_SHARE = 0.15
"""Weight of interneurons among cells of which the class is not told."""
PARTS = 3
"""Parts that data sets are left out in, one after the other, to stretch intervals."""
FITTED = 30
"""Windows of each recording and condition that a calibration is fitted to."""
HIDDEN = 8
STEPS = 800
BATCH = 2048
LEARNING_RATE = 1e-2
WIDENED = (0.5, 0.8, 0.9, 0.95)
LARGEST = 0.9999
MOST_ROWS = 8000
SHRUNK = 0.01
"""Share of each variance that is added to the covariance of descriptions: it has 47 dimensions and few data sets."""
USUAL = 0.95
INTERVAL = (0.05, 0.95)
"""Quantiles that bound the interval of an expectation."""


def calibrate(
    checkpoint: Checkpoint, assessed: Sequence[pl.DataFrame], described: Sequence[pl.DataFrame] | None = None
) -> Checkpoint:
    """`checkpoint` with its errors, from tables Assessment, one of each fold, without the data sets it left out.

    A network that leaves data sets out is thus calibrated without them: its intervals there are a fair test.
    described: such tables of the same folds, of whose recordings the descriptions are taken; empty takes `assessed`.
    """
    unseen = ~pl.col("dataset").is_in(list(checkpoint.left_out))
    folds = zip(assessed, described or assessed, strict=True)
    pairs = [(own, like) for own, like in ((a.filter(unseen), b.filter(unseen)) for a, b in folds) if len(own)]
    likes = [like for _, like in pairs]
    rows = pl.concat(
        [
            own.with_columns(part=pl.lit(k % PARTS), distance=distance_from_others(likes, k, own))
            for k, (own, _) in enumerate(pairs)
        ]
    )
    known = rows.filter(pl.col("correlation").is_not_null())
    z = np.arctanh(np.clip(known["correlation"].to_numpy(), -LIMIT, LIMIT))
    ratio = np.log((rows["true_rate"].to_numpy() + QUIET) / (rows["inferred_rate"].to_numpy() + QUIET))
    expected = fit_expectation(Examples.of(known, z)), fit_expectation(Examples.of(rows, ratio))
    made = Calibration(fit_counts(Examples.seconds(rows)), *expected, learnt=learn(likes))
    return replace(checkpoint, calibration=to_dict(made))


def learn(tables: Sequence[pl.DataFrame]) -> Learnt:
    """What the recordings of tables Assessment are like, and how far those of other folds usually are from them."""
    others, usual = [_others(tables, k) for k in range(len(tables))], []
    contexts = [np.stack(table["context"].to_list()).shape[1] for table in tables]
    beginnings = [[np.reshape(row, (-1, n)) for row in t["beginnings"]] for t, n in zip(tables, contexts, strict=True)]
    for k, frames in enumerate(BEGINNINGS):
        parts = [[row[k] for row in rows if len(row) > k] for rows in beginnings]
        far = [other.distance(np.array(part)) for other, part in zip(others, parts, strict=True) if part]
        if far:
            usual.append((frames, float(np.quantile(np.concatenate(far), USUAL))))
    return replace(_learn(tables), usual=tuple(usual))


def distance_from_others(tables: Sequence[pl.DataFrame], k: int, rows: pl.DataFrame | None = None) -> pl.Series:
    """Distance of each of `rows`, by default those of table `k`, from the recordings of the other tables.

    Where there is one table alone, from its own recordings.
    """
    rows = tables[k] if rows is None else rows
    return pl.Series(_others(tables, k).distance(np.stack(rows["context"].to_list()).astype(np.float64)))


def _others(tables: Sequence[pl.DataFrame], k: int) -> Learnt:
    return _learn([table for j, table in enumerate(tables) if j != k] or tables)


def _learn(tables: Sequence[pl.DataFrame]) -> Learnt:
    rows = pl.concat(tables)
    weight = 1 / rows.select(pl.len().over("dataset")).to_series().to_numpy()
    weight = weight / weight.sum()
    found = described(np.stack(rows["context"].to_list()))
    centre = weight @ found
    above = found - centre
    variance = weight @ above**2
    covariance = (above * weight[:, None]).T @ above + SHRUNK * np.diag(variance + 1e-6)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return Learnt(tuple(centre.tolist()), tuple(tuple(row) for row in whitening.tolist()), ())


@dataclass(frozen=True)
class Examples:
    """What a fit learns from and is judged by, one after the other, (n,) or (n, …)."""

    about: FloatArray
    """(n, FEATURES + 1) of the recording; the last is its distance from those of other folds."""
    interneuron: BoolArray
    part: FloatArray
    weight: FloatArray
    """Data sets count the same, and so do recordings of one."""
    target: FloatArray
    mean: FloatArray
    dispersion: FloatArray
    """Of seconds alone."""

    @classmethod
    def of(cls, rows: pl.DataFrame, target: FloatArray) -> "Examples":
        """Whole recordings: rows of Assessment with their part, and what is to be expected of each."""
        interneuron = rows["cell_class"].to_numpy() == "interneuron"
        weight = 1 / rows.select(pl.len().over("dataset")).to_series().to_numpy()
        about = np.column_stack([np.stack(rows["features"].to_list()), rows["distance"].to_numpy()])
        nothing = np.zeros(len(rows))
        return cls(about, interneuron, rows["part"].to_numpy(), weight / weight.sum(), target, nothing, nothing)

    @classmethod
    def seconds(cls, rows: pl.DataFrame) -> "Examples":
        """At most FITTED seconds of each row; the target is the number of spikes."""
        found = []
        for number, row in enumerate(rows.select("mean", "dispersion", "count").iter_rows()):
            values = np.array(row, np.float64)
            kept = values[:, np.linspace(0, values.shape[1] - 1, min(FITTED, values.shape[1])).astype(int)]
            found.append(np.vstack([kept, np.full(kept.shape[1], number)]))
        mean, dispersion, count, number = np.concatenate(found, axis=1)
        number = number.astype(np.int64)
        whole = cls.of(rows, np.zeros(len(rows)))[number]
        weight = whole.weight / np.bincount(number)[number]
        return replace(whole, mean=mean, dispersion=dispersion, target=count, weight=weight)

    def __getitem__(self, index: np.ndarray) -> "Examples":
        return Examples(*(getattr(self, each.name)[index] for each in fields(self)))

    @property
    def told(self) -> np.ndarray:
        """The class of each."""
        return np.where(self.interneuron, "interneuron", "excitatory")

    @property
    def untold_weight(self) -> FloatArray:
        """Weight of each where classes are not told: a mixture with INTERNEURON_SHARE."""
        share = np.where(self.interneuron, INTERNEURON_SHARE, 1 - INTERNEURON_SHARE)
        each = np.bincount(self.interneuron, self.weight, 2)[self.interneuron.astype(int)]
        return self.weight * share / each * self.weight.sum()


def parts_left_out(examples: Examples) -> FloatArray:
    """Parts to leave out, one after the other; none where there is one part alone, and intervals stay as fitted."""
    parts = np.unique(examples.part)
    return parts if len(parts) > 1 else parts[:0]


def fit_expectation(examples: Examples) -> Expectation:
    """Expectation of the target and the ends of its 90 % interval."""
    stretch, weight = [np.ones(1)], [np.full(1, 1e-12)]
    for k in parts_left_out(examples):
        fitted, left_out = _fit_expectation(examples[examples.part != k]), examples[examples.part == k]
        for told, own_weight in ((left_out.told, left_out.weight), ("", left_out.untold_weight)):
            centre, low, high = (expectation_inputs(left_out.about, told) @ each for each in fitted)
            error = left_out.target - centre
            stretch.append(np.where(error < 0, -error / np.maximum(-low, LEAST), error / np.maximum(high, LEAST)))
            weight.append(own_weight)
    wider = _weighted_quantile(np.concatenate(stretch), np.concatenate(weight), INTERVAL[1] - INTERVAL[0])
    centre, low, high = _fit_expectation(examples)
    return Expectation(*(tuple(each.tolist()) for each in (centre, wider * low, wider * high)))


def _fit_expectation(examples: Examples) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of the centre by ridge regression, and of both ends by quantile regression on what it leaves."""
    inputs = np.concatenate([expectation_inputs(examples.about, told) for told in (examples.told, "")])
    weight = np.concatenate([examples.weight, examples.untold_weight])
    target = np.tile(examples.target, 2)
    penalty = 1e-3 * weight.sum() * np.eye(inputs.shape[1])
    centre = np.linalg.solve((inputs * weight[:, None]).T @ inputs + penalty, inputs.T @ (weight * target))
    low, high = (quantile_regression(inputs, target - inputs @ centre, weight, q) for q in INTERVAL)
    return centre, low, high


def quantile_regression(inputs: FloatArray, target: FloatArray, weight: FloatArray, quantile: float) -> FloatArray:
    """Weights (n_inputs,) that minimise the pinball loss, by linear programming (Koenker & Bassett 1978).

    Of many rows, MOST_ROWS spread over all are taken: the programme's time grows faster than they do.
    """
    kept = np.unique(np.linspace(0, len(target) - 1, MOST_ROWS).astype(int))
    inputs, target, weight = inputs[kept], target[kept], weight[kept] / weight[kept].mean()
    # The dual has as many constraints as inputs, and is solved in a hundredth of the time.
    found = linprog(
        -target,
        A_eq=inputs.T,
        b_eq=np.zeros(inputs.shape[1]),
        bounds=np.column_stack([weight * (quantile - 1), weight * quantile]),
        method="highs",
    )
    return -found.eqlin.marginals


def _weighted_quantile(values: FloatArray, weight: FloatArray, quantile: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(np.searchsorted(reached, quantile), len(values) - 1)])


def fit_counts(seconds: Examples) -> CountCalibration:
    """Distribution of spike counts given what is predicted, and levels that hold in data sets left out."""
    held = [(_fit_counts(seconds[seconds.part != k]), seconds[seconds.part == k]) for k in parts_left_out(seconds)]
    if not held:
        return _fit_counts(seconds)
    return replace(_fit_counts(seconds), widened=tuple(_levels(held, told) for told in CLASSES))


def _fit_counts(seconds: Examples) -> CountCalibration:
    """A network of one hidden layer, for the sum of log score and of CRPS over count + 1."""
    inputs = np.concatenate([_count_inputs(seconds, told) for told in (seconds.told, "")])
    mean, sd = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    standard = torch.from_numpy(((inputs - mean) / sd).astype(np.float32))
    log_mean = torch.from_numpy(np.tile(np.log(seconds.mean + 0.5), 2).astype(np.float32))
    count = torch.from_numpy(np.tile(seconds.target, 2).astype(np.float32))
    reached = np.cumsum(np.concatenate([seconds.weight, seconds.untold_weight]))
    random = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hidden, out = nn.Linear(inputs.shape[1], HIDDEN), nn.Linear(HIDDEN, 5)
    nn.init.zeros_(out.bias)
    out.weight.data *= 0.1
    optimizer = torch.optim.AdamW([*hidden.parameters(), *out.parameters()], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        drawn = torch.from_numpy(np.searchsorted(reached, random.random(BATCH) * reached[-1]))
        found = out(torch.tanh(hidden(standard[drawn])))
        loss = _loss(from_outputs(log_mean[drawn], found.T, torch.exp, torch.clip), count[drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    layers = (torch.cat([each.weight, each.bias[:, None]], dim=1).tolist() for each in (hidden, out))
    tables = (tuple(tuple(row) for row in layer) for layer in layers)
    return CountCalibration(tuple(mean.tolist()), tuple(sd.tolist()), *tables)


def _loss(made: Sequence[Tensor], count: Tensor) -> Tensor:
    """Mean over seconds of -log P(count) and of the CRPS over count + 1, on widening steps of the count."""

    def below(n: Tensor) -> Tensor:
        weight, centre, spread, other_centre, other_spread = (each[:, None] for each in made)
        x = torch.log(n.clamp(min=0) + 0.5 + OFFSET)
        return weight * torch.sigmoid((x - centre) / spread) + (1 - weight) * torch.sigmoid(
            (x - other_centre) / other_spread
        )

    lower = torch.where(count > 0, below(count[:, None] - 1)[:, 0], 0.0)
    score = -torch.log((below(count[:, None])[:, 0] - lower).clamp(min=1e-6))
    values = torch.tensor(np.unique(np.round(np.geomspace(1, 300, 26))) - 1, dtype=torch.float32)
    widths = torch.diff(values, append=torch.tensor([330.0]))
    ranked = ((below(values[None]) - (count[:, None] <= values).float()) ** 2) @ widths
    return (score + ranked / (1 + count)).mean()


def _count_inputs(seconds: Examples, told: np.ndarray | str) -> FloatArray:
    return count_inputs(seconds.mean, seconds.dispersion, seconds.about, told)


def _levels(held: Sequence[tuple[CountCalibration, Examples]], told: str) -> tuple[tuple[float, float], ...]:
    """Levels of the distribution's own intervals that cover what WIDENED says, in data sets left out."""
    made, counts, weight = [], [], []
    for fitted, seconds in held:
        chosen = seconds[seconds.told == told] if told else seconds
        made.append(fitted.apply(chosen.mean, chosen.dispersion, chosen.about, told))
        counts.append(chosen.target)
        weight.append(chosen.weight if told else chosen.untold_weight)
    everything = np.concatenate(weight)

    def missing(own: float, level: float) -> float:
        inside = [each.coverage(count, own) for each, count in zip(made, counts, strict=True)]
        return float(np.average(np.concatenate(inside), weights=everything)) - level

    own = [_root(missing, level) for level in WIDENED] if everything.sum() else list(WIDENED)
    return tuple(zip((0.0, *WIDENED, 1.0), (0.0, *np.maximum.accumulate(own).tolist(), 1.0), strict=True))


def _root(missing: Callable[[float, float], float], level: float) -> float:
    """The level of the distribution's own interval that covers `level`; the largest one where none does."""
    if missing(LARGEST, level) < 0:
        return LARGEST
    return float(root_scalar(missing, args=(level,), bracket=(0.01, LARGEST), xtol=1e-3).root)
