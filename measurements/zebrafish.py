"""What the kinetics of a species are worth: zebrafish with GCaMP6f, told those of mice, none, or those of other fish.

    PYTHONPATH=workflow/src python measurements/zebrafish.py <folder with recordings.parquet, traces.parquet,
    spikes.parquet> results/ground_truth.parquet

Decay time, rise time and amplitude are those that indicator_kinetics.py finds; of each data set they are told once as
measured on the other two (left out), and once as they stand in resources/indicators.tsv, measured on all three. Prints
medians over neurons of r and of Σ inferred / Σ true, for `network` without the data set, and the mean CRPS of the
spikes in a second and share of them in the 90 % interval.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from indicator_kinetics import kinetics, neuron_response

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import Condition, Neuron, draw, measure, neurons
from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.indicators import Indicator, in_species, indicators
from groundtrace.spikes.network.backend import Network

DATASETS = ("DS06-GCaMP6f-zf-aDp", "DS07-GCaMP6f-zf-dD", "DS08-GCaMP6f-zf-OB")
CONDITIONS = (*(Condition(30.0, level) for level in (1.0, 2.0, 4.0, 8.0)), Condition(15.0, 2.0), Condition(7.5, 2.0))
MOUSE, FISH = indicators()["GCaMP6f"], indicators()[in_species("GCaMP6f", "Danio rerio")]


def responses(folder: Path, step: float) -> dict[str, list[FloatArray]]:
    """Mean isolated-spike response of each neuron, by data set."""
    key, tables = ["dataset", "neuron", "recording"], [folder / f"{name}.parquet" for name in ("traces", "spikes")]
    rows = pl.read_parquet(folder / "recordings.parquet").filter("plausible", pl.col("dataset").is_in(DATASETS))
    for table in tables:
        rows = rows.join(pl.read_parquet(table), on=key)
    found: dict[str, list[FloatArray]] = {name: [] for name in DATASETS}
    for (dataset, _), neuron in rows.group_by("dataset", "neuron", maintain_order=True):
        parts = [
            (np.asarray(r["time_us"]) * 1e-6, np.asarray(r["dff"]), np.asarray(r["spike_time"]))
            for r in neuron.iter_rows(named=True)
        ]
        response = neuron_response(parts, step)
        if response is not None:
            found[str(dataset)].append(response)
    return found


def left_out(folder: Path) -> dict[str, Indicator]:
    """What is told of each data set, measured on the two others."""
    step = 1 / 30.048077
    measured = responses(folder, step)
    found = {}
    for dataset in DATASETS:
        others = [response for name, each in measured.items() if name != dataset for response in each]
        decay, rise, amplitude = kinetics(np.median(others, axis=0), step)
        print(f"{dataset}: {len(others)} neurons of the others: {decay:.3f} s, {rise:.3f} s, {amplitude:.3f}")
        found[dataset] = FISH.model_copy(update={"decay_time": decay, "rise_time": rise, "amplitude": amplitude})
    return found


def scored(neuron: Neuron, condition: Condition, told: Indicator | None) -> FloatArray | None:
    """r, Σ inferred / Σ true, CRPS and coverage; None without recordings that can be used."""
    samples, _ = draw(neuron, condition, BenchmarkParameters().seed)
    backend = Network().without(neuron.recordings[0].dataset).knowing(neuron.cell_class)
    rates = [backend.run_with_counts(s.dff[None].astype(np.float32), condition.frame_rate, told) for s in samples]
    found = measure(samples, rates, condition, rate_in_hz=True)
    return np.array([found[key] for key in ("correlation", "count_ratio", "crps", "coverage_90")]) if found else None


def main(folder: Path, truth: Path) -> None:
    others = left_out(folder)
    found = list(neurons(read_recordings(truth, plausible=True, datasets=DATASETS), BenchmarkParameters()))
    print("| frame rate | ν | told | r | Σ inferred / Σ true | CRPS | covers |\n|---|---|---|---|---|---|---|")
    for condition in CONDITIONS:
        for name in ("mice", "nothing", "fish, left out", "fish"):
            cells = []
            for dataset in DATASETS:
                told = {"mice": MOUSE, "nothing": None, "fish, left out": others[dataset], "fish": FISH}[name]
                own = [scored(each, condition, told) for each in found if each.recordings[0].dataset == dataset]
                values = np.array([each for each in own if each is not None])
                cells.append([*np.median(values[:, :2], axis=0), *values[:, 2:].mean(axis=0)])
            columns = np.transpose(cells)
            shown = (
                " / ".join(f"{value:.{digits}f}" for value in column)
                for column, digits in zip(columns, (3, 2, 2, 2), strict=True)
            )
            print(
                f"| {condition.frame_rate:g} | {condition.noise_level:g} | {name} | {' | '.join(shown)} |", flush=True
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
