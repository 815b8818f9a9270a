"""Is a recording unlike any that accuracy was measured on noticed, and promised less?

    snakemake --configfile config.yaml -- train     (or only results/network/assessed/offline-*.parquet)
    PYTHONPATH=workflow/src python measurements/unlike.py results/network/assessed
    PYTHONPATH=workflow/src python measurements/unlike.py --alarms results/ground_truth.parquet
    PYTHONPATH=workflow/src python measurements/unlike.py --covered results/ground_truth.parquet

Fits the expected correlation as `train` does, with and without the distance of a recording's description from those
learnt from, class of the cell not told, and asks it of recordings that it was not fitted to: those of one fold after
the other, in fifths of their distance, and those of a whole kind of indicator or cell. Prints the share of
correlations inside the 90 % interval, and its mean width.

`--alarms`: how often `infer_spikes` says that a recording is unlike others, by the number of its frames; of data sets
by weights that have not seen them, as they are and with what is wrong in WRONG, 30 and 7.5 Hz, ν = 2, up to NEURONS
neurons of each data set. `--covered`: whether 90 % intervals of counts and of mean rates of the same, 300 and 1,200
frames long, class not told, hold the truth, by how unlike the recording is.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from scipy.ndimage import uniform_filter1d

from groundtrace.groundtruth.recordings import Sampled, read_recordings, sample
from groundtrace.indicators import indicators, resource
from groundtrace.io import read_table
from groundtrace.random import stream
from groundtrace.spikes.base import UNLIKE
from groundtrace.spikes.comparing import count_windows
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.network.expected import FEATURES, LIMIT, Expectation, expectation_inputs, from_dict
from groundtrace.spikes.network.features import Response, read_recording
from groundtrace.spikes.network.model import Checkpoint, load
from groundtrace.training.calibration import PARTS, Examples, distance_from_others, fit_expectation, learn
from groundtrace.training.parameters import TrainingParameters

NEURONS = 12
WRONG = {
    "nothing": lambda dff, rate: (dff, rate),
    "per cent": lambda dff, rate: (100 * dff, rate),
    "frame rate / 4": lambda dff, rate: (dff, rate / 4),
    "smoothed": lambda dff, rate: (uniform_filter1d(dff, 5), rate),
}
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


def recordings(truth: Path) -> Iterator[tuple[Sampled, int]]:
    """The first recordings of up to NEURONS neurons of each data set, and the fold that has not seen them."""
    of = {name: fold for fold in range(TrainingParameters().folds) for name in checkpoint(fold).left_out}
    used: dict[str, set[str]] = {}
    for recording in read_recordings(truth, plausible=True, datasets=of):
        name, neurons = recording.dataset, used.setdefault(recording.dataset, set())
        if recording.neuron in neurons or len(neurons) == NEURONS:
            continue
        neurons.add(recording.neuron)
        for rate in (30.0, 7.5):
            random = stream(1, name, recording.neuron, recording.recording, rate, 2.0)
            sampled = sample(recording, rate, 2.0, random) if recording.frame_rate >= rate / 2 else None
            if sampled is not None:
                yield sampled, of[name]


@cache
def checkpoint(fold: int) -> Checkpoint:
    return load(resource(f"models/network/without-{fold}.safetensors"))


def alarms(truth: Path) -> None:
    """Share of traces, and of data sets in the median over their neurons, that are said to be unlike."""
    rows = []
    for sampled, fold in recordings(truth):
        known, rate = from_dict(checkpoint(fold).calibration), sampled.frame_rate
        for frames, (wrong, change) in product((75, 150, 300, 600, 1200, 2400), WRONG.items()):
            if known is not None and frames <= len(sampled.dff):
                dff, told = change(sampled.dff[:frames], rate)
                context = read_recording(dff, told, Response.unknown())[1]
                rows.append((sampled.recording.dataset, rate, frames, wrong, known.unlike(context, frames)))
    table = pl.DataFrame(rows, ["dataset", "rate", "frames", "wrong", "unlike"], orient="row")
    median = table.group_by("dataset", "rate", "frames", "wrong").agg(pl.col("unlike").median())
    for each in (table, median):
        said = each.group_by("wrong", "frames").agg((pl.col("unlike") >= UNLIKE).mean())
        print(said.pivot("wrong", index="frames", values="unlike").select("frames", *WRONG).sort("frames"))


def covered(truth: Path) -> None:
    """Share of counts and of mean rates inside their 90 % intervals, by how unlike the recording is."""
    rows = []
    for sampled, fold in recordings(truth):
        backend, recording, rate = Network(weights=f"without-{fold}"), sampled.recording, sampled.frame_rate
        for frames in (300, 1200):
            if frames > len(sampled.dff):
                continue
            told = indicators().get(recording.indicator)
            found = backend.run_with_counts(sampled.dff[None, :frames].astype(np.float32), rate, told)
            assert found.counts is not None
            assert found.mean_rate is not None
            assert found.unlike is not None
            at, counts = count_windows(sampled.time[:frames], rate, recording.spike_time)
            made, true = found.counts[0, at], sampled.spikes[:frames].mean() * rate
            low, high = found.mean_rate.low[0], found.mean_rate.high[0]
            covers, width = made.coverage(counts, 0.9).mean(), np.ptp(made.interval(0.9), axis=0).mean()
            rows.append((recording.dataset, frames, float(found.unlike[0]), covers, width, float(low <= true <= high)))
    names = ["dataset", "frames", "unlike", "counts inside", "width", "mean rate inside"]
    table = pl.DataFrame(rows, names, orient="row").sort("unlike")
    fifths = [(f"fifth {n + 1}", table[rows]) for n, rows in enumerate(np.array_split(np.arange(len(table)), 5))]
    for name, part in [*fifths, ("said to be unlike", table.filter(pl.col("unlike") >= UNLIKE))]:
        print(name, len(part), part.select(pl.exclude("dataset", "frames").mean()).row(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assessed", type=Path, help="folder of offline-*.parquet")
    parser.add_argument("--alarms", action="store_true", help="`assessed` is the table of ground truth instead")
    parser.add_argument("--covered", action="store_true", help="the same")
    given = parser.parse_args()
    if given.alarms or given.covered:
        return (alarms if given.alarms else covered)(given.assessed)
    folder = given.assessed
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
