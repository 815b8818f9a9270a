"""Is a recording unlike any that accuracy was measured on noticed, and promised less?

    snakemake --configfile config.yaml -- train     (or only results/network/assessed/offline-*.parquet)
    PYTHONPATH=workflow/src python measurements/unlike.py results/network/assessed

Fits the expected correlation as `train` does, with and without the distance of a recording's description from those
learnt from, class of the cell not told, and asks it of recordings that it was not fitted to: those of one fold after
the other, in fifths of their distance, and those of a whole kind of indicator or cell. Prints the share of
correlations inside the 90 % interval, and its mean width.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.io import read_table
from groundtrace.spikes.network.expected import FEATURES, LIMIT, Expectation, expectation_inputs
from groundtrace.training.calibration import PARTS, Examples, distance_from_others, fit_expectation, learn

KINDS = {
    "GCaMP8": "GCaMP8",
    "GCaMP6": "GCaMP6",
    "dyes": "OGB|Cal",
    "red indicators": "CaMP1a|GECO|R-CaMP",
    "zebrafish": "-zf-",
    "interneurons": "PV|SST|VIP|Interneurons",
}


def fitted(tables: list[pl.DataFrame], used: int) -> Expectation:
    rows = pl.concat(
        [t.with_columns(part=pl.lit(k % PARTS), distance=distance_from_others(tables, k)) for k, t in enumerate(tables)]
    )
    examples = Examples.of(rows, np.arctanh(np.clip(rows["correlation"].to_numpy(), -LIMIT, LIMIT)))
    return fit_expectation(replace(examples, about=examples.about[:, :used]))


def asked(tables: list[pl.DataFrame], new: pl.DataFrame) -> pl.DataFrame:
    """Of each row: its distance, and with and without it, whether r is inside the interval and how wide that is."""
    far = learn(tables).distance(np.stack(new["context"].to_list()).astype(np.float64))
    about = np.column_stack([np.stack(new["features"].to_list()), far])
    found = {"distance": far}
    for name, used in (("without", FEATURES), ("with", FEATURES + 1)):
        expectation, inputs = fitted(tables, used), expectation_inputs(about[:, :used], "")
        centre, low, high = (inputs @ np.array(w) for w in (expectation.centre, expectation.low, expectation.high))
        ends = np.tanh([centre + low, centre + high])
        r = new["correlation"].to_numpy()
        found |= {
            f"inside, {name}": ((ends[0] <= r) & (r <= ends[1])).astype(float),
            f"width, {name}": ends[1] - ends[0],
        }
    return pl.DataFrame(found)


def show(name: str, found: pl.DataFrame) -> None:
    mean = found.mean().row(0, named=True)
    values = (f"{mean[f'inside, {which}']:.2f}, {mean[f'width, {which}']:.2f}" for which in ("without", "with"))
    print(
        f"| {name} | {np.exp(np.median(found['distance'].to_numpy())):.2f} | " + " | ".join(values) + " |", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assessed", type=Path, help="folder of offline-*.parquet")
    folder = parser.parse_args().assessed
    tables = [
        read_table(path).filter(pl.col("correlation").is_not_null() & ~pl.col("dataset").str.starts_with("X-"))
        for path in sorted(folder.glob("offline-*.parquet"))
    ]
    print("| recordings | distance | without: inside, width | with |")
    whole = pl.concat([asked(tables[:k] + tables[k + 1 :], table) for k, table in enumerate(tables)])
    for fifth, part in enumerate(np.array_split(whole["distance"].arg_sort().to_numpy(), 5)):
        show(f"fifth {fifth + 1}", whole[part])
    for name, words in KINDS.items():
        others = [table.filter(~pl.col("dataset").str.contains(words)) for table in tables]
        new = pl.concat([table.filter(pl.col("dataset").str.contains(words)) for table in tables])
        show(name, asked([table for table in others if len(table)], new))


if __name__ == "__main__":
    main()
