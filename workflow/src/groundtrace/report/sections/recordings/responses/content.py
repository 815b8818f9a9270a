"""Responses to stimuli, from true spikes to dF/F."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.benchmark.ranking import Estimate
from groundtrace.report.comparison import Recordings, sessions_of

SOURCES = {"true": "true spikes", "inferred": "inferred spikes", "dff": "dF/F"}
COLUMNS = (
    ("true_oracle", "true oracle", "mean over cells of the oracle correlation that infinitely many images would have"),
    ("oracle", "oracle", "mean over cells of the oracle correlation found"),
    ("bias", "bias", "mean over cells of what is found minus what is true"),
    ("in_errors", "bias / error", "mean over cells of the same over the standard error that the table states"),
    ("spread", "|bias| / error", "mean size of the same; 0.8 where errors are right"),
    ("orientation_off", "orientation", "degrees; mean over tuned cells of how far the preferred one is off"),
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
    table = table.with_columns(bias=off, in_errors=off / error, spread=(off / error).abs())
    return {"columns": _kept(table), "rows": _rows(data, table)}


def _kept(table: pl.DataFrame) -> list[tuple[str, str, str]]:
    return [column for column in COLUMNS if table[column[0]].drop_nulls().len()]


def _rows(data: Recordings, table: pl.DataFrame) -> list[Row]:
    """By indicator; true spikes and dF/F of each extraction once, then what each recipe inferred."""
    columns, found = _kept(table), []
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
