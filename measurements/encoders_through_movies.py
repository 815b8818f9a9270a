"""Responses and encoding models through the movie: medians and means over the cells of a finished benchmark.

    snakemake --profile profiles/local --configfile config/responses/config.yaml -- benchmark
    PYTHONPATH=workflow/src python measurements/encoders_through_movies.py [responses/benchmark]

Prints, per session and source of responses, the bias of the oracle correlation over all detectable somata that were
found and the orientation that gratings tell; then, per session, kind of cells, model and source, what encoding models
are worth on tuned cells with a true oracle correlation of 0.3 and more, and an expected correlation of 0.6 and more
of `network`: medians, and the share of cells whose most exciting image does more than the best of the set. The cells
are the same for all.
"""

import argparse
from pathlib import Path

import polars as pl

from groundtrace.io import read_table
from groundtrace.report.sections.recordings.responses.content import counting

SHOWN = ("cc_true", "cc_norm", "mei", "gabor", "field", "best_image", "position_off", "orientation_off")


def named(table: pl.DataFrame) -> pl.DataFrame:
    """With the source as a reader calls it."""
    inferred = pl.when(pl.col("source") == "inferred").then(pl.col("spikes"))
    kind = pl.when(pl.col("kind") == "fitted").then(pl.lit("fitted")).otherwise(pl.lit("Gabor"))
    return table.with_columns(of=inferred.otherwise(pl.col("source")), cells=kind)


def oracles(table: pl.DataFrame) -> pl.DataFrame:
    """Bias of the oracle correlation, with its standard error over cells, and over the error that is stated."""
    off = pl.col("oracle") - pl.col("true_oracle")
    return table.group_by("session", "of", maintain_order=True).agg(
        n=pl.len(),
        level=pl.col("noise_level").median(),
        true=pl.col("true_oracle").mean(),
        bias=off.mean(),
        error=off.std() / pl.len().sqrt(),
        corrected=(pl.col("oracle_corrected") - pl.col("true_oracle")).mean(),
        in_errors=(off / pl.col("oracle_error")).mean(),
        orientation=pl.col("orientation_off").filter(pl.col("true_oracle") >= 0.3).median(),
    )


def models(table: pl.DataFrame) -> pl.DataFrame:
    """Medians over the cells that count, by kind of cells, model and source."""
    cell = ["session", "plane", "cell"]
    sure = counting(table.filter(pl.col("expected_correlation").is_not_null())).select(cell).unique()
    kept = named(table).join(sure, on=cell, how="semi")
    above = (pl.col("mei") > pl.col("best_image")).mean()
    keys = ["session", "cells", "model", "of"]
    found = kept.group_by(keys, maintain_order=True).agg(
        pl.len().alias("n"), pl.col("noise_level").median(), *(pl.col(name).median() for name in SHOWN), above=above
    )
    return found.sort("session", "cells", "model", maintain_order=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("responses/benchmark"))
    folder = parser.parse_args().folder
    responses = named(read_table(folder / "responses.parquet")).unique(["session", "of", "cell"], maintain_order=True)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=250, float_precision=3, tbl_hide_dataframe_shape=True):
        print(oracles(responses))
        print(models(read_table(folder / "encoding.parquet")))


if __name__ == "__main__":
    main()
