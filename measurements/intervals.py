"""How honest and how narrow the network's intervals are, on data sets that it has not seen.

    snakemake --configfile config.yaml -- train     (or only results/network/assessed/offline-*.parquet)
    PYTHONPATH=workflow/src python measurements/intervals.py results/network/assessed [--by-indicator]

Reads the assessments that `train` makes, and asks each `without-<k>` of the weights that come with groundtrace, which
has neither learnt from the data sets of fold k nor been calibrated on them. Prints, with the class of the cell told and
not: coverage and width of the 90 % interval of spikes in 1 s (mean over data sets), by class and predicted rate; its
score (CRPS) over that of a Poisson distribution at the same rate; coverage of the expected correlation by frame rate,
and of the mean rate.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import gammaincc

from groundtrace.indicators import resource
from groundtrace.io import read_table
from groundtrace.spikes.counts import ranked_probability_score
from groundtrace.spikes.network.expected import Calibration, from_dict
from groundtrace.spikes.network.model import load
from groundtrace.training.release import about_row

EDGES = (0.3, 1.0, 3.0, 10.0)
"""Predicted spikes in 1 s that part the bins."""
EVERY = 5
"""One of so many windows is scored."""


def family(row: dict[str, Any]) -> str:
    """Class of recordings that a row is counted with."""
    if row["cell_class"] == "interneuron":
        return "interneurons"
    name = row["dataset"]
    return next((f"GCaMP{n}" for n in ("6", "7", "8") if f"GCaMP{n}" in name), "others")


def unseen(folder: Path) -> Iterator[tuple[dict[str, Any], Calibration]]:
    for fold in range(6):
        checkpoint = load(resource(f"models/network/without-{fold}.safetensors"))
        calibration = from_dict(checkpoint.calibration)
        assert calibration is not None, fold
        rows = read_table(folder / f"offline-{fold}.parquet").filter(pl.col("dataset").is_in(list(checkpoint.left_out)))
        for row in rows.filter(~pl.col("dataset").str.starts_with("X-")).iter_rows(named=True):
            yield row, calibration


def seconds(row: dict[str, Any], calibration: Calibration, told: str) -> pl.DataFrame:
    """One row for each second that is scored."""
    mean, dispersion, count = (np.asarray(row[name], float)[::EVERY] for name in ("mean", "dispersion", "count"))
    made = calibration.counts.apply(mean, dispersion, about_row(calibration, row), told)
    low, high = made.interval(0.9)
    poisson = ranked_probability_score(lambda n: gammaincc(n + 1, np.maximum(mean, 1e-4)[:, None]), count)
    return pl.DataFrame(
        {
            "dataset": [row["dataset"]] * len(mean),
            "family": [family(row)] * len(mean),
            "bin": np.digitize(mean, EDGES),
            "count": count,
            "covered": made.coverage(count, 0.9),
            "inside": ((low <= count) & (count <= high)).astype(float),
            "low": low,
            "width": high - low,
            "crps": made.crps(count),
            "poisson": poisson,
        }
    )


def recordings(row: dict[str, Any], calibration: Calibration, told: str) -> dict[str, Any]:
    """Whether a recording's correlation and mean rate are inside their intervals."""
    about = about_row(calibration, row)
    _, low, high = calibration.expected_correlation(about, told)
    least, most = calibration.mean_rate_interval(row["inferred_rate"], about, told)
    r = row["correlation"]
    return {
        "dataset": row["dataset"],
        "frame_rate": row["frame_rate"],
        "correlation": None if r is None else low <= r <= high,
        "mean_rate": least <= row["true_rate"] <= most,
    }


def report(title: str, windows: pl.DataFrame, whole: pl.DataFrame) -> None:
    sets = windows.group_by("dataset").agg(pl.col("covered", "inside", "width", "crps", "poisson").mean())
    ratio = (sets["crps"] / sets["poisson"]).to_numpy()
    print(f"\n## {title}: {len(windows)} seconds of {len(sets)} data sets")
    print(f"covers {sets['covered'].mean():.1%}, worst {sets['covered'].min():.1%}; inside {sets['inside'].mean():.1%}")
    print(f"width {sets['width'].median():.1f} spikes (median); CRPS {ratio.mean():.2f} of Poisson's, below it in")
    print(f"{(ratio < 1).sum()} data sets")
    table = windows.group_by("family", "bin").agg(pl.col("covered").mean(), pl.col("width").median(), pl.len())
    for row in table.filter(pl.col("len") >= 500).sort("family", "bin").iter_rows(named=True):
        low, high = (0.0, *EDGES)[row["bin"]], (*EDGES, np.inf)[row["bin"]]
        print(
            f"  {row['family']}, {low:g} to {high:g} predicted: covers {row['covered']:.0%}, width {row['width']:.0f}"
        )
    bursts = windows.filter((pl.col("family") == "GCaMP8") & (pl.col("count") >= 5))
    print(f"lower end above 0 in {(bursts['low'] > 0).mean():.0%} of the seconds of GCaMP8 with 5 spikes or more")
    rates = whole.group_by("frame_rate").agg(pl.col("correlation").mean()).sort("frame_rate")
    shown = ", ".join(f"{share:.1%} at {rate:g} Hz" for rate, share in rates.iter_rows())
    print(f"expected correlation covers {whole['correlation'].mean():.1%}: {shown}")
    print(f"mean rate covers {whole['mean_rate'].mean():.1%}")


def by_indicator(folder: Path) -> None:
    """What a user gets at 30 Hz, indicator and class told: medians over recordings of r, counts, coverage and width."""
    rows = []
    for row, calibration in unseen(folder):
        if row["told"] and row["frame_rate"] == 30 and row["correlation"] is not None:
            scored = seconds(row, calibration, row["cell_class"])
            name = row["dataset"].split("-")[1]
            rows.append(
                {
                    "indicator": name if row["cell_class"] == "excitatory" else "interneurons",
                    "level": row["noise_level"],
                    "dataset": row["dataset"],
                    "neuron": row["neuron"],
                    "r": row["correlation"],
                    "ratio": row["inferred_rate"] / row["true_rate"],
                    "covered": scored["covered"].mean(),
                    "width": scored["width"].mean(),
                }
            )
    own = pl.DataFrame(rows).group_by("indicator", "level", "dataset", "neuron").agg(pl.all().mean())
    shown = own.group_by("indicator", "level").agg(
        pl.len(), pl.col("r", "ratio", "width").median(), covered=pl.mean("covered")
    )
    print("| indicator | ν | neurons | r | inferred / true | 90 % interval covers | width, spikes |")
    for row in shown.sort("indicator", "level").iter_rows(named=True):
        print(
            f"| {row['indicator']} | {row['level']:g} | {row['len']} | {row['r']:.2f} | {row['ratio']:.2f} | "
            f"{row['covered']:.0%} | {row['width']:.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assessed", type=Path, help="folder of offline-*.parquet")
    parser.add_argument("--by-indicator", action="store_true", help="only what a user gets, by indicator and ν")
    given = parser.parse_args()
    folder = given.assessed
    if given.by_indicator:
        by_indicator(folder)
        return
    for title, class_told in (("Class told", True), ("Class not told", False)):
        windows, whole = [], []
        for row, calibration in unseen(folder):
            told = row["cell_class"] if class_told else ""
            windows.append(seconds(row, calibration, told))
            whole.append(recordings(row, calibration, told))
        report(title, pl.concat(windows), pl.DataFrame(whole))


if __name__ == "__main__":
    main()
