"""From trained networks to the weights that people use, and what there is to know of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.io import read_table
from groundtrace.spikes.network.expected import Calibration, from_dict
from groundtrace.spikes.network.model import Checkpoint, load, save
from groundtrace.training.calibration import calibrate
from groundtrace.training.parameters import TrainingParameters

LEVELS = (0.5, 0.8, 0.9, 0.95)


def assemble(networks: Sequence[str | Path], assessed: Sequence[str | Path], made: Sequence[str | Path]) -> None:
    """Join the members of each checkpoint, calibrate it, and write it to the path in `made` that bears its name."""
    paths = {Path(path).stem: path for path in networks}
    tables = _assessments(assessed)
    for target in made:
        name = Path(target).stem
        kind = "online" if name.startswith("online-") else "offline"
        weights = name.removeprefix("online-")
        members = [load(path) for stem, path in sorted(paths.items()) if stem.startswith(f"{kind}-{weights}-")]
        joined = replace(members[0], members=[member.members[0] for member in members])
        # Online or not, a recording is described alike, and online networks are assessed at one frame rate alone.
        save(target, calibrate(joined, tables[kind], tables["offline"]))


def model_card(weights: Sequence[str | Path], assessed: Sequence[str | Path], parameters: TrainingParameters) -> str:
    """Markdown: what the weights learnt from, how good they are on data never seen, and what they are not for."""
    tables = {kind: pl.concat(each) for kind, each in _assessments(assessed).items()}
    paths = {Path(path).stem: path for path in weights}
    checkpoint = load(paths["all"])
    folds = [load(path) for name, path in paths.items() if name.startswith("without-")]
    size = checkpoint.members[0].shape
    learnt = ", ".join(checkpoint.trained_on)
    return CARD.format(
        members=len(checkpoint.members),
        layers=len(size.dilations) + 1,
        channels=size.channels,
        reach=size.reach[0],
        learnt=learnt,
        folds=parameters.folds,
        accuracy=_accuracy(tables["offline"].filter("told")),
        online=_lookahead(tables["online"].filter("told")),
        coverage=_coverage(tables["offline"], folds),
        expected=_expected(tables["offline"], folds),
        settings=", ".join(f"{key} {value}" for key, value in parameters.model_dump(exclude={"together"}).items()),
    )


def _assessments(paths: Sequence[str | Path]) -> dict[str, list[pl.DataFrame]]:
    """Assessments of each kind, one of each fold."""
    kinds = ("offline", "online")
    return {
        kind: [read_table(path) for path in sorted(map(Path, paths)) if path.stem.startswith(kind)] for kind in kinds
    }


def _accuracy(rows: pl.DataFrame) -> str:
    medians = rows.group_by("dataset", "frame_rate", "noise_level").agg(pl.col("correlation").median())
    table = medians.group_by("frame_rate", "noise_level").agg(
        pl.col("correlation").median().alias("median"),
        pl.col("correlation").min().alias("worst"),
        pl.len().alias("sets"),
    )
    lines = [
        f"| {row['frame_rate']:g} | {row['noise_level']:g} | {row['median']:.3f} | {row['worst']:.3f} | {row['sets']} |"
        for row in table.sort("frame_rate", "noise_level").iter_rows(named=True)
    ]
    return "\n".join(lines)


def _lookahead(rows: pl.DataFrame) -> str:
    medians = rows.group_by("dataset", "lookahead", "noise_level").agg(pl.col("correlation").median())
    table = medians.group_by("lookahead", "noise_level").agg(pl.col("correlation").median())
    return "\n".join(
        f"| {row['lookahead']} | {row['noise_level']:g} | {row['correlation']:.3f} |"
        for row in table.sort("noise_level", "lookahead").iter_rows(named=True)
    )


def _unseen(rows: pl.DataFrame, folds: Sequence[Checkpoint]) -> Iterator[tuple[dict[str, Any], Calibration]]:
    """Each row with what the checkpoint says that has neither learnt from its data set nor been calibrated on it."""
    for fold in folds:
        calibration = from_dict(fold.calibration)
        if calibration:
            for row in rows.filter(pl.col("dataset").is_in(list(fold.left_out))).iter_rows(named=True):
                yield row, calibration


def about_row(calibration: Calibration, row: dict[str, Any]) -> FloatArray:
    """What errors are predicted from, of a row of Assessment."""
    return calibration.about(np.asarray(row["features"]), np.asarray(row["context"], np.float64))


def _coverage(rows: pl.DataFrame, folds: Sequence[Checkpoint]) -> str:
    """Coverage of the count intervals at each level: mean over data sets, and the worst data set; and their width."""
    found: dict[str, list[list[float]]] = {}
    for row, calibration in _unseen(rows, folds):
        mean, spread, count = (np.asarray(row[name], float) for name in ("mean", "dispersion", "count"))
        made = calibration.counts.apply(mean, spread, about_row(calibration, row), row["cell_class"])
        values = [(made.coverage(count, level).mean(), np.ptp(made.interval(level), axis=0).mean()) for level in LEVELS]
        found.setdefault(row["dataset"], []).append([each for pair in values for each in pair])
    names, per_dataset = list(found), np.array([np.mean(values, axis=0) for values in found.values()])
    lines = []
    for level, share, width in zip(LEVELS, per_dataset[:, ::2].T, per_dataset[:, 1::2].T, strict=True):
        worst = f"{share.min():.1%} ({names[share.argmin()]})"
        lines.append(f"| {level:.0%} | {share.mean():.1%} | {worst} | {np.median(width):.1f} |")
    return "\n".join(lines)


def _expected(rows: pl.DataFrame, folds: Sequence[Checkpoint]) -> str:
    """How far the expected correlation is from the true one, and how often that lies in its 90 % interval."""
    error, inside, datasets = [], [], []
    for row, calibration in _unseen(rows.filter(pl.col("correlation").is_not_null()), folds):
        value, low, high = calibration.expected_correlation(about_row(calibration, row), row["cell_class"])
        error.append(row["correlation"] - value)
        inside.append(low <= row["correlation"] <= high)
        datasets.append(row["dataset"])
    table = pl.DataFrame({"dataset": datasets, "inside": inside}).group_by("dataset").agg(pl.col("inside").mean())
    worst = table.sort("inside", "dataset").row(0, named=True)
    return (
        f"off by {np.median(np.abs(error)):.3f} in the median (on average {np.mean(error):+.3f}); the 90 % "
        f"interval covers {np.mean(inside):.1%} of {len(error)} recordings and conditions, "
        f"{table['inside'].mean():.1%} averaged over data sets, {worst['inside']:.1%} in the worst ({worst['dataset']})"
    )


CARD = """\
# The spike network of groundtrace

