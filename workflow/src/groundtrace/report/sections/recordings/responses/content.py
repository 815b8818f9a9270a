"""Responses to stimuli, from true spikes to dF/F."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.benchmark.parameters import RELIABLE, SURE
from groundtrace.benchmark.ranking import Estimate
from groundtrace.report.comparison import Recordings, sessions_of

Columns = Sequence[tuple[str, str, str]]
"""Of a table: name, heading, meaning."""
SOURCES = {"true": "true spikes", "inferred": "inferred spikes", "dff": "dF/F"}
COLUMNS = (
    ("true_oracle", "true oracle", "mean over cells of the oracle correlation that infinitely many images would have"),
    ("oracle", "oracle", "mean over cells of the oracle correlation found"),
    ("bias", "bias", "mean over cells of what is found minus what is true"),
    ("corrected", "corrected bias", "the same of the oracle correlation without what errors of the inference take"),
    ("in_errors", "bias / error", "mean over cells of the same over the standard error that the table states"),
    ("spread", "|bias| / error", "mean size of the same; 0.8 where errors are right"),
    ("orientation_off", "orientation", "degrees; mean over tuned cells of how far the preferred one is off"),
)


ENCODING = (
    ("cc_true", "r", "mean r of left-out predictions with the true mean responses"),
    ("cc_norm", "CCnorm", "mean CCnorm of left-out images by the responses themselves, as a user has it"),
    ("mei", "MEI", "mean true response to the most exciting image, over that to the true best image"),
    ("gabor", "Gabor", "the same of the best Gabor of the model"),
    ("field", "field", "the same of the receptive field of the model"),
    ("best_image", "best shown", "the same of the image with the largest mean response, at the same contrast"),
    ("above", "above it", "share of cells whose most exciting image does more than the best that was shown"),
    ("position_off", "place", "px; mean distance of the most exciting image from the receptive field"),
    ("orientation_off", "orientation", "degrees; mean over cells of how far the orientation of the model is off"),
)


@dataclass(frozen=True)
class Row:
    """One source of responses, for one indicator."""

    indicator: str
    name: str
    note: str
    cells: int
    noise_level: float | None
    values: list[Estimate]


def context(data: Recordings) -> dict[str, Any] | None:
    table = data.responses
    if table is None or table.is_empty():
        return None
    off = pl.col("oracle") - pl.col("true_oracle")
    error = pl.when(pl.col("oracle_error") > 0).then(pl.col("oracle_error"))
    corrected = pl.col("oracle_corrected") - pl.col("true_oracle")
    table = table.with_columns(bias=off, corrected=corrected, in_errors=off / error, spread=(off / error).abs())
    columns = _kept(table, COLUMNS)
    found = {"columns": columns, "rows": _rows(data, table, columns), "models": [], "reliable": RELIABLE, "sure": SURE}
    if data.encoding is None or data.encoding.is_empty():
        return found
    models = counting(data.encoding)
    models = models.with_columns(above=(pl.col("mei") > pl.col("best_image")).cast(pl.Float64))
    columns = _kept(models, ENCODING)
    fitted = pl.when(pl.col("kind") == "fitted").then(pl.lit(", cells of a network of real neurons"))
    named = models.with_columns(board=pl.col("model") + fitted.otherwise(pl.lit("")))
    parts = named.partition_by("board", as_dict=True, maintain_order=True)
    boards = {str(name): _rows(data, part, columns) for (name,), part in parts.items()}
    return found | {"encoding": columns, "models": list(boards.items()), "costs": costs(models)}


def counting(encoding: pl.DataFrame) -> pl.DataFrame:
    """Rows of EncodingBenchmark of cells that count: tuned and reliable, with spikes that are sure if that is known."""
    sure = pl.col("expected_correlation").fill_null(1.0) >= SURE
    return encoding.filter(sure, pl.col("true_oracle") >= RELIABLE, pl.col("kind") != "untuned")


def costs(models: pl.DataFrame) -> list[tuple[Any, ...]]:
    """What spike inference costs: indicator, spike inference, model, ν; r and CCnorm over those of the true spikes of
    the same cells."""
    means, found = pl.col("cc_true", "cc_norm").mean(), []
    cell, chain = ["session", "plane", "cell"], ["indicator", "model", "motion_method", "denoise", "extract"]
    for part in models.filter(source="inferred").partition_by([*chain, "recipe", "spikes"], maintain_order=True):
        same = models.filter(source="true").join(part.select(chain).unique(), on=chain).join(part, on=cell, how="semi")
        both = same, part.join(same, on=cell, how="semi")
        true, inferred = (rows.select(means).row(0) for rows in both)
        ratios = [math.nan if a is None or not b else a / b for a, b in zip(inferred, true, strict=True)]
        named = part.row(0, named=True)
        found.append((named["indicator"], named["spikes"], named["model"], part["noise_level"].median(), *ratios))
    return found


def _kept(table: pl.DataFrame, columns: Columns) -> list[tuple[str, str, str]]:
    return [column for column in columns if table[column[0]].drop_nulls().len()]


def _rows(data: Recordings, table: pl.DataFrame, columns: Columns) -> list[Row]:
    """By indicator; true spikes and dF/F of each extraction once, then what each recipe inferred."""
    found = []
    for (indicator,), part in table.partition_by("indicator", as_dict=True, maintain_order=True).items():
        for source, label in SOURCES.items():
            shared = [] if source == "inferred" else ["motion_method", "denoise", "extract"]
            for own in part.filter(source=source).partition_by(shared or "recipe", maintain_order=True):
                own = own.filter(recipe=own["recipe"][0])
                chain = " → ".join(own[name][0] for name in ("motion_method", "extract"))
                name = f"{label}, {own['spikes'][0]}" if source == "inferred" else label
                level = own.filter(pl.col("noise_level").is_not_null())["noise_level"].median()
                values = [
                    data.estimate(sessions_of(own, key), "responses", indicator, name, key) for key, *_ in columns
                ]
                note = f"{own['recipe'][0]}: {chain}" if source == "inferred" else f"cells of {chain}"
                found.append(Row(str(indicator), name, note, own.height, level, values))  # pyright: ignore[reportArgumentType]
    return found