Written by `snakemake train` together with the weights beside it (safetensors: numbers only, no code).

`all`: {members} network (averaged if several) of {layers} dilated convolutions, {channels} channels wide, that see
{reach} frames to each side. `online-all`: one causal network that is told its lookahead. `without-<k>` and
`online-without-<k>`: the same, one network each, trained and calibrated without the data sets of fold k of {folds}; the
benchmark scores each data set with the weights that have not seen it.

**Learnt from** (public CASCADE database, Rupprecht et al. 2021 and later additions): {learnt}. Each recording is seen
at many frame rates and noise levels, and its spikes also through random synthetic indicators.

**For** dF/F (fraction) of single neurons at 5 to 60 Hz and ν of 1 to 10 % Hz^(-1/2), any indicator, known or not.
**Not for** denoised or deconvolved traces, one-photon movies, populations in one ROI. Fast-spiking interneurons with
slow indicators are underestimated. No recording was moved in time, neither to learn from nor to score: one whose
imaging and electrode are out of step by a frame looks worse than it is, and 30 Hz timing is no better than the
alignment of the ground truth.

## Accuracy on data sets that the network had not seen

Pearson r with the true rate, both smoothed (σ 25 ms from 30 Hz on, 50 ms from 15 Hz, 200 ms below); median over the
neurons of a data set, then over data sets, and the worst data set. The indicator is told. Recordings slower than half
the frame rate or noisier than ν are left out.

| frame rate, Hz | ν | median r | worst data set | data sets |
|---|---|---|---|---|
{accuracy}

With a limited lookahead at 30 Hz:

| frames ahead | ν | median r |
|---|---|---|
{online}

Predictive intervals of the number of spikes in 1 s, class of the cell told, indicator told and not (coverage by the
non-randomised probability integral transform, mean over data sets and worst data set; mean width, median over data
sets):

| interval | covers | worst data set | width, spikes |
|---|---|---|---|
{coverage}

The correlation that is to be expected of a recording is {expected}.

Settings: {settings}.
"""
